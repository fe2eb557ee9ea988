public import Cryptobox
import WireBytes

/// The keys at hand for one session: those of its header, and those of a key log.
public struct KeyRing: Sendable {
  private let box: any BoxProvider
  private var secrets: [PublicKey: SecretKey] = [:]
  /// The CommServer's own secret key, to see what it could do with it.
  private var serverSecret: SecretKey?
  /// Ephemeral public key → session key, from a key log.
  private var byEphemeral: [PublicKey: SharedKey] = [:]
  /// Session keys of unknown connections, tried in turn.
  public private(set) var loose: [SharedKey] = []

  public init(box: any BoxProvider = SodiumBox()) { self.box = box }

  public init(_ header: RecordingHeader, box: any BoxProvider = SodiumBox()) {
    self.init(box: box)
    add(header)
  }

  public var isEmpty: Bool { secrets.isEmpty && byEphemeral.isEmpty && loose.isEmpty }

  public mutating func add(_ header: RecordingHeader) {
    for key in header.staticKeys {
      secrets[key.publicKey] = key.secretKey
      if key.role == "commServer" { serverSecret = key.secretKey }
    }
    loose += header.sharedKeys
  }

  /// Adds the lines of a key log: ephemeral public key, blank, session key, 64 hex digits each; `#` starts a comment.
  public mutating func addKeyLog(
    _ bytes: [UInt8], limits: RecordingLimits = RecordingLimits()
  ) throws(RecordingFailure) {
    var number = 0
    for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
      number += 1
      let text = String(decoding: line, as: UTF8.self)
      let content = text.prefix { $0 != "#" }
      let words = content.split { $0 == " " || $0 == "\t" || $0 == "\r" || $0 == "→" || $0 == "-" || $0 == ">" }
      if words.isEmpty { continue }
      guard words.count == 2, let ephemeral = PublicKey(hex: String(words[0])),
        let key = SharedKey(hex: String(words[1]))
      else {
        throw RecordingFailure(line: number, "a key log line is two words of 64 hex digits: ephemeral key, session key")
      }
      guard byEphemeral.count < limits.keys else {
        throw RecordingFailure(line: number, "more than \(limits.keys) keys in the key log")
      }
      byEphemeral[ephemeral] = key
      loose.append(key)
    }
  }

  /// The box key of two static keys, when the secret half of either is here.
  public func agree(_ one: PublicKey, _ other: PublicKey) -> SharedKey? {
    if let secret = secrets[one] { return box.agree(theirs: other, mine: secret) }
    if let secret = secrets[other] { return box.agree(theirs: one, mine: secret) }
    return nil
  }

  /// The session key of a connection by the ephemeral keys of its handshake.
  public func sessionKey(initiator: PublicKey?, acceptor: PublicKey?) -> SharedKey? {
    for key in [initiator, acceptor] {
      if let key, let shared = byEphemeral[key] { return shared }
    }
    guard let initiator, let acceptor else { return nil }
    return agree(initiator, acceptor)
  }

  /// Session keys that the CommServer could make of what it sees of a relay: the two public keys, and its own secret.
  func serverView(source: PublicKey?, target: PublicKey?) -> [(name: String, key: SharedKey)] {
    var view: [(name: String, key: SharedKey)] = []
    if let zero = SharedKey(bytes: [UInt8](repeating: 0, count: 32)) { view.append(("a key of zeros", zero)) }
    for (name, key) in [("the requester's public key", source), ("the target's public key", target)] {
      guard let key else { continue }
      if let plain = SharedKey(hex: key.hex) { view.append((name, plain)) }
      if let serverSecret {
        view.append(
          ("what the CommServer's secret key makes of \(name)", box.agree(theirs: key, mine: serverSecret)))
      }
    }
    return view
  }

  /// Opens nonce ‖ box (registration challenge, key message, person proof); nil when it does not open.
  public func open(_ message: [UInt8], with key: SharedKey) -> [UInt8]? {
    guard message.count >= 24, let nonce = Nonce(bytes: Array(message[0..<24])) else { return nil }
    return box.open(Array(message[24...]), nonce: nonce, key: key)
  }

  /// Opens an encrypted frame with the counter due.
  public func open(_ frame: [UInt8], counter: UInt64, key: SharedKey) -> [UInt8]? {
    box.open(frame, nonce: Nonce(counter: counter), key: key)
  }

  /// The first of the loose keys that opens a frame; at most `limit` are tried, fewer on large frames.
  public func tryLoose(_ frame: [UInt8], counter: UInt64, limit: Int = 4_096) -> SharedKey? {
    let affordable = (64 << 20) / max(frame.count, 64)
    return loose.suffix(min(limit, affordable)).first { open(frame, counter: counter, key: $0) != nil }
  }
}
