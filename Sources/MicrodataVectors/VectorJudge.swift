import Cryptobox
public import Microdata
import WireBytes

extension VectorQuestion {
  /// The expectations that the answer does not meet, each as one line.
  public func judge(_ answer: CodecAnswer) -> [String] {
    expectations.compactMap { field, expectation in
      guard let mismatch = VectorQuestion.mismatch(answer, expectation) else { return nil }
      return "\(field): \(mismatch)"
    }
  }

  /// Nil when the answer is as expected.
  private static func mismatch(_ answer: CodecAnswer, _ expectation: CodecExpectation) -> String? {
    switch (expectation, answer) {
    case (.text(let wanted), .text(let text)):
      return text == wanted
        ? nil : "expected \(cut(wanted.string)), got \(cut(text.string)) (\(firstDifference(wanted, text)))"
    case (.hash(let wanted, let count), .text(let text)):
      let bytes = text.utf8Bytes
      if let count, bytes.count != count { return "expected \(count) bytes, got \(bytes.count)" }
      let hash = SHA256.hex(bytes)
      return hash == wanted ? nil : "expected hash \(wanted), got \(hash)"
    case (.value(let wanted), .value(let value)):
      return value == wanted ? nil : "expected \(cut(wanted.vector.compact)), got \(cut(value.vector.compact))"
    case (.notValue(let other), .value(let value)):
      // The vectors compared encodings, and an object that is encoded as pairs differs by their order too.
      guard value == other, value.sameOrderOfPairs(other) else { return nil }
      return "expected another value than the input's, got the same"
    case (.number(let bits), .number(let value)):
      if let bits { return value.bitPattern == bits ? nil : "expected bits \(String(bits, radix: 16)), got \(value)" }
      return value.isNaN ? nil : "expected NaN, got \(value)"
    case (.rootHash(let wanted), .hash(let hash)): return hash == wanted ? nil : "expected \(wanted), got \(hash)"
    case (.nothing, .nothing): return nil
    case (.error(let code), .error(let error)):
      return code.hasPrefix("js:") || error.code.rawValue == code
        ? nil : "expected \(code), got \(cut(error.description))"
    case (.codedError, .error(let error)):
      return error.code.isPlatform ? "expected a coded error, got \(error.code)" : nil
    case (.success, .text), (.success, .value), (.success, .number), (.success, .hash), (.success, .nothing): return nil
    default: return "expected \(name(expectation)), got \(answer.shown)"
    }
  }

  private static func name(_ expectation: CodecExpectation) -> String {
    switch expectation {
    case .text(let text): "text \(cut(text.string))"
    case .hash(let hash, _): "a text with the hash \(hash)"
    case .value(let value): "value \(cut(value.vector.compact))"
    case .notValue: "a value"
    case .number: "a number"
    case .rootHash(let hash): "hash \(hash)"
    case .nothing: "nothing"
    case .error(let code): "error \(code)"
    case .codedError: "a coded error"
    case .success: "no error"
    }
  }

  private static func firstDifference(_ a: OneText, _ b: OneText) -> String {
    let index = zip(a.bytes, b.bytes).enumerated().first { $0.element.0 != $0.element.1 }?.offset
    return "first difference at byte \(index ?? min(a.bytes.count, b.bytes.count))"
  }
}

extension OneValue {
  /// False when some object that must be encoded as pairs lists its members in another order.
  fileprivate func sameOrderOfPairs(_ other: OneValue) -> Bool {
    switch (self, other) {
    case (.array(let a), .array(let b)), (.set(let a), .set(let b)): zip(a, b).allSatisfy { $0.sameOrderOfPairs($1) }
    case (.map(let a), .map(let b)):
      zip(a, b).allSatisfy { $0.key.sameOrderOfPairs($1.key) && $0.value.sameOrderOfPairs($1.value) }
    case (.object(let a), .object(let b)):
      (!a.isEncodedAsPairs || a.members.map(\.name) == b.members.map(\.name))
        && a.members.allSatisfy { member in b[member.name].map { member.value.sameOrderOfPairs($0) } ?? false }
    default: true
    }
  }
}

extension OneText {
  /// The bytes that are hashed and stored: lone surrogates are U+FFFD.
  public var utf8Bytes: [UInt8] { hasLoneSurrogate ? Array(string.utf8) : bytes }
}
