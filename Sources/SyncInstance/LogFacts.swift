import Chum
import Store
import Trace

/// Values of the machines as the log writes them.
extension LogChumStart {
  init(_ configuration: ChumConfiguration) {
    self.init(
      localPerson: configuration.localPerson.hex, remotePerson: configuration.remotePerson.hex,
      localInstance: configuration.localInstance, remoteInstance: configuration.remoteInstance,
      importer: configuration.imports, exporter: configuration.exports, keepRunning: configuration.keepRunning,
      pollMs: Double(configuration.pollInterval), groupPolicy: configuration.groupPolicy.name)
  }
}

extension LogPluginPass {
  init(_ pass: PluginPass) {
    func content(_ message: PluginMessage) -> Content {
      switch message {
      case .text(let text): .text(text)
      case .binary(let bytes): .binary(length: bytes.count)
      }
    }
    self.init(
      plugin: pass.plugin, isIncoming: pass.way == .incoming, before: content(pass.before),
      after: pass.after.map(content))
  }
}

extension LogEntry {
  init(_ entry: ListEntry) {
    self.init(
      entry: entry.hash.hex, creationTime: entry.creation.hex, timestamp: entry.timestamp, data: entry.data.hex)
  }
}

extension LogUpdate {
  init(_ update: ChannelUpdate) {
    self.init(
      channel: update.channel.hex, id: update.key.id, owner: update.key.owner?.hex, count: update.entries.count,
      entries: update.entries.prefix(500).map { LogEntry($0.entry) }, newEntries: update.entries.count { $0.isNew },
      isImport: update.origin == .chum)
  }
}

extension LogGrant {
  init(_ record: GrantRecord, because topic: ObjectHash?) {
    self.init(
      by: record.component, subject: record.subject.hash.hex, subjectKind: record.subject.logged,
      persons: record.persons.map(\.hex), groups: record.groups.map(\.hex), mode: record.mode.rawValue,
      resultPersons: record.result.persons.map(\.hex), resultGroups: record.result.groups.map(\.hex),
      status: record.status.rawValue, isByChum: topic != nil, because: topic?.hex)
  }

  init(refused request: GrantRequest, by component: String) {
    self.init(
      by: component, subject: request.subject.hash.hex, subjectKind: request.subject.logged,
      persons: request.persons.map(\.hex), groups: request.groups.map(\.hex), mode: request.mode.rawValue,
      status: "refused")
  }
}
