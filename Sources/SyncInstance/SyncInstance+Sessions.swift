public import Chum
import Cryptobox
public import Instance
public import Store
import Trace
import Wire

/// One CHUM session on one connection.
public struct SyncSession: Sendable {
  public internal(set) var chum: ChumSession
  public let record: PeerRecord
  public let person: ObjectHash
  public internal(set) var plugins: PluginChain
  /// The last round fetched nothing and met no error.
  public internal(set) var isQuiet = false
  var errorsBeforeRound = 0
}

/// CHUM on the connections that stand (chum.md 1.2, 2.11).
extension SyncInstance {
  // MARK: Start

  mutating func startSession(_ id: SocketID, _ record: PeerRecord, _ random: inout some RandomSource) {
    guard let local = ObjectHash(hex: record.localPerson), let remote = ObjectHash(hex: record.person),
      let own = core.keychain.identity(instanceKey: record.localInstanceKey)
    else { return tell(.trouble("the ids of \(record.personEmail.prefix(40)) are no hashes")) }
    sessionNumber += 1
    var configuration = ChumConfiguration(
      profile: settings.profile, localPerson: local, remotePerson: remote, localInstance: own.instanceName,
      remoteInstance: record.instanceName)
    configuration.connection = sessionNumber
    configuration.pollInterval = settings.pollInterval
    configuration.keepRunning = settings.keepsRunning
    configuration.imports = settings.imports
    configuration.exports = settings.exports
    configuration.groupPolicy = settings.groupPolicy
    configuration.limits = settings.limits
    configuration.start = settings.start
    configuration.commitsEachAnswer = false
    configuration.versionSilence = settings.versionSilence
    configuration.sendsEmptyChunks = settings.sendsEmptyChunks
    configuration.faults = settings.faults
    configuration.keepsLists = settings.keepsLists
    var session = SyncSession(
      chum: ChumSession(configuration), record: record, person: remote, plugins: chain())
    for (index, name) in session.plugins.names.enumerated() {
      log(.pluginAttached(plugin: name, index: index), on: id)
    }
    log(.chumStarted(LogChumStart(configuration)), on: id)
    tell(.started(id, person: remote))
    // Both control texts went through the layers before the connection was told to stand; the session hears of both.
    _ = session.chum.start(at: Int(now), host: &host)
    let control = session.plugins.receive(.text(ChumMessage.controlText))
    for pass in session.plugins.passes { log(.pluginPassed(LogPluginPass(pass)), on: id) }
    guard case .text(let text)? = control else { return tell(.trouble("a plugin kept the control text")) }
    log(.handlerGotText(text), on: id)
    let actions = session.chum.receive(text: text, at: Int(now), host: &host)
    sessions[id] = session
    carryOut(actions, on: id, &random)
  }

  /// The chain of chum.md 1.1: the layers up to fragmentation are carried out below and stand for their place.
  private func chain() -> PluginChain {
    // What passed is logged for the control text only; a log of all chunks would hold whole files.
    var chain = PluginChain(logLimit: 6)
    chain.insert(LayerPlugin("websocket"))
    chain.insert(StatisticsPlugin())
    for name in ["encryption", "keepalive", "fragmentation"] { chain.insert(LayerPlugin(name)) }
    chain.insert(ChumPlugin())
    if settings.syncFaults.contains(.controlTextSwallowed) {
      chain.insert(
        LayerPlugin(
          "json",
          incoming: { message in
            if case .text(let text) = message, text.utf8.first != 0x7B { nil } else { message }
          }))
    }
    return chain
  }

  // MARK: Messages

  mutating func receive(_ message: WireMessage, on id: SocketID, _ random: inout some RandomSource) {
    let plain: PluginMessage
    switch message {
    case .text(let text): plain = .text(text)
    case .binary(let bytes): plain = .binary(bytes)
    }
    guard let passed = sessions[id]?.plugins.receive(plain) else { return }
    let actions: [ChumAction]?
    switch passed {
    case .text(let text): actions = sessions[id]?.chum.receive(text: text, at: Int(now), host: &host)
    case .binary(let bytes): actions = sessions[id]?.chum.receive(binary: bytes, at: Int(now), host: &host)
    }
    carryOut(actions ?? [], on: id, &random)
  }

