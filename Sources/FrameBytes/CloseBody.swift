/// The payload of a close frame: nothing, or a code and a reason of at most 123 bytes (RFC 6455, 5.5.1).
public struct CloseBody: Sendable, Equatable {
  /// Nil for a close frame without code; programs call that 1005.
  public var code: UInt16?
  public var reason: String

  public init(code: UInt16?, reason: String = "") {
    self.code = code
    self.reason = reason
  }

  /// Reads a payload; a code that must not stand on the wire, a lone byte and bad UTF-8 are faults.
  public init(_ payload: [UInt8]) throws(FrameFailure) {
    guard !payload.isEmpty else {
      self.init(code: nil)
      return
    }
    guard payload.count >= 2 else { throw .shortCloseBody }
    let code = UInt16(payload[0]) << 8 | UInt16(payload[1])
    guard Self.mayBeSent(code) else { throw .badCloseCode }
    guard UTF8Check.isValid(Array(payload[2...])) else { throw .badUTF8 }
    self.init(code: code, reason: String(decoding: payload[2...], as: UTF8.self))
  }

  /// The codes that may stand in a close frame (RFC 6455, 7.4; 1012 to 1014 are registered since).
  public static func mayBeSent(_ code: UInt16) -> Bool {
    switch code {
    case 1_004, 1_005, 1_006: false
    case 1_000...1_014, 3_000...4_999: true
    default: false
    }
  }

  /// The payload; a reason that does not fit is cut at a character.
  public var encoded: [UInt8] {
    guard let code else { return [] }
    var bytes = [UInt8(code >> 8), UInt8(code & 0xFF)]
    for scalar in reason.unicodeScalars {
      guard let encoded = UTF8.encode(scalar), bytes.count + encoded.count <= 125 else { break }
      bytes.append(contentsOf: encoded)
    }
    return bytes
  }
}
