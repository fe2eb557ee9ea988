import Cryptobox
import Trace
import Wire
import WireBytes

/// The clear part of one connection: registration, spare, relay request, key messages (connection.md 2 and 3.2).
struct ClearMachine {
  enum State: Equatable {
    case first
    case authenticationRequest, authenticationResponse, authenticationSuccess
    case spare, request
    /// The request passed; `communication_ready` is due.
    case ready
    case initiatorKey, acceptorKey
    case encrypted
    /// The ends of the relay do not speak the ONE handshake.
    case plainRelay
    /// A message fitted no table; later ones cannot be judged by their place.
    case broken
    /// The connection was under way when the recording began.
    case midway
  }

  private(set) var state = State.first
  private(set) var role = LegRole.undecided
  private(set) var source: PublicKey?
  private(set) var target: PublicKey?
  private(set) var initiatorEphemeral: PublicKey?
  private(set) var acceptorEphemeral: PublicKey?
  /// Nonce of the initiator's key message as the proxy passed it on: tells relays of the same keys apart.
  private(set) var initiatorNonce: [UInt8]?
  /// False when the recording does not show how the connection began.
  var hasBeginning = true
  /// What the server was given as the request's keys, by the proxy's hand perhaps: pairs the two legs of a relay.
  private(set) var forwardedKeys: (source: String, target: String)?
  private var registeredKey: String?
  private var registrationKey: SharedKey?
  private var challenge: [UInt8]?

  /// The direction in which the initiator's messages go on this connection.
  var initiatorDirection: Direction { role == .listener ? .fromServer : .fromClient }

  mutating func receive(
    _ payload: RecordedLine.Payload, forwarded: RecordedLine.Payload?, _ direction: Direction, keys: KeyRing,
    _ sink: inout EventSink
  ) {
    switch state {
    case .first: first(payload, forwarded, direction, &sink)
    case .authenticationRequest: authenticationRequest(payload, direction, keys, &sink)
    case .authenticationResponse: authenticationResponse(payload, direction, keys, &sink)
    case .authenticationSuccess: authenticationSuccess(payload, direction, &sink)
    case .spare: spare(payload, direction, &sink)
    case .request: request(payload, direction, &sink)
    case .ready: ready(payload, direction, &sink)
    case .initiatorKey: keyMessage(payload, forwarded, direction, isInitiator: true, keys, &sink)
    case .acceptorKey: keyMessage(payload, forwarded, direction, isInitiator: false, keys, &sink)
    case .plainRelay: plainRelay(payload, direction, &sink)
    case .broken: broken(payload, direction, &sink)
    case .midway: midway(payload, direction, &sink)
    case .encrypted: sink.emit(.unclassified("clear data on an encrypted connection"))
    }
  }

  private mutating func first(
    _ payload: RecordedLine.Payload, _ forwarded: RecordedLine.Payload?, _ direction: Direction, _ sink: inout EventSink
  ) {
    if !hasBeginning, !isFirstMessage(payload, direction) {
      state = .midway
      sink.emit(.joinedMidway)
      return midway(payload, direction, &sink)
    }
    guard direction == .fromClient else {
      sink.emit(.unclassified("data from the server before the client said anything"))
      return
    }
    guard let message = decode(payload, .firstMessage, &sink) else { return }
    switch message {
    case .register(let key):
      role = .listener
      registeredKey = key
      state = .authenticationRequest
    case .communicationRequest(let source, let target):
      role = .requester
      take(source, target)
      if case .text(let text) = forwarded,
        case .communicationRequest(let source, let target)? = try? CommServerMessage.decode(text)
      {
        forwardedKeys = (source.lowercased(), target.lowercased())
      }
      state = .ready
    default:
      fault(.firstMessage, "unexpected-command", "\(message.command) as first message", &sink)
      return
    }
    sink.emit(.server(message))
  }

  private func isFirstMessage(_ payload: RecordedLine.Payload, _ direction: Direction) -> Bool {
    guard direction == .fromClient, case .text(let text) = payload, let message = try? CommServerMessage.decode(text)
    else { return false }
    switch message {
    case .register, .communicationRequest: return true
    default: return false
    }
  }

