import ArgumentParser
import Cryptobox
import Foundation
import Instance
import Network
import Synchronization
import Wire
import WireBytes

/// What `invite` and `join` share: who we are, how we behave, what is written down.
struct InstanceOptions: ParsableArguments {
  enum Behaviour: String, ExpressibleByArgument, CaseIterable { case deployed, strict }
  enum Broker: String, ExpressibleByArgument, CaseIterable { case off, automatic, required }
  enum Until: String, ExpressibleByArgument, CaseIterable { case paired, chum, forever }

  @Option(help: "Secret identity file. (Default: a new identity that is forgotten at the end.)")
  var identity: String?
  @Option(help: "deployed: like the real implementation, quirks included. strict: hardened.")
  var profile: Behaviour = .deployed
  @Option(help: "Invitations at the CommServer (X-INV/1): off, automatic (where offered), required.")
  var broker: Broker = .off
  @Option(help: "When to end: paired, chum (the connection after it stands), forever.")
  var until: Until = .chum
  @Option(help: "Give up after so many seconds.")
  var timeout: Double?
  @Option(
    help: "Append a line for every connection: ephemeral key, session key. Opens everything of those connections.")
  var keyLog: String?
  @Option(help: "Write this side's traffic as a session file for `chumgate replay`.")
  var record: String?
  @Option(help: "Trust this certificate (PEM) of a wss server.")
  var trust: String?
  @Flag(help: "Events as JSON, one a line.")
  var json = false

  func validate() throws {
    guard timeout ?? 1 > 0 else { throw ValidationError("--timeout is a positive number") }
  }

  func settings() -> InstanceSettings {
    var settings = InstanceSettings(profile: profile == .strict ? .strict : .deployed)
    settings.broker = InstanceSettings.BrokerPolicy(rawValue: broker.rawValue) ?? .off
    return settings
  }

  /// The identity of the file, reachable under `url` when one is given.
  func ownIdentity(url: String?) throws -> Identity {
    guard let identity else {
      var random = SystemRandom()
      return Identity.create(url: url, random: &random, box: SodiumBox())
    }
    let file = try IdentityFiles.secret(identity).secretFile
    guard let url, let secrets = file.secrets else { return try IdentityFiles.secret(identity) }
    let moved = IdentityFile(
      personEmail: file.personEmail, instanceName: file.instanceName, personKeyPublic: file.personKeyPublic,
      personSignKeyPublic: file.personSignKeyPublic, instanceKeyPublic: file.instanceKeyPublic,
      instanceSignKeyPublic: file.instanceSignKeyPublic, url: url, secrets: secrets)
    do { return try Identity(moved, box: SodiumBox()) } catch { throw Exit.usage("\(error)") }
  }

  func driver(_ identity: Identity) throws -> InstanceDriver {
    var options = InstanceDriver.Options()
    if let trust { options.trust = .pinned(try Inputs.bytes(trust)) }
    if let keyLog {
      let file = try LineFile(keyLog, appends: true)
      options.keyLog = { file.write($0) }
    }
    if let record {
      let file = try LineFile(record, appends: false)
      let head: JSONValue = ["type": "header", "format": "one-ws-recording/1", "name": "chumgate"]
      file.write(head.compact + "\n")
      options.record = { file.write($0) }
    }
    let instance = Instance(settings: settings(), keychain: Keychain([identity]), box: SodiumBox())
    return InstanceDriver(instance, options: options)
  }
}

/// A file that gets lines from several tasks; the lock keeps them whole.
final class LineFile: Sendable {
  private let handle: Mutex<FileHandle>

  init(_ path: String, appends: Bool) throws {
    let isThere = FileManager.default.fileExists(atPath: path)
    if !appends || !isThere {
      // Key logs open conversations, so nobody else may read them.
      guard FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600]) else {
        throw Exit.usage("cannot write \(path)")
      }
    }
    guard let file = FileHandle(forWritingAtPath: path) else { throw Exit.usage("cannot write \(path)") }
    if appends { _ = try? file.seekToEnd() }
    handle = Mutex(file)
  }

  func write(_ text: String) { handle.withLock { $0.write(Data(text.utf8)) } }
}

/// Prints what an instance tells, and says when the wish is fulfilled.
struct EventPrinter {
  let isJSON: Bool
  let until: InstanceOptions.Until

  /// How a wait ended.
  enum End: Equatable { case fulfilled, failed, timeout, interrupted }

  /// Reads reports until the wish is fulfilled, a pairing of ours failed, time is up or a signal came.
  func wait(_ driver: InstanceDriver, timeout: Double?, failureEnds: Bool) async -> End {
    enum Item: Sendable {
      case report(InstanceReport)
      case ended, timeout, signal
    }
    let (items, source) = AsyncStream.makeStream(of: Item.self)
    let watchers = [SIGINT, SIGTERM].map { SignalWatch.start($0) { _ in source.yield(.signal) } }
    defer { for watcher in watchers { watcher.cancel() } }
    let reader = Task {
      for await report in driver.reports { source.yield(.report(report)) }
      source.yield(.ended)
    }
    defer { reader.cancel() }
    let timer = timeout.map { seconds in
      let timer = DispatchSource.makeTimerSource()
      timer.schedule(deadline: .now() + seconds)
      timer.setEventHandler { source.yield(.timeout) }
      timer.activate()
      return timer
    }
    defer { timer?.cancel() }
    for await item in items {
      switch item {
      case .report(let report):
        tell(report)
        if isFulfilled(by: report) { return .fulfilled }
        if failureEnds, case .pairingFailed(let failure) = report, failure.initiatedLocally { return .failed }
      case .ended: return .interrupted
      case .timeout: return .timeout
      case .signal: return .interrupted
      }
    }
    return .interrupted
  }

