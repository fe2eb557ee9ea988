/// A data message, whole.
public enum Message: Sendable, Equatable {
  case text(String)
  case binary([UInt8])

  public var byteCount: Int {
    switch self {
    case .text(let text): text.utf8.count
    case .binary(let bytes): bytes.count
    }
  }
}

/// What a close frame carried, or that the connection went away without one.
public struct CloseInfo: Sendable, Equatable {
  /// Nil for a close frame without a code.
  public var code: UInt16?
  public var reason: [UInt8]
  public init(code: UInt16?, reason: [UInt8] = []) {
    self.code = code
    self.reason = reason
  }

  /// The reason as text; nil when it is not UTF-8.
  public var reasonText: String? { String(validating: reason, as: UTF8.self) }

  var payload: [UInt8] {
    guard let code else { return [] }
    return [UInt8(code >> 8), UInt8(code & 255)] + reason
  }

  /// The codes that may stand in a close frame (RFC 6455, section 7.4).
  public static func isAllowedOnWire(_ code: UInt16) -> Bool {
    switch code {
    case 1000...1003, 1007...1014, 3000...4999: true
    default: false
    }
  }
}
