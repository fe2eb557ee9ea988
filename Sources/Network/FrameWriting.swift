import FrameBytes
import NIOCore

extension ByteBuffer {
  /// Appends a frame's head.
  mutating func writeFrameHead(_ header: FrameHeader) {
    unsafe writeWithUnsafeMutableBytes(minimumWritableBytes: FrameHeader.maximumSize) { target in
      unsafe header.write(to: target)
    }
  }

  /// Appends a whole frame; a client gives a mask.
  mutating func writeFrame(
    _ opcode: Opcode, _ payload: some Collection<UInt8>, isFinal: Bool = true, mask: UInt32? = nil
  ) {
    writeFrameHead(FrameHeader(isFinal: isFinal, opcode: opcode, mask: mask, length: UInt64(payload.count)))
    guard let mask else {
      writeBytes(payload)
      return
    }
    writeBytes(Masking.apply(mask, to: Array(payload)))
  }

  /// Appends the payload that lies masked in `input`, as the frame of another connection.
  mutating func forwardFrame(_ header: FrameHeader, from input: inout ByteBuffer) {
    writeFrameHead(FrameHeader(opcode: header.opcode, length: header.length))
    FrameStream.unmask(&input, Int(header.length), header.mask, offset: 0, into: &self)
  }
}