  /// Finds its place in a connection that had begun before: by the messages that stand at one place only.
  private mutating func midway(_ payload: RecordedLine.Payload, _ direction: Direction, _ sink: inout EventSink) {
    guard case .text(let text) = payload, let message = try? CommServerMessage.decode(text) else {
      return sink.emit(.relayed(op: payload.op, length: payload.length))
    }
    switch (message, direction) {
    case (.authenticationRequest, .fromServer): resume(.listener, .authenticationResponse)
    case (.authenticationResponse, .fromClient): resume(.listener, .authenticationSuccess)
    case (.authenticationSuccess, .fromServer), (.ping, .fromServer), (.pong, .fromClient): resume(.listener, .spare)
    case (.connectionHandover, .fromServer): resume(.listener, .request)
    case (.communicationRequest(let source, let target), .fromServer):
      resume(.listener, .ready)
      take(source, target)
    default: return sink.emit(.relayed(op: payload.op, length: payload.length))
    }
    sink.emit(.server(message))
  }

  private mutating func resume(_ role: LegRole, _ state: State) {
    self.role = role
    self.state = state
  }

  private mutating func take(_ source: String, _ target: String) {
    self.source = PublicKey(hex: source)
    self.target = PublicKey(hex: target)
    forwardedKeys = (source.lowercased(), target.lowercased())
  }

  private mutating func authenticationRequest(
    _ payload: RecordedLine.Payload, _ direction: Direction, _ keys: KeyRing, _ sink: inout EventSink
  ) {
    guard expect(direction, .fromServer, .authenticationRequest, &sink),
      let message = decode(payload, .authenticationRequest, &sink)
    else { return }
    guard case .authenticationRequest(let serverKey, let text) = message else {
      return fault(.authenticationRequest, "unexpected-command", "\(message.command)", &sink)
    }
    sink.emit(.server(message))
    state = .authenticationResponse
    guard let bytes = Hex.decode(text) else { return }
    let listener = registeredKey.flatMap { PublicKey(hex: $0) }
    if let listener, let server = PublicKey(hex: serverKey) { registrationKey = keys.agree(listener, server) }
    if let registrationKey { challenge = keys.open(bytes, with: registrationKey) }
    let outcome: PersonProof.Outcome =
      registrationKey == nil ? .unknown : challenge == nil ? .notOpened : challenge?.count == 64 ? .good : .wrong
    sink.emit(.registrationProof(PersonProof(step: .challenge, length: bytes.count, outcome: outcome)))
  }

  private mutating func authenticationResponse(
    _ payload: RecordedLine.Payload, _ direction: Direction, _ keys: KeyRing, _ sink: inout EventSink
  ) {
    guard expect(direction, .fromClient, .authenticationResponse, &sink),
      let message = decode(payload, .authenticationResponse, &sink)
    else { return }
    guard case .authenticationResponse(let text) = message else {
      return fault(.authenticationResponse, "unexpected-command", "\(message.command)", &sink)
    }
    sink.emit(.server(message))
    state = .authenticationSuccess
    let bytes = Hex.decode(text) ?? []
    var outcome = PersonProof.Outcome.unknown
    if let registrationKey {
      let plain = keys.open(bytes, with: registrationKey)
      outcome = plain == nil ? .notOpened : plain == challenge?.map({ ~$0 }) ? .good : .wrong
    }
    sink.emit(.registrationProof(PersonProof(step: .response, length: bytes.count, outcome: outcome)))
  }

  private mutating func authenticationSuccess(
    _ payload: RecordedLine.Payload, _ direction: Direction, _ sink: inout EventSink
  ) {
    guard expect(direction, .fromServer, .authenticationSuccess, &sink),
      let message = decode(payload, .authenticationSuccess, &sink)
    else { return }
    guard case .authenticationSuccess = message else {
      return fault(.authenticationSuccess, "unexpected-command", "\(message.command)", &sink)
    }
    sink.emit(.server(message))
    state = .spare
  }

