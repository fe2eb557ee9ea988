import FrameBytes
import Testing

@Suite("Frames on raw memory")
struct FrameBytesTests {
  @Test
  func `heads of every length and form read back as they were written`() throws {
    for length: UInt64 in [0, 1, 125, 126, 127, 65_535, 65_536, 1 << 32, .max] {
      for mask: UInt32? in [nil, 0, 0x8040_2010] {
        let header = FrameHeader(isFinal: length % 2 == 0, reservedBits: 5, opcode: .binary, mask: mask, length: length)
        let bytes = header.encoded
        #expect(bytes.count == header.size)
        let read = bytes.withUnsafeBytes { FrameHeader.parse($0) }
        #expect(read?.header == header)
        #expect(read?.size == bytes.count)
        for short in 0..<bytes.count {
          #expect(Array(bytes[0..<short]).withUnsafeBytes { FrameHeader.parse($0) } == nil)
        }
      }
    }
  }

  @Test
  func `masking in pieces is the same as masking at once`() {
    let bytes = (0..<200).map { UInt8($0) }
    let mask: UInt32 = 0xDEAD_BEEF
    let whole = Masking.apply(mask, to: bytes)
    #expect(whole[0] == bytes[0] ^ 0xEF && whole[3] == bytes[3] ^ 0xDE && whole[4] == bytes[4] ^ 0xEF)
    #expect(Masking.apply(mask, to: whole) == bytes)
    for cut in 0...200 {
      var out = [UInt8](repeating: 0, count: 200)
      out.withUnsafeMutableBytes { target in
        bytes.withUnsafeBytes { source in
          Masking.copy(.init(rebasing: source[0..<cut]), to: .init(rebasing: target[0..<cut]), mask: mask, offset: 0)
          Masking.copy(.init(rebasing: source[cut...]), to: .init(rebasing: target[cut...]), mask: mask, offset: cut)
        }
      }
      #expect(out == whole)
    }
  }

  @Test
  func `the UTF-8 check agrees with the standard library on all short inputs`() {
    // Bytes at which the rules change; all strings of one to four of them.
    let edges: [UInt8] = [
      0, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF,
      0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
    ]
    var inputs: [[UInt8]] = [[]]
    for _ in 0..<3 { inputs += inputs.suffix(20_000).flatMap { input in edges.map { input + [$0] } } }
    for input in inputs {
      let expected = String(validating: input, as: UTF8.self) != nil
      #expect(UTF8Check.isValid(input) == expected)
      #expect(UTF8Check.isValid(Array("eight by".utf8) + input) == expected)
      var pieces = UTF8Check()
      let isFed = input.allSatisfy { byte in [byte].withUnsafeBytes { pieces.feed($0) } }
      #expect((isFed && pieces.isComplete) == expected)
    }
  }

  @Test
  func `close payloads are cut at a character and refused when malformed`() throws {
    let long = CloseBody(code: 1_000, reason: String(repeating: "€", count: 60))
    #expect(long.encoded.count == 2 + 123)
    #expect(try CloseBody(long.encoded).reason == String(repeating: "€", count: 41))
    #expect(try CloseBody([]) == CloseBody(code: nil))
    for (bytes, failure): ([UInt8], FrameFailure) in [
      ([3], .shortCloseBody), ([3, 0xE7], .badCloseCode), ([3, 0xED], .badCloseCode), ([0x13, 0x88], .badCloseCode),
      ([3, 0xE8, 0xFF], .badUTF8),
    ] {
      #expect(throws: failure) { _ = try CloseBody(bytes) }
    }
    for code: UInt16 in [1_000, 1_003, 1_007, 1_014, 3_000, 4_999] { #expect(CloseBody.mayBeSent(code)) }
  }

  @Test
  func `the accept value is the RFC's own example`() {
    #expect(UpgradeRequest.accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
  }

  @Test
  func `random bytes never make an upgrade request trap`() {
    var state: UInt64 = 42
    for _ in 0..<5_000 {
      let bytes = (0..<Int(state % 80)).map { _ -> UInt8 in
        state = state &* 6_364_136_223_846_793_005 &+ 1
        return [0x0D, 0x0A, 0x3A, 0x20, UInt8(state >> 56)][Int(state >> 33) % 5]
      }
      _ = try? UpgradeRequest(Array("GET / HTTP/1.1\r\n".utf8) + bytes)
      _ = UpgradeResponse(bytes, key: "")
      state = state &* 6_364_136_223_846_793_005 &+ 1
    }
  }
}
