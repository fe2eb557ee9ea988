import Store
import SyncInstance
import Synchronization
import WireBytes

/// Writes the instance log: the events of chum.md 5.1 that only an instance can tell, one JSON object a line.
final class InstanceLogWriter: Sendable {
  private let peer: String
  init(peer: String) { self.peer = peer }

  func write(_ event: InstanceLogEvent, at now: Double, to file: LineFile) {
  }

  func snapshot<S: EntryStore>(_ when: String, of repository: Repository<S>, at now: Double, to file: LineFile) {
  }
}
