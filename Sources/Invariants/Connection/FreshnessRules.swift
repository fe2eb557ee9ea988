import Cryptobox
import Trace
import Wire

/// HS-009: nothing of a handshake comes twice.
///
/// A relayed message shows on the requester's connection and on the listener's; so each part is compared with its like.
struct EphemeralKeysAreFresh: Rule {
  static let info = RuleInfo(
    id: "HS-009", statement: "Every handshake has ephemeral keys and nonces of its own.", severity: .critical,
    reference: "connection.md 3.2", isSessionWide: true)
  static let interests: EventSet = .keySent
  private struct First: Sendable {
    let leg: Int
    let place: Place
  }
  private var seen = RecentTable<First>(capacity: 32_768)
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .keySent(let key) = event.kind else { return }
    let part = report.role == .listener ? "l" : "r"
    let marks = [("ephemeral key", "k", key.ephemeral?.hex), ("nonce", "n", key.nonce)]
    for (name, kind, value) in marks {
      guard let value else { continue }
      let mark = part + kind + value
      if let earlier = seen[mark] {
        // On one connection the same key both ways is a reflection: HS-017's business.
        guard earlier.leg != event.leg else { continue }
        return report.violation(
          at: event, by: blame(event, report), "\(name) \(value.prefix(8))… was used before",
          because: [Witness(earlier.place, "first use of \(value.prefix(8))… on \(earlier.place.conn)")])
      }
      seen[mark] = First(leg: event.leg, place: Place(event))
    }
  }
}

/// HS-017: an acceptor's key is not the initiator's own, sent back.
struct KeyIsNotReflected: Rule {
  static let info = RuleInfo(
    id: "HS-017", statement: "The acceptor's key message does not carry the initiator's ephemeral key or nonce.",
    severity: .major, binding: .strict, reference: "connection.md 3.2")
  static let interests: EventSet = .keySent
  private var initiator: (key: String?, nonce: String?, place: Witness)?
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .keySent(let key) = event.kind else { return }
    if key.isInitiator {
      initiator = (key.ephemeral?.hex, key.nonce, Witness(event, "the initiator's key message"))
    } else if let initiator {
      let isSameKey = initiator.key != nil && initiator.key == key.ephemeral?.hex
      let isSameNonce = initiator.nonce != nil && initiator.nonce == key.nonce
      if isSameKey || isSameNonce {
        report.violation(
          at: event, by: event.sender, "the initiator's own \(isSameKey ? "ephemeral key" : "nonce") comes back",
          because: [initiator.place])
      }
    }
  }
}

/// SEC-006: a session key belongs to one connection.
struct SessionKeysAreFresh: Rule {
  static let info = RuleInfo(
    id: "SEC-006", alsoDecides: ["ENC-022"], statement: "Two connections never use the same session key.",
    severity: .critical, reference: "chum.md 5.9", sight: .decrypted, isSessionWide: true)
  static let interests: EventSet = .encrypted
  private var seen = RecentTable<Place>(capacity: 16_384)
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .encrypted(let channel) = event.kind, let fingerprint = channel.fingerprint else { return }
    let mark = (report.role == .listener ? "l" : "r") + fingerprint
    if let earlier = seen[mark] {
      report.violation(
        at: event, by: event.sender, "a session key used before",
        because: [Witness(earlier, "first use of the key, on \(earlier.conn)")])
    } else {
      seen[mark] = Place(event)
    }
  }
}

/// HS-016: keys that agree with everybody.
struct KeysAreNotLowOrder: Rule {
  static let info = RuleInfo(
    id: "HS-016", statement: "No static, ephemeral or person key is a point of low order.", severity: .critical,
    binding: .strict, reference: "connection.md 2.3")
  static let interests: EventSet = [.server, .keySent, .peer]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .server(.register(let key)): judge(event, "the registered key", PublicKey(hex: key), ["CS-016"], &report)
    case .server(.communicationRequest(let source, let target)):
      judge(event, "sourcePublicKey", PublicKey(hex: source), ["RL-024"], &report)
      judge(event, "targetPublicKey", PublicKey(hex: target), [], &report)
    case .keySent(let key): judge(event, "the ephemeral key", key.ephemeral, ["HS-015"], &report)
    case .peer(.keysObject(_, let key, _)): judge(event, "the person key", PublicKey(hex: key), ["PR-034"], &report)
    default: break
    }
  }

  private func judge(_ event: Event, _ name: String, _ key: PublicKey?, _ ids: [String], _ report: inout Reporter) {
    guard let key, key.isLowOrder else { return }
    let culprit = if case .server = event.kind { event.clearSender } else { event.sender }
    report.violation(at: event, by: culprit, "\(name) \(key.hex.prefix(8))… is of low order", also: ids)
  }
}
