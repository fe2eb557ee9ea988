import ArgumentParser
import Cryptobox
import Foundation
import Instance
import Network
import SyncInstance
import Synchronization
import Wire
import WireBytes

/// What `invite` and `join` share: who we are, how we behave, what is written down.
struct InstanceOptions: ParsableArguments {
  enum Behaviour: String, ExpressibleByArgument, CaseIterable { case deployed, strict }
  enum Broker: String, ExpressibleByArgument, CaseIterable { case off, automatic, required }
  enum Until: String, ExpressibleByArgument, CaseIterable { case paired, chum, synced, forever }

  @Option(help: "Secret identity file. (Default: a new identity that is forgotten at the end.)")
  var identity: String?
  @Option(help: "deployed: like the real implementation, quirks included. strict: hardened.")
  var profile: Behaviour = .deployed
  @Option(help: "Invitations at the CommServer (X-INV/1): off, automatic (where offered), required.")
  var broker: Broker = .off
  @Option(
    help: """
      When to end: paired; chum (the connection after it stands); synced (both sides have what they may have); forever. \
      (Default: forever with --chat, synced with --share, else chum.)
      """)
  var until: Until?
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
    let kept = try IdentityFiles.secret(identity)
    guard let url else { return kept }
    return try Self.moved(kept, to: url)
  }

  /// The same identity, to be reached under another URL.
  static func moved(_ identity: Identity, to url: String) throws -> Identity {
    let file = identity.secretFile
    guard let secrets = file.secrets else { return identity }
    let moved = IdentityFile(
      personEmail: file.personEmail, instanceName: file.instanceName, personKeyPublic: file.personKeyPublic,
      personSignKeyPublic: file.personSignKeyPublic, instanceKeyPublic: file.instanceKeyPublic,
      instanceSignKeyPublic: file.instanceSignKeyPublic, url: url, secrets: secrets)
    do { return try Identity(moved, box: SodiumBox()) } catch { throw Exit.usage("\(error)") }
  }

  /// A date of whole milliseconds as the header of a session has it.
  private static func date(_ date: Date) -> String {
    let milliseconds = Int((date.timeIntervalSince1970 * 1_000).rounded())
    let seconds = Date(timeIntervalSince1970: Double(milliseconds / 1_000)).formatted(.iso8601)
    return "\(seconds.dropLast()).\(String(milliseconds % 1_000 + 1_000).dropFirst())Z"
  }

  /// Where frames and keys of a driver are written.
  func driverOptions(started: Date, poll: Double) throws -> MachineDriver<SyncInstance<InstanceStore>>.Options {
    var options = MachineDriver<SyncInstance<InstanceStore>>.Options()
    if let trust { options.trust = .pinned(try Inputs.bytes(trust)) }
    if let keyLog {
      let file = try LineFile(keyLog, appends: true)
      options.keyLog = { file.write($0) }
    }
    if let record {
      let file = try LineFile(record, appends: false)
      let head: JSONValue = [
        "type": "header", "format": "one-ws-recording/1", "name": "chumgate",
        "started": .string(Self.date(started)),
        "chum": ["pollInterval": .number(poll * 1_000)],
      ]
      file.write(head.compact + "\n")
      options.record = { file.write($0) }
    }
    return options
  }
}
/// A file that gets lines from several tasks; the lock keeps them whole.
final class LineFile: Sendable {
  private let handle: Mutex<FileHandle>
  private let path: String
  private let hasFailed = Atomic(false)

  init(_ path: String, appends: Bool) throws {
    self.path = path
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

  /// A disk that is full ends no conversation; it is told once.
  func write(_ text: String) {
    let failure = handle.withLock { handle -> (any Error)? in
      do { try handle.write(contentsOf: Data(text.utf8)) } catch { return error }
      return nil
    }
    guard let failure, !hasFailed.exchange(true, ordering: .relaxed) else { return }
    Terminal.error("cannot write \(path): \(Output.reason(failure))")
  }
}
