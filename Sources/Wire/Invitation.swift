public import Cryptobox
import WireBytes

/// An invitation: a token, the inviter's instance key and where it is to be reached (connection.md 5.1, 5.2).
public struct Invitation: Sendable, Equatable {
  public var token: String
  /// X25519 instance key of the inviter as hex; 64 digits in a usable invitation.
  public var publicKey: String
  public var url: String

  /// Internet of People or Internet of Me: the mode stands in the link, not in the invitation.
  public enum Mode: String, Sendable, Equatable, CaseIterable {
    case iop
    case iom

    /// Path and query of the link in front of `#`.
    public var path: String {
      switch self {
      case .iop: "/invites/invitePartner/?invited=true"
      case .iom: "/invites/inviteDevice/?invited=true"
      }
    }

    /// Reads the mode of a link; nil when it names none (INV-008).
    public static func detect(in text: String) -> Mode? {
      // The substrings stand without the leading slash in the rule, so that any prefix fits.
      if text.contains("invites/inviteDevice/?invited=true") { return .iom }
      if text.contains("invites/invitePartner/?invited=true") { return .iop }
      return nil
    }
  }

  private static let section = "connection.md 5.2"
  /// Longer inputs are refused before anything is decoded.
  public static let longestInput = 1 << 20

  public init(token: String, publicKey: String, url: String) {
    self.token = token
    self.publicKey = publicKey
    self.url = url
  }

  /// Compact JSON in the reference's order of members.
  public var json: String {
    JSONValue.object(
      JSONObject(["token": .string(token), "publicKey": .string(publicKey), "url": .string(url)])
    ).compact
  }

  /// The part behind `#`: percent-encoded JSON.
  public var fragment: String { PercentCode.encode(json) }

  /// A link; `base` is scheme and host of the app, such as `https://app.example.org`.
  public func link(base: String, mode: Mode) -> String { base + mode.path + "#" + fragment }

  /// The tolerant reading: a link (with or without a slash before `#`), a bare fragment, bare JSON, and one extra level
  /// of percent-encoding. Strict also wants a key of 32 bytes that is no point of small order, a `ws` or `wss` URL and a
  /// token that is not empty (INV-006, INV-007).
  public static func parse(_ text: String, profile: Profile = .deployed) throws(WireFailure) -> Invitation {
    guard text.utf8.count <= longestInput else {
      throw WireFailure("invitation.too-long", section, "\(text.utf8.count) bytes, at most \(longestInput)")
    }
    var candidate = payload(of: text)
    guard !candidate.isEmpty else { throw WireFailure("invitation.empty", section, "nothing behind #") }
    for _ in 0..<3 {
      if candidate.utf8.first == 0x7B { return try fromJSON(candidate, profile: profile) }
      guard candidate.utf8.contains(0x25) else { break }
      guard let decoded = PercentCode.decode(candidate) else {
        throw WireFailure("invitation.bad-percent", section, "broken percent-encoding")
      }
      candidate = decoded
    }
    throw WireFailure("invitation.not-an-invitation", section, "neither JSON nor percent-encoded JSON")
  }

  /// Everything between the first `#` and the next one, or all of it when there is none; blanks around it do not count.
  private static func payload(of text: String) -> String {
    let trimmed = text.trimmingBlanks()
    if trimmed.utf8.first == 0x7B { return trimmed }
    guard let hash = trimmed.utf8.firstIndex(of: 0x23) else { return trimmed }
    let rest = trimmed[trimmed.utf8.index(after: hash)...]
    return String(rest.prefix { $0 != "#" })
  }

  private static func fromJSON(_ text: String, profile: Profile) throws(WireFailure) -> Invitation {
    let message = try JSONMessage(text, area: "invitation", section: "connection.md 5.1", profile: profile)
    guard Set(message.object.names).count == 3 else {
      throw message.fault("member-count", "\(message.object.members.count) members, an invitation has three")
    }
    let invitation = Invitation(
      token: try message.string("token"), publicKey: try message.string("publicKey"), url: try message.string("url"))
    guard Hex.isHex(invitation.publicKey) else {
      throw message.fault("not-hex", "publicKey is not an even number of hex digits")
    }
    if profile == .strict { try invitation.checkStrictly(message) }
    return invitation
  }

  private func checkStrictly(_ message: JSONMessage) throws(WireFailure) {
    guard let key = PublicKey(hex: publicKey) else { throw message.fault("not-a-key", "publicKey has not 32 bytes") }
    if key.isLowOrder { throw message.fault("low-order", "publicKey is a point of small order") }
    guard url.startsInBytes(with: "ws://") || url.startsInBytes(with: "wss://") else {
      throw message.fault("bad-url", "url is neither ws nor wss")
    }
    if token.isEmpty { throw message.fault("empty-token", "the token is empty") }
  }
}

/// The alphabet in which tokens and generated names are written (connection.md 5.1).
public enum TokenAlphabet {
  static let letters: [UInt8] = Array("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-".utf8)

  /// A text of `length` independent letters: a random byte modulo 64 each; 64 letters are 384 bits.
  public static func draw(_ length: Int = 64, random: inout some RandomSource) -> String {
    String(decoding: random.bytes(length).map { letters[Int($0 & 63)] }, as: UTF8.self)
  }
}

/// ECMAScript's component rule of percent-encoding.
enum PercentCode {
  private static let unreserved: Set<UInt8> = Set(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()".utf8)
  private static let digits: [UInt8] = Array("0123456789ABCDEF".utf8)

  static func encode(_ text: String) -> String {
    var out: [UInt8] = []
    for byte in text.utf8 {
      if unreserved.contains(byte) {
        out.append(byte)
      } else {
        out += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: out, as: UTF8.self)
  }

  /// Nil for a percent sign without two hex digits, and for bytes that are not UTF-8.
  static func decode(_ text: String) -> String? {
    let bytes = Array(text.utf8)
    var out: [UInt8] = []
    out.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
      guard bytes[index] == 0x25 else {
        out.append(bytes[index])
        index += 1
        continue
      }
      guard index + 2 < bytes.count,
        let pair = Hex.decode(String(decoding: bytes[(index + 1)...(index + 2)], as: UTF8.self))
      else { return nil }
      out += pair
      index += 3
    }
    return String(validating: out, as: UTF8.self)
  }
}

extension String {
  func trimmingBlanks() -> String {
    var slice = self[...]
    while let first = slice.unicodeScalars.first, first.properties.isWhitespace { slice.unicodeScalars.removeFirst() }
    while let last = slice.unicodeScalars.last, last.properties.isWhitespace { slice.unicodeScalars.removeLast() }
    return String(slice)
  }
}
