/// A property that does not hold for one input: what a fuzz target stops at.
public struct Finding: Error, Sendable, Equatable, CustomStringConvertible {
  public let property: FuzzProperty
  public let message: String

  public init(_ property: FuzzProperty, _ message: String) {
    self.property = property
    self.message = message
  }

  /// The property's name first: triage reads it from the output of a fuzzer.
  public var description: String { "\(property.rawValue): \(message)" }
}

/// A bounded piece of bytes for messages.
enum Extract {
  static func of(_ bytes: [UInt8]) -> String {
    String(decoding: bytes.prefix(300), as: UTF8.self) + (bytes.count > 300 ? "…" : "")
  }

  /// Both texts around the first byte in which they differ.
  static func difference(_ one: [UInt8], _ other: [UInt8]) -> String {
    let shared = zip(one, other).prefix { $0 == $1 }.count
    func piece(_ bytes: [UInt8]) -> String {
      String(decoding: bytes[max(0, shared - 60)..<min(bytes.count, shared + 60)], as: UTF8.self).debugDescription
    }
    return "at byte \(shared): \(piece(one)) and \(piece(other))"
  }
}
