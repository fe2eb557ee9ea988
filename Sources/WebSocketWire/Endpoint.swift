/// One side of an open WebSocket connection as a value: bytes in, events and bytes out (RFC 6455, sections 5 to 7).
///
/// It answers pings and close frames by itself; what it must not answer by itself can be switched off.
public struct Endpoint: Sendable {
  public enum Role: Sendable {
    case client, server
  }

  public enum Event: Sendable, Equatable {
    case message(Message)
    case ping([UInt8])
    case pong([UInt8])
    /// The peer's close frame; the answer has been written unless we closed first.
    case closed(CloseInfo)
    /// The peer broke the protocol; the close frame that it is owed has been written.
    case fault(FrameFault)
  }

  public struct Options: Sendable {
    /// Bytes of one message; more is a fault with close code 1009.
    public var messageLimit = 104_857_600
    public var answersPings = true
    public var answersClose = true
    public init() {}
  }

  /// Departures from the RFC that prove that a case can fail. Each switches one check or duty off.
  public enum Fault: String, Sendable, CaseIterable {
    case acceptsUnmaskedFrames, acceptsReservedBits, acceptsReservedOpcodes, acceptsFragmentedControl
    case acceptsStrayContinuation, acceptsInterleavedMessages, acceptsInvalidUTF8, acceptsOneByteClose
    case acceptsForbiddenCloseCodes, acceptsInvalidCloseReason, ignoresPings, answersPingsEmpty, ignoresClose
    case dropsContinuations, closesWithWrongCode, hasNoMessageLimit, closesOnPong, countsFragmentsAsMessages
    case masksFrames, stopsAtControlBetweenFragments, refusesLongFrames, acceptsLongControl, acceptsLongLengthForms
    case checksUTF8PerFrame, readsBehindClose

    /// What the broken endpoint does, in words.
    public var summary: String {
      switch self {
      case .acceptsUnmaskedFrames: "takes frames without mask"
      case .acceptsReservedBits: "ignores reserved bits"
      case .acceptsReservedOpcodes: "ignores frames of reserved opcodes"
      case .acceptsFragmentedControl: "takes control frames without FIN"
      case .acceptsStrayContinuation: "ignores continuations without a message"
      case .acceptsInterleavedMessages: "drops an unfinished message when another one begins"
      case .acceptsInvalidUTF8: "delivers text that is not UTF-8"
      case .acceptsOneByteClose: "takes a close payload of one byte"
      case .acceptsForbiddenCloseCodes: "takes close codes that must not be sent"
      case .acceptsInvalidCloseReason: "takes a close reason that is not UTF-8"
      case .ignoresPings: "does not answer pings"
      case .answersPingsEmpty: "answers pings without their payload"
      case .ignoresClose: "does not answer a close frame"
      case .dropsContinuations: "delivers the first frame of a message only"
      case .closesWithWrongCode: "closes breaches of RFC 6455 with 1011"
      case .hasNoMessageLimit: "collects messages of any length"
      case .closesOnPong: "closes on a pong nobody asked for"
      case .countsFragmentsAsMessages: "delivers every frame as a message"
      case .masksFrames: "masks its frames though it is the server"
      case .stopsAtControlBetweenFragments: "closes on a control frame between fragments"
      case .refusesLongFrames: "refuses messages of more than 65,535 bytes"
      case .acceptsLongControl: "takes control frames of more than 125 bytes"
      case .acceptsLongLengthForms: "takes lengths that are not in the shortest form"
      case .checksUTF8PerFrame: "wants each frame of a text to be UTF-8 by itself"
      case .readsBehindClose: "delivers data behind a close frame"
      }
    }
  }

  public let role: Role
  private let options: Options
  private let faults: Set<Fault>
  private var decoder: FrameDecoder
  private var assembly: [UInt8]?
  private var assemblyOpcode = Opcode.text
  private var utf8 = UTF8Check()
  private var maskState: UInt64
  /// Bytes to write, in order; take them with `takeOutput`.
  private var output: [UInt8] = []
  public private(set) var sentClose = false
  public private(set) var receivedClose = false
  /// True when nothing more is read: a fault was found or a close frame came.
  public var isOver: Bool { (receivedClose && !faults.contains(.readsBehindClose)) || isBroken }
  private var isBroken = false

  /// `maskSeed` makes the masking keys of a client; they must differ, nothing depends on their being secret here.
  public init(role: Role, options: Options = Options(), faults: Set<Fault> = [], maskSeed: UInt64 = 1) {
    self.role = role
    self.options = options
    self.faults = faults
    maskState = maskSeed
    var limit = options.messageLimit
    if faults.contains(.hasNoMessageLimit) { limit = Int.max }
    if faults.contains(.refusesLongFrames) { limit = 65_535 }
    decoder = FrameDecoder(
      limit: limit, allowsLongControl: faults.contains(.acceptsLongControl),
      allowsLongForms: faults.contains(.acceptsLongLengthForms))
  }

  public mutating func takeOutput() -> [UInt8] {
    let bytes = output
    output = []
    return bytes
  }

  /// Bytes of a message, or of a frame, that has not come to its end.
  public var unfinishedBytes: Int { (assembly?.count ?? 0) + decoder.pendingBytes }

  public var hasOutput: Bool { !output.isEmpty }

  // MARK: Sending

  public mutating func send(_ message: Message) {
    guard !sentClose else { return }
    switch message {
    case .text(let text): write(.text, Array(text.utf8))
    case .binary(let bytes): write(.binary, bytes)
    }
  }

  public mutating func sendPing(_ payload: [UInt8]) { write(.ping, payload) }

