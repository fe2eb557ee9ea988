import Testing
import WebSocketWire

@Suite("WebSocket frames of the gate's own")
struct WebSocketWireTests {
  @Test(arguments: [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
  func `frames round trip in any pieces, masked or not`(_ size: Int) throws {
    let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
    for mask in [nil, [1, 2, 3, 4] as [UInt8]?] {
      let frame = Frame(opcode: .binary, mask: mask, payload: payload)
      var decoder = FrameDecoder(limit: 1 << 20)
      let bytes = frame.encoded()
      let cut = min(bytes.count, 3)
      decoder.append(Array(bytes[..<cut]))
      decoder.append(Array(bytes[cut...]))
      #expect(try decoder.next() == frame)
      #expect(try decoder.next() == nil)
    }
  }

  @Test
  func `a server endpoint refuses what RFC 6455 forbids, with the code that is owed`() {
    func fault(_ frames: [Frame]) -> FrameFault? {
      var endpoint = Endpoint(role: .server)
      for event in endpoint.receive(Array(frames.map { $0.encoded() }.joined())) {
        if case .fault(let fault) = event { return fault }
      }
      return nil
    }
    let mask: [UInt8] = [9, 8, 7, 6]
    #expect(fault([Frame(opcode: .text)]) == .unmasked)
    #expect(fault([Frame(reserved: 4, opcode: .text, mask: mask)]) == .reservedBits(4))
    #expect(fault([Frame(opcode: Opcode(3), mask: mask)]) == .reservedOpcode(3))
    #expect(fault([Frame(fin: false, opcode: .ping, mask: mask)]) == .fragmentedControl)
    #expect(fault([Frame(opcode: .continuation, mask: mask)]) == .unexpectedContinuation)
    #expect(fault([Frame(opcode: .text, mask: mask, payload: [0xC0, 0xAF])]) == .invalidUTF8)
    #expect(fault([Frame(opcode: .close, mask: mask, payload: [3])]) == .closePayloadOfOneByte)
    #expect(fault([Frame(opcode: .close, mask: mask, payload: [3, 0xED])]) == .closeCode(1005))
    #expect(FrameFault.invalidUTF8.closeCode == 1007 && FrameFault.messageTooLong(limit: 1).closeCode == 1009)
  }

  @Test
  func `random bytes never trap an endpoint`() {
    var seed: UInt64 = 1
    func byte() -> UInt8 {
      seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: seed >> 40)
    }
    for _ in 0..<3_000 {
      var endpoint = Endpoint(role: .client)
      _ = endpoint.receive((0..<40).map { _ in byte() })
      _ = endpoint.takeOutput()
    }
  }

  @Test
  func `the accept key is that of RFC 6455`() {
    #expect(OpeningHandshake.accept(key: "dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
  }
}