  private mutating func spare(_ payload: RecordedLine.Payload, _ direction: Direction, _ sink: inout EventSink) {
    guard case .text(let text) = payload, let message = try? CommServerMessage.decode(text) else {
      // A stray message costs the deployed server nothing but a place in its queue; the connection stays a spare.
      sink.emit(.clearFault(phase: .spare, failure: Self.strayMessage(payload)))
      return
    }
    switch (message, direction) {
    case (.ping, .fromServer), (.pong, .fromClient): sink.emit(.server(message))
    case (.connectionHandover, .fromServer):
      sink.emit(.server(message))
      state = .request
    default: sink.emit(.clearFault(phase: .spare, failure: Self.strayMessage(payload)))
    }
  }

  private static let invitationCommands: Set<String> = [
    "invitation_create", "invitation_stored", "invitation_revoke", "invitation_revoked", "invitation_request",
    "invitation_accept", "invitation_reject", "invitation_error",
  ]

  private static func strayMessage(_ payload: RecordedLine.Payload) -> WireFailure {
    if case .text(let text) = payload, text.utf8.count <= 4_096,
      let command = (try? JSONValue.parse(text, limits: JSONLimits(depth: 8, values: 100)))?["command"]?.string,
      invitationCommands.contains(command)
    {
      // X-INV/1 uses registered sockets (connection.md 7.2), and CS-025 exempts it.
      return WireFailure("commserver.invitation-message", "connection.md 7.2", command)
    }
    let what = if case .text(let text) = payload { excerpt(text, 60) } else { "\(payload.length) bytes" }
    return WireFailure("commserver.stray-message", "connection.md 2.4", "on a spare connection: \(what)")
  }

  private mutating func request(_ payload: RecordedLine.Payload, _ direction: Direction, _ sink: inout EventSink) {
    if direction == .fromClient, case .text(let text) = payload, (try? CommServerMessage.decode(text)) == .pong {
      // A pong may cross the handover on the wire.
      return sink.emit(.server(.pong))
    }
    guard expect(direction, .fromServer, .communicationRequest, &sink),
      let message = decode(payload, .communicationRequest, &sink)
    else { return }
    guard case .communicationRequest(let source, let target) = message else {
      return fault(.communicationRequest, "unexpected-command", "\(message.command)", &sink)
    }
    take(source, target)
    sink.emit(.server(message))
    if case .text(let text) = payload, let fault = Self.canonicalFault(text, source, target) {
      sink.emit(.notCanonical(fault))
    }
    state = .ready
  }

  /// RL-002: exactly three members, hex in lower case.
  private static func canonicalFault(_ text: String, _ source: String, _ target: String) -> String? {
    for key in [source, target] where key != key.lowercased() { return "key \(excerpt(key, 12)) is not in lower case" }
    let names = (try? JSONValue.parse(text))?.object?.members.map(\.name) ?? []
    let surplus = names.filter { !["command", "sourcePublicKey", "targetPublicKey"].contains($0) }
    return surplus.first.map { "it has a member \(JSONText.quoted(excerpt($0, 40)))" }
  }

  /// Waits for `communication_ready` from the acceptor; anything else that is not JSON with a command says that the
  /// ends use the relay for something of their own.
  private mutating func ready(_ payload: RecordedLine.Payload, _ direction: Direction, _ sink: inout EventSink) {
    guard direction == initiatorDirection.opposite else {
      // An early frame: the deployed server may swallow or forward it (connection.md 2.5, R1).
      return sink.emit(.relayed(op: payload.op, length: payload.length))
    }
    let text: String? = if case .text(let text) = payload { text } else { nil }
    if let text, let message = try? CommServerMessage.decode(text), message == .communicationReady {
      sink.emit(.server(message))
      state = .initiatorKey
      return
    }
    if let text, let command = (try? JSONValue.parse(text))?["command"]?.string, command != "communication_request" {
      return fault(.communicationReady, "unexpected-command", excerpt(command, 40), &sink)
    }
    state = .plainRelay
    sink.emit(.relayed(op: payload.op, length: payload.length))
  }

