import Trace
import Wire

/// What happens again and again over a session: how often, and where first.
struct Count {
  var count = 0
  var text = ""
  var first: Evidence?

  mutating func add(_ text: String, _ evidence: Evidence?) {
    if count == 0 {
      self.text = text
      first = evidence
    }
    count += 1
  }
}

/// What is counted over the whole session for the troubleshooting list. Bounded: 10,000 keys.
struct SessionTally {
  private static let keyCapacity = 10_000

  struct Refusal {
    var count = 0
    var text = ""
    var evidence: Evidence
    /// The same target was reached later.
    var isSettled = false
  }

  var sockets = 0
  var socketFailures = Count()
  var registrations = 0
  var registrationFailures = Count()
  /// Registered keys and how many of their connections wait.
  private(set) var spares: [String: Int] = [:]
  private(set) var requests = 0
  private(set) var reached = 0
  private(set) var refusals: [String: Refusal] = [:]
  private(set) var encrypted = 0
  private(set) var unreadable = 0
  private(set) var handshakeFailures = Count()
  private(set) var established = 0
  private(set) var establishmentFailures = Count()
  private(set) var tokens = 0
  private(set) var tokensAccepted = 0
  private(set) var tokenRefusals = Count()
  /// Connections for CHUM on which both texts passed.
  private(set) var started = 0
  private(set) var startFailures = Count()
  private(set) var otherTexts = Count()
  /// Texts in the place of JSON.
  private(set) var textsForJSON = Count()
  var lostRequests = 0
  private(set) var microdata = Count()
  private(set) var grants = Count()
  var goodObjects = 0
  /// Roots of type Profile, and the first IoM request that was sent.
  var profiles = 0
  var iom: Evidence?

  mutating func microdataError(_ text: String, _ evidence: Evidence) { microdata.add(text, evidence) }
  mutating func unreadableGrant(_ cause: Cause, _ evidence: Evidence) { grants.add(cause.text, evidence) }

  // MARK: Registration and relay

  mutating func registered(_ link: Link) {
    guard let key = link.registered else { return }
    registrations += 1
    link.isSpare = true
    link.isRegistering = nil
    if spares[key] != nil || spares.count < Self.keyCapacity { spares[key, default: 0] += 1 }
  }

  /// The waiting connection was handed over or is gone.
  mutating func left(_ link: Link) {
    guard link.isSpare, let key = link.registered else { return }
    link.isSpare = false
    if let count = spares[key], count > 0 { spares[key] = count - 1 }
  }

  mutating func asked() { requests += 1 }

  mutating func ready(_ link: Link) {
    reached += 1
    if let target = link.target { refusals[target]?.isSettled = true }
  }

  mutating func closed(_ link: Link, _ closing: Link.Closing?) {
    left(link)
    guard let closing else { return }
    if let begun = link.isRegistering {
      registrationFailures.add(
        "the registration of key \(short(link.registered)) ended: \(link.closingText() ?? "closed")", begun)
      link.isRegistering = nil
    }
    guard link.role == .requester, !link.isReady, closing.side == 1, let target = link.target else { return }
    let state =
      switch spares[target] {
      case nil: "the target key \(short(target)) did not register in what was recorded"
      case 0?: "the target key \(short(target)) had been registered, and no connection of it waits any more"
      default: "connections of the target key \(short(target)) were waiting"
      }
    var refusal = refusals[target] ?? Refusal(evidence: closing.evidence)
    refusal.count += 1
    let words = closing.reason.isEmpty ? "closed without a reason" : "\"\(excerpt(closing.reason, 80))\""
    refusal.text = "\(words): \(state)"
    refusal.isSettled = false
    if refusals[target] != nil || refusals.count < Self.keyCapacity { refusals[target] = refusal }
  }

  private func short(_ key: String?) -> String { key.map { "\($0.prefix(8))…" } ?? "(none)" }

  // MARK: At the end of a connection

  /// Counts how far a connection came; for a relay that was recorded twice, one of the two is asked.
  mutating func judge(_ link: Link) {
    guard link.encrypted != nil else {
      if link.isReady || link.keys > 0 {
        let why = link.fault?.text ?? link.closingText() ?? "nothing more came"
        handshakeFailures.add("\(link.conn): no encryption: \(why)", link.fault?.evidence ?? link.closing?.evidence)
      }
      return
    }
    encrypted += 1
    if link.unreadable {
      unreadable += 1
      return
    }
    if link.isEstablished {
      established += 1
    } else if link.group != nil {
      establishment(link)
    }
    if let token = link.token {
      tokens += 1
      if link.pairingAccepted {
        tokensAccepted += 1
      } else {
        tokenRefusals.add("\(link.closingText() ?? "no identity came back")", token)
      }
    }
    if link.group == "chum" || link.hasChum { start(link) }
  }

  private mutating func establishment(_ link: Link) {
    let wrong = link.ends.compactMap(\.provedWrong).first
    let why =
      wrong != nil
      ? "a person could not prove its key"
      : link.fault?.text
        ?? (link.last - link.lastSaid > 2_000
          ? "\(link.party(link.ends[0].instance == nil ? 0 : 1).name) said nothing more for "
            + "\(Int((link.last - link.lastSaid) / 1_000)) s" : link.closingText() ?? "the recording ends")
    // Two instances that dial each other at once drop one of the two connections.
    if link.closing?.reason.contains("Duplicate connection") == true { return }
    establishmentFailures.add(
      "\(link.conn): the identity exchange did not end: \(why)", wrong ?? link.fault?.evidence ?? link.closing?.evidence
    )
  }

  private mutating func start(_ link: Link) {
    let texts = link.ends.map(\.text)
    if let other = link.ends.first(where: { $0.otherText != nil }) {
      otherTexts.add("\(link.conn): \"\(other.otherText ?? "")\" in its place", other.text)
    }
    if let reason = link.closing?.reason, reason.contains("does not conform to JSON") {
      textsForJSON.add("\(link.conn): \(link.closingText() ?? "")", link.closing?.evidence)
    }
    if texts[0] != nil, texts[1] != nil {
      started += 1
      return
    }
    guard link.isEstablished else { return }
    // Refused as unknown before the text was due: that is another trouble.
    if link.closing?.reason.contains("you are unknown") == true { return }
    if link.closing?.reason.contains("Duplicate connection") == true { return }
    guard let one = texts.compactMap({ $0 }).first, link.last - one.time > 2_000 || link.closing != nil else { return }
    let silent = texts[0] == nil ? link.party(0).name : link.party(1).name
    startFailures.add(
      "\(link.conn): \(silent) never sent it; \(link.closingText() ?? "the connection stayed open")", one)
  }
}
