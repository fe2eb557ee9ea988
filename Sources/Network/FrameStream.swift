import FrameBytes
import NIOCore

/// Cuts the bytes of one WebSocket into messages, pulling: ``next(_:)`` until it gives nil.
///
/// A message that lies whole in the input is not copied here; others are put together, and above a threshold handed on in
/// parts, so that a long relayed message never stands in memory as a whole.
struct FrameStream {
  enum Item {
    /// A data message in one frame, whole in the input: its payload is next there, still masked.
    case whole(FrameHeader)
    /// A message put together, unmasked.
    case message(Opcode, ByteBuffer)
    /// A part of a message longer than ``partThreshold``.
    case part(Opcode, ByteBuffer, isFirst: Bool, isLast: Bool)
    case ping(ByteBuffer)
    case pong(ByteBuffer)
    case close(CloseBody)
    /// A message is longer than ``softLimit``; the stream is of no use after it.
    case oversized
  }

  let endpoint: Endpoint
  /// Bytes of one message.
  var limit: Int
  /// Longer messages come as ``Item/oversized`` before anything of them is kept.
  var softLimit: Int?
  /// Messages longer than this come in parts; nil for never.
  var partThreshold: Int?
  /// Planted faults of the conformance self-test.
  var tolerance = FrameTolerance()
  /// Refuses lengths that are not in their shortest form; the deployed server's library does not.
  var wantsShortestLengths = false

  /// Large, so that few fragments come of the longest message: some clients stop reading after a dozen frames that nobody
  /// asked for.
  private let partSize = 8 << 20
  /// Memory taken at once for a frame of which only the head is here.
  private let firstReservation = 256 << 10
  /// Up to this many bytes an incomplete frame simply waits.
  private let smallFrame = 4_096
  private var carry: ByteBuffer?
  private var frame: (header: FrameHeader, done: Int)?
  private var message: (opcode: Opcode, bytes: ByteBuffer, total: Int, sentParts: Bool, check: UTF8Check)?

  init(endpoint: Endpoint, limit: Int) {
    self.endpoint = endpoint
    self.limit = limit
  }

  /// Bytes held back in here.
  var heldBytes: Int { (carry?.readableBytes ?? 0) + (message?.bytes.storageCapacity ?? 0) }
  var isIdle: Bool { carry == nil && message == nil }

  mutating func next(_ input: inout ByteBuffer) throws(FrameFailure) -> Item? {
    if var held = carry {
      carry = nil
      held.writeBuffer(&input)
      input = held
    }
    while true {
      if let running = frame {
        guard let item = try takePayload(running.header, running.done, &input) else {
          // A frame that ended inside a message leaves no frame behind; the next head may be in the input.
          if frame == nil, input.readableBytes > 0 { continue }
          return nil
        }
        return item
      }
      guard input.readableBytes > 0 else { return nil }
      guard let (header, size) = unsafe input.withUnsafeReadableBytes({ unsafe FrameHeader.parse($0) }) else {
        return hold(&input)
      }
      try check(header)
      if header.opcode.isControl {
        guard input.readableBytes >= size + Int(header.length) else {
          return hold(&input)
        }
        input.moveReaderIndex(forwardBy: size)
        return try control(header, &input)
      }
      let total = (message?.total ?? 0).addingReportingOverflow(Int(clamping: header.length))
      guard !total.overflow, total.partialValue <= limit else { throw .tooLong }
      if let softLimit, total.partialValue > softLimit { return .oversized }
      let length = Int(header.length)
      let isSingle = header.isFinal && message == nil
      if isSingle, input.readableBytes - size >= length {
        input.moveReaderIndex(forwardBy: size)
        return .whole(header)
      }
      if isSingle, length <= smallFrame {
        return hold(&input)
      }
      input.moveReaderIndex(forwardBy: size)
      if message == nil { message = (header.opcode, ByteBuffer(), 0, false, UTF8Check()) }
      frame = (header, 0)
    }
  }