  mutating func advance(_ id: SocketID, unsent: Int, _ random: inout some RandomSource) {
    let actions = sessions[id]?.chum.advance(to: Int(now), unsent: unsent, host: &host)
    carryOut(actions ?? [], on: id, &random)
  }

  /// What is due in the sessions.
  mutating func tick(_ random: inout some RandomSource) {
    if let commitDue, now >= commitDue { commit() }
    for id in sessions.keys.sorted() {
      guard let session = sessions[id], let due = session.chum.deadline, now >= Double(due) else { continue }
      advance(id, unsent: session.chum.unsentBytes, &random)
    }
  }

  private mutating func carryOut(_ actions: [ChumAction], on id: SocketID, _ random: inout some RandomSource) {
    takeLogs(id, &random)
    for action in actions {
      switch action {
      case .sendText(let text): send(.text(text), on: id, &random)
      case .sendBinary(let bytes): send(.binary(bytes), on: id, &random)
      case .sendEmptyFragments: send(.binary([]), on: id, &random)
      case .close(let reason): feed(.command(.disconnect(id, reason)), &random)
      }
    }
  }

  private mutating func send(_ message: PluginMessage, on id: SocketID, _ random: inout some RandomSource) {
    guard let passed = sessions[id]?.plugins.send(message) else { return }
    switch passed {
    case .text(let text): feed(.command(.send(id, .text(text))), &random)
    case .binary(let bytes): feed(.command(.send(id, .binary(bytes))), &random)
    }
  }

  // MARK: What sessions tell

  private mutating func takeLogs(_ id: SocketID, _ random: inout some RandomSource) {
    guard let person = sessions[id]?.person, let logs = sessions[id]?.chum.takeLogs() else { return }
    for entry in logs {
      switch entry {
      case .started, .controlText, .stray, .merged: break
      case .roundStarted:
        let errors = sessions[id]?.chum.errorCount ?? 0
        sessions[id]?.errorsBeforeRound = errors
      case .roundEnded(let round, let fetched):
        let errors = (sessions[id]?.chum.errorCount ?? 0) - (sessions[id]?.errorsBeforeRound ?? 0)
        sessions[id]?.isQuiet = fetched == 0 && errors == 0
        tell(.roundEnded(id, person: person, round: round, fetched: fetched))
      case .firstFullSync: log(.firstFullSync, on: id)
      case .received(let reference, let status):
        receivedNow.insert(reference.hash)
        uncommitted += 1
        logStored(reference, status, isReceived: true, on: id)
        tell(.received(id, reference, status))
      case .rejected(let hash, let error):
        log(.objectRejected(hash: hash, code: error.code ?? error.name), on: id)
        tell(.rejected(id, hash: hash, error))
      case .grantUnreadable(let subject, let error):
        tell(.trouble("the grant for \(subject) cannot be served: \(error.message)"))
      case .ended(let error):
        log(.chumEnded(outcome: error == nil ? "normal" : "error", error: error.map { "\($0)" }), on: id)
        tell(.ended(id, person: person, errors: sessions[id]?.chum.errorCount ?? 0, error))
      }
    }
    absorb(from: person, on: id, &random)
    receivedNow = []
    let isRoundOver = logs.contains { if case .roundEnded = $0 { true } else { false } }
    if isRoundOver || uncommitted >= Self.commitBatch { commit() }
  }

  /// The connection is gone: the session concludes, and its Chum object is stored.
  mutating func connectionEnded(_ id: SocketID, _ random: inout some RandomSource) {
    guard sessions[id] != nil else { return }
    sessions[id]?.chum.connectionClosed(at: Int(now), host: &host)
    takeLogs(id, &random)
    guard let session = sessions.removeValue(forKey: id) else { return }
    do throws(RepositoryFailure) {
      if let stored = try host.storeChumObject(of: session.chum, now: wallTime) {
        logChumObject(stored.idHash, stored.data, on: id)
      }
    } catch { tell(.trouble("the Chum object of \(id) was not stored: \(error)")) }
    absorb(from: nil, on: nil, &random)
  }
}
