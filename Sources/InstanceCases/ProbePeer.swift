public import Cryptobox
public import Instance
public import Wire
import WireBytes

/// A peer played by hand: it speaks the protocol as a good one does, but for one ``Misbehaviour``.
///
/// It shares the message formats of `Wire` with the instance, and none of the instance's own machines. A value: messages
/// in, messages out; time and randomness are arguments.
public struct ProbePeer: Sendable {
  public enum Output: Sendable, Equatable {
    case send(WireMessage)
    case close(reason: String)
  }

  /// What the probe is to do.
  public struct Plan: Sendable {
    public var role: HandshakeRole
    public var own: Identity
    /// Somebody else, for everything foreign.
    public var other: Identity
    /// The instance key of the target.
    public var target: PublicKey
    public var group: String
    public var token: String?
    /// Sent behind `synchronisation`, and expected back by nobody.
    public var application: String?
    public var misbehaviour: Misbehaviour?
    /// H1 and H3 of an earlier connection, for replays.
    public var recorded: (request: String, key: [UInt8])?
    /// What it does once both control texts have passed.
    public var chum: ChumProbe.Plan?
    /// The source key of H1; the person's for pairings, as the real implementation does.
    public var usesInstanceKey = false

    public init(role: HandshakeRole, own: Identity, other: Identity, target: PublicKey, group: String) {
      self.role = role
      self.own = own
      self.other = other
      self.target = target
      self.group = group
    }
  }

  enum Stage: Sendable, Equatable {
    case idle, ready, key, secure, over
  }

  public let plan: Plan
  public internal(set) var seen = Observation()
  var stage = Stage.idle
  let box: AnyBox
  var out: [Output] = []
  var ephemeral: SecretKey?
  var staticKey: SharedKey?
  var source: PublicKey
  var sourceSecret: SecretKey
  var sessionKey: SharedKey?
  var sendCounter: UInt64 = 0
  var receiveCounter: UInt64 = 0
  var reassembler = Reassembler()
  var lastSent = 0.0
  var lastFrame: [UInt8]?
  /// The frame misbehaviour is done.
  var hasActed = false
  // Establishment.
  var peerStatic: PublicKey?
  var peerPersonKey: PublicKey?
  var proofKey: SharedKey?
  var ownChallenge: [UInt8]?
  var ownKeyMessage: [UInt8]?
  var peerKeyMessage: [UInt8]?
  var hasSentInstance = false
  var hasSentPerson = false
  var hasFinished = false
  var now = 0.0
  var isSilenced = false
  /// Nothing more is said but keep-alives.
  var isMuted = false
  /// The CHUM above the layers.
  public internal(set) var chum: ChumProbe?
  /// Acts of the script that the world is to do at the target.
  var arrangements: [Int] = []
  /// Encrypted frames of the target so far.
  public internal(set) var receivedFrames = 0

  public init(_ plan: Plan, box: any BoxProvider) {
    self.plan = plan
    self.box = AnyBox(box)
    chum = plan.chum.map { ChumProbe($0) }
    let usesPerson = plan.group == "pairing" && !plan.usesInstanceKey && plan.misbehaviour != .instanceKeyAsSource
    var pair = usesPerson ? plan.own.personKey : plan.own.instanceKey
    if plan.misbehaviour == .foreignSource { pair = plan.other.instanceKey }
    source = pair.publicKey
    sourceSecret = pair.secret
  }

  func does(_ misbehaviour: Misbehaviour) -> Bool { plan.misbehaviour == misbehaviour }
  var isInitiator: Bool { plan.role == .initiator }

  /// True when nothing more is to be expected of the probe.
  public var isOver: Bool { stage == .over }
  /// What H1 and H3 of this probe were, for a replay.
  public var recording: (request: String, key: [UInt8])? {
    guard isInitiator, let key = ownKeyMessage else { return nil }
    return (CommServerMessage.communicationRequest(source: source.hex, target: plan.target.hex).text, key)
  }

  // MARK: Events

  /// The socket is open.
  public mutating func opened(now: Double, random: inout some RandomSource) -> [Output] {
    self.now = now
    lastSent = now
    guard stage == .idle else { return [] }
    if isInitiator { sendRequest() }
    return take()
  }

  public mutating func receive(_ message: WireMessage, now: Double, random: inout some RandomSource) -> [Output] {
    self.now = now
    guard stage != .over, seen.closedAt == nil else { return [] }
    switch stage {
    case .idle: if !isInitiator { receiveRequest(message, &random) }
    case .ready: isInitiator ? receiveReady(message, &random) : receiveKey(message, &random)
    case .key: receiveAnswer(message, &random)
    case .secure: receiveFrame(message, &random)
    case .over: break
    }
    return take()
  }

  public mutating func closed(reason: String, now: Double) {
    guard seen.closedAt == nil else { return }
    seen.closedAt = now
    seen.closeReason = reason
    stage = .over
  }

  /// Keep-alive pulses, so that only the target's own limits end a silence.
  public mutating func tick(now: Double, random: inout some RandomSource) -> [Output] {
    self.now = now
    guard stage == .secure, seen.closedAt == nil, !isSilenced else { return [] }
    if let due = chum?.nextDeadline, now >= due { perform(chum?.tick(now: now) ?? [], &random) }
    if now - lastSent >= KeepAlive.sendAfter { frame(.text(KeepAlive.pulse), &random) }
    return take()
  }

  /// When ``tick(now:random:)`` has something to do.
  public var nextDeadline: Double? {
    guard stage == .secure, seen.closedAt == nil, !isSilenced else { return nil }
    return min(lastSent + KeepAlive.sendAfter, chum?.nextDeadline ?? .infinity)
  }

  /// Carries out what the CHUM wants.
  mutating func perform(_ outputs: [ChumProbe.Output], _ random: inout some RandomSource) {
    for output in outputs where stage == .secure {
      switch output {
      case .message(let message): sendPlain(message, &random)
      case .close: close()
      case .arrange(let act): arrangements.append(act)
      }
    }
  }

  /// The acts to be done at the target since the last call.
  mutating func takeArrangements() -> [Int] {
    defer { arrangements = [] }
    return arrangements
  }

  /// A proper frame with the counter behind one that somebody else sent in the probe's name.
  mutating func sendLate(_ message: WireMessage, random: inout some RandomSource) -> [Output] {
    sendCounter += 2
    sendPlain(message, &random)
    return take()
  }

  private mutating func take() -> [Output] {
    defer { out = [] }
    return out
  }

  mutating func send(_ message: WireMessage) {
    out.append(.send(message))
    lastSent = now
  }

  /// A message that is due and never comes.
  mutating func fallMute() {
    acted()
    isMuted = true
  }

  mutating func acted() {
    guard seen.actedAt == nil else { return }
    seen.actedAt = now
    seen.seenAtAct = seen.seen.count
  }

  mutating func close(_ reason: String = "Close called.") {
    guard stage != .over else { return }
    stage = .over
    out.append(.close(reason: reason))
  }
}