  /// Keeps what is too short yet, in memory of its own: the input is a read buffer of many times its size.
  private mutating func hold(_ input: inout ByteBuffer) -> Item? {
    carry = ByteBuffer(bytes: input.readableBytesView)
    input.clear()
    return nil
  }

  private func check(_ header: FrameHeader) throws(FrameFailure) {
    var judged = header
    if tolerance.unmasked { judged.mask = endpoint == .server ? 0 : nil }
    if tolerance.reservedBits { judged.reservedBits = 0 }
    try judged.check(at: endpoint)
    if wantsShortestLengths, !header.isShortest { throw .longLength }
    guard !header.opcode.isControl else { return }
    if header.opcode == .continuation {
      if message == nil { throw .strayContinuation }
    } else if message != nil {
      throw .interruptedMessage
    }
  }

  private func control(_ header: FrameHeader, _ input: inout ByteBuffer) throws(FrameFailure) -> Item {
    var payload = ByteBuffer()
    Self.unmask(&input, Int(header.length), header.mask, offset: 0, into: &payload)
    switch header.opcode {
    case .ping: return .ping(payload)
    case .pong: return .pong(payload)
    default: return .close(try CloseBody(Array(buffer: payload)))
    }
  }

  /// Takes what there is of a frame's payload into the message under way.
  private mutating func takePayload(
    _ header: FrameHeader, _ done: Int, _ input: inout ByteBuffer
  ) throws(FrameFailure) -> Item? {
    guard var running = message.take() else { return nil }
    let length = Int(header.length)
    let count = min(length - done, input.readableBytes)
    let start = running.bytes.writerIndex
    if running.bytes.readableBytes == 0 {
      // Room for the whole of a middling frame at once; a long one has to come before it costs memory.
      running.bytes.reserveCapacity(minimumWritableBytes: min(length - done, max(count, firstReservation)))
    }
    Self.unmask(&input, count, header.mask, offset: done, into: &running.bytes)
    running.total += count
    if running.opcode == .text, !tolerance.badUTF8 {
      let isGood =
        unsafe running.bytes.viewBytes(at: start, length: count)?.withUnsafeBytes { unsafe running.check.feed($0) }
        ?? true
      guard isGood else { throw .badUTF8 }
    }
    let isFrameEnd = done + count == length
    let isEnd = isFrameEnd && header.isFinal
    frame = isFrameEnd ? nil : (header, done + count)
    if isEnd {
      if running.opcode == .text, !tolerance.badUTF8, !running.check.isComplete { throw .badUTF8 }
      guard running.sentParts else { return .message(running.opcode, running.bytes) }
      return .part(running.opcode, running.bytes, isFirst: false, isLast: true)
    }
    if isFrameEnd, tolerance.fragmentsAreMessages {
      let part = running.bytes
      running.bytes = ByteBuffer()
      message = running
      return .message(running.opcode, part)
    }
    if let partThreshold, running.bytes.readableBytes >= partSize,
      running.sentParts || running.total > partThreshold
        || (header.isFinal && running.total - done - count + length > partThreshold)
    {
      let isFirst = !running.sentParts
      let part = running.bytes
      running.bytes = ByteBuffer()
      running.sentParts = true
      message = running
      return .part(running.opcode, part, isFirst: isFirst, isLast: false)
    }
    message = running
    return nil
  }

  /// Moves bytes over and unmasks them on the way.
  static func unmask(
    _ input: inout ByteBuffer, _ count: Int, _ mask: UInt32?, offset: Int, into output: inout ByteBuffer
  ) {
    guard count > 0 else { return }
    unsafe output.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { target in
      unsafe input.withUnsafeReadableBytes { source in
        unsafe Masking.copy(
          UnsafeRawBufferPointer(rebasing: source[0..<count]), to: target, mask: mask ?? 0, offset: offset)
      }
      return count
    }
    input.moveReaderIndex(forwardBy: count)
  }
}

/// What a broken endpoint lets through; all false in every real one.
struct FrameTolerance {
  var unmasked = false
  var reservedBits = false
  var badUTF8 = false
  var fragmentsAreMessages = false
}