  private mutating func keyMessage(
    _ payload: RecordedLine.Payload, _ forwarded: RecordedLine.Payload?, _ direction: Direction, isInitiator: Bool,
    _ keys: KeyRing, _ sink: inout EventSink
  ) {
    let phase: ClearPhase = isInitiator ? .initiatorKey : .acceptorKey
    let due = isInitiator ? initiatorDirection : initiatorDirection.opposite
    guard expect(direction, due, phase, &sink) else { return }
    guard case .binary(let bytes) = payload else {
      return fault(phase, "text-for-key", "a text message", &sink)
    }
    var ephemeral: PublicKey?
    var failed = false
    if let source, let target, let key = keys.agree(source, target) {
      let plain = keys.open(bytes, with: key)
      ephemeral = plain.flatMap { PublicKey(bytes: $0) }
      failed = plain == nil
    }
    let nonce = bytes.count >= 24 ? Array(bytes[0..<24]) : nil
    if isInitiator {
      initiatorEphemeral = ephemeral
      initiatorNonce = nonce
      if case .binary(let passedOn)? = forwarded {
        initiatorNonce = passedOn.count >= 24 ? Array(passedOn[0..<24]) : nil
      }
    } else {
      acceptorEphemeral = ephemeral
    }
    sink.show(.handshake, ephemeral.map { .binary($0.bytes) }, fromInitiator: isInitiator)
    sink.emit(
      .keySent(
        KeyMessage(
          isInitiator: isInitiator, length: bytes.count, ephemeral: ephemeral, failedToOpen: failed,
          nonce: nonce.map { Hex.encode($0) })))
    state = isInitiator ? .acceptorKey : .encrypted
  }

  /// Ends of their own say what they like, until one of them says `communication_ready`: then they do speak ONE, and
  /// what stood in its place before was a fault.
  private mutating func plainRelay(_ payload: RecordedLine.Payload, _ direction: Direction, _ sink: inout EventSink) {
    guard direction == initiatorDirection.opposite, case .text(let text) = payload,
      (try? CommServerMessage.decode(text)) == .communicationReady
    else { return sink.emit(.relayed(op: payload.op, length: payload.length)) }
    sink.emit(
      .clearFault(
        phase: .communicationReady,
        failure: WireFailure("commserver.late-ready", "connection.md 3.2", "other data came before it")))
    sink.emit(.server(.communicationReady))
    state = .initiatorKey
  }

  private mutating func broken(_ payload: RecordedLine.Payload, _ direction: Direction, _ sink: inout EventSink) {
    sink.emit(.relayed(op: payload.op, length: payload.length))
  }

  // MARK: Helpers

  private mutating func expect(
    _ direction: Direction, _ due: Direction, _ phase: ClearPhase, _ sink: inout EventSink
  ) -> Bool {
    guard direction != due else { return true }
    let who = direction == .fromClient ? "client" : "other side"
    sink.emit(
      .clearFault(
        phase: phase,
        failure: WireFailure("commserver.out-of-turn", "connection.md 2.4", "the \(who) speaks out of turn")))
    return false
  }

  private mutating func decode(
    _ payload: RecordedLine.Payload, _ phase: ClearPhase, _ sink: inout EventSink
  ) -> CommServerMessage? {
    guard case .text(let text) = payload else {
      fault(phase, "binary", "a binary message of \(payload.length) bytes", &sink)
      return nil
    }
    do throws(WireFailure) {
      return try CommServerMessage.decode(text)
    } catch {
      state = .broken
      sink.emit(.clearFault(phase: phase, failure: error))
      return nil
    }
  }

  private mutating func fault(_ phase: ClearPhase, _ code: String, _ detail: String, _ sink: inout EventSink) {
    state = .broken
    sink.emit(
      .clearFault(phase: phase, failure: WireFailure("commserver.\(code)", "connection.md 2.4", detail)))
  }
}