  private func isFulfilled(by report: InstanceReport) -> Bool {
    switch (until, report) {
    case (.paired, .pairingSucceeded), (.chum, .ready): true
    default: false
    }
  }

  private func tell(_ report: InstanceReport) {
    guard let (name, words, members) = describe(report) else { return }
    if isJSON {
      var object = JSONObject(["event": .string(name)])
      for member in members.members { object.append(member.name, member.value) }
      FileHandle.standardOutput.write(Data((JSONValue.object(object).compact + "\n").utf8))
    } else {
      FileHandle.standardOutput.write(Data((words + "\n").utf8))
    }
  }

  /// Name, sentence and members of an event; nil for what is of no interest here.
  private func describe(_ report: InstanceReport) -> (String, String, JSONObject)? {
    switch report {
    case .listener(let key, let state):
      (
        "listener", "listener: \(state.rawValue)",
        JSONObject(["key": .string(key.hex), "state": .string(state.rawValue)])
      )
    case .listenerWaits(_, let delay):
      (
        "listenerWaits", "no registration; again in \(Int(delay / 1_000)) s",
        JSONObject(["retryIn": .number(delay.rounded())])
      )
    case .invitationStored(let id, let left):
      (
        "invitationStored", "the CommServer keeps the invitation for \(Int(left / 1_000)) s",
        JSONObject(["invitationId": .string(id), "expiresIn": .number(left)])
      )
    case .invitationEnded(_, let end):
      ("invitationEnded", "the invitation ended: \(end.rawValue)", JSONObject(["why": .string(end.rawValue)]))
    case .secured(let id, let handshake):
      (
        "secured", "\(id): encrypted with \(handshake.peerStatic.hex.prefix(12))…",
        JSONObject(["socket": .string("\(id)"), "peerKey": .string(handshake.peerStatic.hex)])
      )
    case .identified(let id, let group, let peer):
      (
        "identified", "\(id): \(group) with person \(peer.person.prefix(12))… on instance \(peer.instance.prefix(12))…",
        JSONObject([
          "socket": .string("\(id)"), "group": .string(group), "person": .string(peer.person),
          "instance": .string(peer.instance),
        ])
      )
    case .tokenPresented(let id, let accepted):
      (
        "tokenPresented", "\(id): a token was shown, \(accepted ? "accepted" : "refused")",
        JSONObject(["socket": .string("\(id)"), "accepted": .bool(accepted)])
      )
    case .pairingSucceeded(let success):
      (
        "onPairingSuccess", "paired with person \(success.remotePerson)",
        JSONObject([
          "initiatedLocally": .bool(success.initiatedLocally), "localPerson": .string(success.localPerson),
          "localInstance": .string(success.localInstance), "remotePerson": .string(success.remotePerson),
          "remoteInstance": .string(success.remoteInstance), "mode": success.mode.map { .string($0.rawValue) } ?? .null,
        ])
      )
    case .pairingFailed(let failure):
      (
        "onPairingFailed", "pairing failed at stage \(failure.stage.rawValue): \(failure.code)",
        JSONObject([
          "initiatedLocally": .bool(failure.initiatedLocally), "stage": .string(failure.stage.rawValue),
          "code": .string(failure.code),
        ])
      )
    case .ready(let id, let record):
      (
        "chum", "\(id): chum with \(record.personEmail.prefix(40)) stands",
        JSONObject(["socket": .string("\(id)"), "person": .string(record.person), "instance": .string(record.instance)])
      )
    case .unreachable(_, let url, let code, let again):
      (
        "unreachable", "\(url): \(code)" + (again.map { ", again in \(Int($0 / 1_000)) s" } ?? ""),
        JSONObject(["url": .string(url), "code": .string(code), "retryIn": again.map { .number($0) } ?? .null])
      )
    case .redialIn(_, let delay):
      ("redial", "dialling again in \(Int(delay / 1_000)) s", JSONObject(["in": .number(delay.rounded())]))
    case .fault(let id, let failure, let isOpen):
      (
        "fault", "\(id): \(failure)\(isOpen ? "; the connection stays open, silent" : "")",
        JSONObject([
          "socket": .string("\(id)"), "code": .string(failure.code), "detail": .string(failure.detail),
          "isOpen": .bool(isOpen),
        ])
      )
    case .ended(let id, let group, let code):
      (
        "ended", "\(id): ended, \(code)",
        JSONObject(["socket": .string("\(id)"), "group": group.map { .string($0) } ?? .null, "code": .string(code)])
      )
    case .invitationRefused(let code):
      ("invitationRefused", "no invitation: \(code)", JSONObject(["code": .string(code)]))
    case .serverKeyChanged(let url, _, _):
      ("serverKeyChanged", "\(url) shows another key than before", JSONObject(["url": .string(url)]))
    case .invitationCreated, .joining, .peerStored, .application: nil
    }
  }
}
