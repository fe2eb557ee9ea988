/// A formula of the scenario language: names, numbers with units, texts, operators, functions.
public indirect enum Expression: Sendable, Equatable {
  /// Durations are numbers of milliseconds: `2 s` is 2000.
  case number(Double)
  case text(String)
  case truth(Bool)
  case name(String)
  case member(Expression, String)
  case element(Expression, Expression)
  case call(String, [Expression])
  case negative(Expression)
  case binary(Expression, Operator, Expression)

  public enum Operator: String, Sendable, CaseIterable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case equal = "=="
    case unequal = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case and = "&&"
    case or = "||"

    /// Binding strength; a higher one binds first.
    var strength: Int {
      switch self {
      case .or: 1
      case .and: 2
      case .equal, .unequal, .less, .lessOrEqual, .greater, .greaterOrEqual: 3
      case .add, .subtract: 4
      case .multiply, .divide: 5
      }
    }
  }

  /// The names of variables that the formula starts from.
  public var roots: Set<String> {
    switch self {
    case .number, .text, .truth: []
    case .name(let name): [name]
    case .member(let base, _), .negative(let base): base.roots
    case .element(let base, let index): base.roots.union(index.roots)
    case .call(_, let arguments): arguments.reduce(into: []) { $0.formUnion($1.roots) }
    case .binary(let left, _, let right): left.roots.union(right.roots)
    }
  }
}

/// The functions of the language with the number of their arguments; the engine computes them.
public struct FunctionTable: Sendable {
  public struct Entry: Sendable {
    public let name: String
    public let arguments: ClosedRange<Int>
    public let says: String
  }

  public static let entries: [Entry] = [
    .init(
      name: "key", arguments: 0...1, says: "a key pair with .public and .secret; the same text gives the same pair"),
    .init(name: "random", arguments: 1...1, says: "so many random bytes, from the seed of the run"),
    .init(name: "zeros", arguments: 1...1, says: "so many zero bytes"),
    .init(name: "bytes", arguments: 1...1, says: "the bytes of hex digits"),
    .init(name: "utf8", arguments: 1...1, says: "the UTF-8 bytes of a text"),
    .init(name: "text", arguments: 1...1, says: "bytes read as UTF-8"),
    .init(name: "hex", arguments: 1...1, says: "bytes as lower-case hex digits"),
    .init(name: "upper", arguments: 1...1, says: "a text (or the hex of bytes) in capitals"),
    .init(name: "json", arguments: 1...1, says: "the compact JSON text of a value"),
    .init(name: "negate", arguments: 1...1, says: "every bit inverted"),
    .init(name: "flip", arguments: 2...2, says: "bytes with one bit flipped; bit 0 is the lowest of the first byte"),
    .init(name: "xor", arguments: 2...2, says: "two byte strings of the same length, bit by bit"),
    .init(name: "concat", arguments: 1...8, says: "byte strings one behind the other"),
    .init(name: "slice", arguments: 3...3, says: "bytes from an offset, so many"),
    .init(name: "repeat", arguments: 2...2, says: "a text or byte string, so many times"),
    .init(
      name: "size", arguments: 1...1, says: "the number of bytes of bytes or of a text's UTF-8, or of items of a list"),
    .init(
      name: "seal", arguments: 3...4,
      says: "nonce and box of bytes, to a public key from a secret key; a nonce may be given"),
    .init(
      name: "unseal", arguments: 3...3,
      says: "opens nonce and box from a public key with a secret key; fails the case if it cannot"),
    .init(name: "agree", arguments: 2...2, says: "the shared key of a public and a secret key, 32 bytes"),
    .init(name: "box", arguments: 3...3, says: "the secret box of bytes with a nonce and a shared key"),
    .init(
      name: "unbox", arguments: 3...3,
      says: "opens a secret box with a nonce and a shared key; fails the case if it cannot"),
    .init(name: "counterNonce", arguments: 1...1, says: "16 zero bytes and a counter, the nonce of encrypted frames"),
    .init(name: "lowOrder", arguments: 1...1, says: "the n-th public key of low order, 0 to 6"),
    .init(name: "sha256", arguments: 1...1, says: "the digest of bytes"),
    .init(name: "nested", arguments: 1...1, says: "JSON text nested so many levels deep"),
    .init(name: "min", arguments: 2...4, says: "the smallest number"),
    .init(name: "max", arguments: 2...4, says: "the largest number"),
    .init(name: "contains", arguments: 2...2, says: "whether a text holds another one"),
    .init(name: "not", arguments: 1...1, says: "the opposite truth"),
  ]

  private static let byName = Dictionary(uniqueKeysWithValues: entries.map { ($0.name, $0) })

  public static subscript(name: String) -> Entry? { byName[name] }
}
