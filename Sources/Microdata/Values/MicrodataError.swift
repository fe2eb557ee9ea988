/// Why bytes or an object were refused: ONE's own code, its text, and the place.
///
/// The text never holds more than an extract of the input (MD-041). Offsets count bytes of the input as given.
public struct MicrodataError: Error, Sendable {
  /// A code of microdata.md 9, `js:SyntaxError` and the like for errors of the platform that have no code, or a code of
  /// ours (`CGM-…`) where the reference hangs, overflows, or where the strict profile refuses what it accepts.
  public let code: MicrodataCode
  /// What happened, without the code, the parameters included.
  public let text: String
  /// The byte at which the input deviates; nil where there is no input or no place.
  public let offset: Int?
  /// What had to stand at the place: a rule's itemprop and type, or the bytes expected.
  public let expected: String?

  public init(_ code: MicrodataCode, _ text: String, offset: Int? = nil, expected: String? = nil) {
    self.code = code
    self.text = text
    self.offset = offset
    self.expected = expected
  }
}

extension MicrodataError: CustomStringConvertible {
  /// `CODE: text`, then place and expectation when there are any.
  public var description: String {
    var out = message
    if let offset { out += " (at byte \(offset)" + (expected.map { ", expected \($0)" } ?? "") + ")" }
    if offset == nil, let expected { out += " (expected \(expected))" }
    return out
  }

  /// `CODE: text`, the message of the reference.
  public var message: String { "\(code): \(text)" }
}

/// A code of an error; an open set, since recipes of other versions may bring more.
public struct MicrodataCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible,
  ExpressibleByStringLiteral
{
  public let rawValue: String
  public init(rawValue: String) { self.rawValue = rawValue }
  public init(stringLiteral value: String) { rawValue = value }
  public var description: String { rawValue }

  /// True for the errors of the reference's platform, which have no code of their own.
  public var isPlatform: Bool { rawValue.hasPrefix("js:") }
}

extension MicrodataCode {
  public static let syntaxError: MicrodataCode = "js:SyntaxError"
  public static let typeError: MicrodataCode = "js:TypeError"
  public static let rangeError: MicrodataCode = "js:RangeError"

  /// S1: the reference would loop until its memory ends.
  public static let runaway: MicrodataCode = "CGM-RUNAWAY"
  /// S2: nested deeper than `MicrodataLimits.depth`.
  public static let depth: MicrodataCode = "CGM-DEPTH"
  /// JSON nested deeper than `MicrodataLimits.jsonDepth`.
  public static let jsonDepth: MicrodataCode = "CGM-JSONDEPTH"
  /// A regexp took more steps than `MicrodataLimits.regexpSteps` allows (MD-070).
  public static let regexpSteps: MicrodataCode = "CGM-REGEXP"
  /// More bytes than `MicrodataLimits.bytes`.
  public static let size: MicrodataCode = "CGM-SIZE"
  /// The strict profile refuses bytes that are not canonical.
  public static let notCanonical: MicrodataCode = "CGM-CANON"
  /// The strict profile refuses to write what cannot be read back (MD-091).
  public static let notWritable: MicrodataCode = "CGM-WRITE"
  /// The strict profile refuses bytes that are not UTF-8.
  public static let notUTF8: MicrodataCode = "CGM-UTF8"
}

/// Which of the two behaviours is asked for.
public enum MicrodataProfile: String, Sendable, CaseIterable {
  /// What the reference does, quirks included.
  case deployed
  /// Canonical bytes only; refuses to write what cannot be read back.
  case strict
}

/// The bounds of one call; hostile input costs at most this.
public struct MicrodataLimits: Sendable {
  /// Levels of lists, maps and nested objects.
  public var depth: Int
  /// Levels of JSON inside a stringifiable.
  public var jsonDepth: Int
  /// Steps of one regexp test: this many, and 64 for each code unit of the text.
  public var regexpSteps: Int
  /// Bytes of one document.
  public var bytes: Int

  public init(depth: Int = 256, jsonDepth: Int = 1000, regexpSteps: Int = 1_000_000, bytes: Int = 1 << 31) {
    self.depth = depth
    self.jsonDepth = jsonDepth
    self.regexpSteps = regexpSteps
    self.bytes = min(bytes, 1 << 31)
  }

  public static let standard = MicrodataLimits()
}