  public mutating func sendClose(_ info: CloseInfo) {
    guard !sentClose else { return }
    sentClose = true
    write(.close, info.payload)
  }

  /// Bytes that go out as they are, for peers that misbehave on purpose.
  public mutating func sendRaw(_ bytes: [UInt8]) { output += bytes }

  public mutating func nextMask() -> [UInt8] {
    maskState = maskState &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return (0..<4).map { UInt8(truncatingIfNeeded: maskState >> UInt64(32 + 8 * $0)) }
  }

  private mutating func write(_ opcode: Opcode, _ payload: [UInt8]) {
    let masks = role == .client || faults.contains(.masksFrames)
    output += Frame(opcode: opcode, mask: masks ? nextMask() : nil, payload: payload).encoded()
  }

  // MARK: Receiving

  public mutating func receive(_ bytes: [UInt8]) -> [Event] {
    guard !isOver else { return [] }
    decoder.append(bytes)
    var events: [Event] = []
    do throws(FrameFault) {
      while !isOver, let frame = try decoder.next() { try take(frame, &events) }
    } catch {
      isBroken = true
      sendClose(CloseInfo(code: faults.contains(.closesWithWrongCode) ? 1011 : error.closeCode))
      events.append(.fault(error))
    }
    return events
  }

  private mutating func take(_ frame: Frame, _ events: inout [Event]) throws(FrameFault) {
    if frame.reserved != 0, !faults.contains(.acceptsReservedBits) { throw .reservedBits(frame.reserved) }
    if frame.opcode.isReserved {
      guard faults.contains(.acceptsReservedOpcodes) else { throw .reservedOpcode(frame.opcode.rawValue) }
      return
    }
    if role == .server, frame.mask == nil, !faults.contains(.acceptsUnmaskedFrames) { throw .unmasked }
    if role == .client, frame.mask != nil { throw .masked }
    if frame.opcode.isControl {
      if !frame.fin, !faults.contains(.acceptsFragmentedControl) { throw .fragmentedControl }
      if assembly != nil, faults.contains(.stopsAtControlBetweenFragments) { throw .messageInsideMessage }
      try takeControl(frame, &events)
    } else {
      try takeData(frame, &events)
    }
  }

  private mutating func takeControl(_ frame: Frame, _ events: inout [Event]) throws(FrameFault) {
    switch frame.opcode {
    case .ping:
      events.append(.ping(frame.payload))
      guard options.answersPings, !sentClose, !faults.contains(.ignoresPings) else { return }
      write(.pong, faults.contains(.answersPingsEmpty) ? [] : frame.payload)
    case .pong:
      if faults.contains(.closesOnPong) { throw .reservedOpcode(10) }
      events.append(.pong(frame.payload))
    default:
      let info = try closeInfo(frame.payload)
      receivedClose = !faults.contains(.ignoresClose)
      guard receivedClose else { return }
      if options.answersClose { sendClose(CloseInfo(code: info.code)) }
      events.append(.closed(info))
    }
  }

  private func closeInfo(_ payload: [UInt8]) throws(FrameFault) -> CloseInfo {
    guard !payload.isEmpty else { return CloseInfo(code: nil) }
    guard payload.count > 1 else {
      if faults.contains(.acceptsOneByteClose) { return CloseInfo(code: nil) }
      throw .closePayloadOfOneByte
    }
    let info = CloseInfo(code: UInt16(payload[0]) << 8 | UInt16(payload[1]), reason: Array(payload[2...]))
    if let code = info.code, !CloseInfo.isAllowedOnWire(code) {
      guard faults.contains(.acceptsForbiddenCloseCodes) else { throw .closeCode(code) }
      return CloseInfo(code: nil)
    }
    if info.reasonText == nil, !faults.contains(.acceptsInvalidCloseReason) { throw .invalidUTF8 }
    return info
  }

  private mutating func takeData(_ frame: Frame, _ events: inout [Event]) throws(FrameFault) {
    if frame.opcode == .continuation {
      guard assembly != nil else {
        if faults.contains(.acceptsStrayContinuation) { return }
        throw .unexpectedContinuation
      }
      if faults.contains(.dropsContinuations) {
        if frame.fin { try deliver(&events) }
        return
      }
    } else {
      if assembly != nil, !faults.contains(.acceptsInterleavedMessages) { throw .messageInsideMessage }
      assembly = []
      utf8 = UTF8Check()
      assemblyOpcode = frame.opcode
    }
    guard (assembly?.count ?? 0) + frame.payload.count <= decoder.limit else {
      throw .messageTooLong(limit: decoder.limit)
    }
    if assemblyOpcode == .text, faults.contains(.checksUTF8PerFrame) {
      var alone = UTF8Check()
      guard alone.take(frame.payload), alone.isComplete else { throw .invalidUTF8 }
    }
    if assemblyOpcode == .text, !utf8.take(frame.payload), !faults.contains(.acceptsInvalidUTF8) { throw .invalidUTF8 }
    assembly?.append(contentsOf: frame.payload)
    if frame.fin || faults.contains(.countsFragmentsAsMessages) { try deliver(&events) }
  }

  private mutating func deliver(_ events: inout [Event]) throws(FrameFault) {
    guard let bytes = assembly else { return }
    assembly = nil
    guard assemblyOpcode == .text else { return events.append(.message(.binary(bytes))) }
    guard utf8.isComplete || faults.contains(.acceptsInvalidUTF8) else { throw .invalidUTF8 }
    events.append(.message(.text(String(decoding: bytes, as: UTF8.self))))
  }
}
