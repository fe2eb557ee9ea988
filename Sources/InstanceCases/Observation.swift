public import Cryptobox
public import Wire

/// What a probe saw of the other side: only what anybody sees from outside.
public struct Observation: Sendable, Equatable {
  /// Things that a peer can send, in the order of the protocol.
  public enum Seen: String, Sendable, Hashable, CaseIterable {
    case request, ready, keyMessage, group, sync, person, keys, challenge, response, instance, token, identity
    case synchronisation, application, keepAlive, pong
    /// A message that fits nowhere.
    case other
  }

  /// Both ephemeral keys and the session key.
  public struct Channel: Sendable, Equatable {
    public let own: PublicKey
    public let peer: PublicKey
    public let key: SharedKey
  }

  public internal(set) var seen: [Seen] = []
  /// Application messages, texts only.
  public internal(set) var texts: [String] = []
  public internal(set) var closedAt: Double?
  public internal(set) var closeReason: String?
  /// When the probe did its bad act, and how much it had seen by then.
  public internal(set) var actedAt: Double?
  public internal(set) var seenAtAct = 0
  public internal(set) var channel: Channel?
  public internal(set) var identity: IdentityFile?
  public internal(set) var person: String?
  /// Frames of the target that did not open or made no sense.
  public internal(set) var faults: [String] = []
  /// Every binary frame of the target, for size and uniqueness checks.
  public internal(set) var keyMessageLength: Int?

  public init() {}

  public func saw(_ what: Seen) -> Bool { seen.contains(what) }
  public func count(_ what: Seen) -> Int { seen.count { $0 == what } }
}
