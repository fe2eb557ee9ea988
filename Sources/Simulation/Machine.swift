import Chum
import Cryptobox
import Instance
import Store
import SyncInstance
import Wire

/// What runs on a host: an instance up to the start of CHUM, or a complete one with its store.
///
/// A reference, so that looking at it after every event copies nothing; it belongs to one host.
final class Machine {
  private var plain: Instance
  /// The complete instance; its connections are what counts then.
  private(set) var complete: SyncInstance<MemoryStore>?

  init(_ instance: Instance) { plain = instance }

  init(_ complete: SyncInstance<MemoryStore>) {
    plain = complete.core
    self.complete = complete
  }

  var core: Instance { complete?.core ?? plain }
  var running: [PublicKey: SocketID] { core.running }
  var load: (connections: Int, spares: Int, remembered: Int, tokens: Int) { core.load }
  var settings: InstanceSettings { core.settings }
  var book: PeerBook { core.book }
  var openSockets: [SocketID] { core.openSockets }
  var nextDeadline: Double? { complete == nil ? plain.nextDeadline : complete?.nextDeadline }

  func handle(
    _ event: InstanceEvent, at now: Double, random: inout some RandomSource, into actions: inout [SyncAction]
  ) {
    guard complete == nil else { return complete?.handle(event, at: now, random: &random, into: &actions) ?? () }
    for action in plain.handle(event, at: now, random: &random) { actions.append(.instance(action)) }
  }

  func run(
    _ command: SyncCommand, at now: Double, random: inout some RandomSource, into actions: inout [SyncAction]
  ) {
    complete?.run(command, at: now, random: &random, into: &actions)
  }

  func write(
    at now: Double, random: inout some RandomSource, into actions: inout [SyncAction],
    _ body: (inout Repository<MemoryStore>) -> Void
  ) {
    complete?.write(at: now, random: &random, into: &actions, body)
  }

  /// A file is coming in.
  var isReceivingFile: Bool {
    complete?.sessions.values.contains { $0.chum.transfers.contains(where: \.isIncoming) } ?? false
  }

  /// The same after a crash: what was stored is there; unfinished files are gone, or under a broken name.
  func restarted(halves: Bool) throws(RepositoryFailure) -> Machine {
    guard let complete else { return Machine(Instance(restarting: plain)) }
    var repository = complete.host.repository
    let transfers = complete.sessions.values.flatMap(\.chum.transfers).filter(\.isIncoming)
    repository.store.crash(halves: halves ? transfers.map(\.hash) : [])
    return Machine(try SyncInstance(restarting: complete, repository: repository))
  }
}
