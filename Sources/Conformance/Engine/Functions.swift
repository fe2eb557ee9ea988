import Cryptobox
import Scenario
import WireBytes

/// The functions of the scenario language (``Scenario/FunctionTable``).
extension Evaluator {
  /// Points of small order (connection.md 2.3): whoever agrees with one of them gets the same key as everybody.
  static let lowOrderPoints: [String] = [
    String(repeating: "0", count: 64),
    "01" + String(repeating: "0", count: 62),
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  ]

  mutating func call(_ name: String, _ values: [Value]) throws(EvaluationFailure) -> Value {
    switch name {
    case "key":
      let bytes: [UInt8] = values.first.map { keyBytes($0.text) } ?? random.bytes(32)
      guard let secret = SecretKey(bytes: bytes) else { throw EvaluationFailure("no key") }
      return .record(["public": .bytes(secret.publicKey.bytes), "secret": .bytes(bytes)])
    case "random": return .bytes(random.bytes(try count(values[0])))
    case "zeros": return .bytes([UInt8](repeating: 0, count: try count(values[0])))
    case "bytes": return .bytes(try Self.bytes(values[0], "the text"))
    case "utf8": return .bytes(Array(values[0].text.utf8))
    case "text": return .text(String(decoding: try Self.bytes(values[0], "the argument"), as: UTF8.self))
    case "hex": return .text(Hex.encode(try Self.bytes(values[0], "the argument")))
    case "upper": return .text(values[0].text.uppercased())
    case "json": return .text(values[0].json.compact)
    case "size":
      switch values[0] {
      case .bytes(let bytes): return .number(Double(bytes.count))
      case .json(.array(let items)): return .number(Double(items.count))
      case let other: return .number(Double(other.text.utf8.count))
      }
    case "repeat": return try repeated(values[0], try count(values[1]))
    case "nested":
      let depth = try count(values[0])
      return .text(String(repeating: "{\"a\":", count: depth) + "1" + String(repeating: "}", count: depth))
    case "min", "max":
      var numbers: [Double] = []
      for value in values { numbers.append(try number(value)) }
      return .number((name == "min" ? numbers.min() : numbers.max()) ?? 0)
    case "contains": return .truth(Self.contains(values[0].text, values[1].text))
    case "not":
      guard case .truth(let truth) = values[0] else { throw EvaluationFailure("not of \(values[0].kind)") }
      return .truth(!truth)
    case "negate", "flip", "xor", "concat", "slice": return .bytes(try bitwise(name, values))
    default: return try crypto(name, values)
    }
  }

  private func number(_ value: Value) throws(EvaluationFailure) -> Double {
    guard case .number(let number) = value else { throw EvaluationFailure("\(value.kind), expected a number") }
    return number
  }

  private func count(_ value: Value) throws(EvaluationFailure) -> Int {
    let number = try number(value)
    guard let count = Int(exactly: number), (0...Self.sizeLimit).contains(count) else {
      throw EvaluationFailure("\(JSONText.number(number)), expected a count")
    }
    return count
  }

  private func repeated(_ value: Value, _ times: Int) throws(EvaluationFailure) -> Value {
    let unit: Int = if case .bytes(let bytes) = value { bytes.count } else { value.text.utf8.count }
    guard unit.multipliedReportingOverflow(by: times).partialValue <= Self.sizeLimit else {
      throw EvaluationFailure("more than \(Self.sizeLimit) bytes")
    }
    guard case .bytes(let bytes) = value else { return .text(String(repeating: value.text, count: times)) }
    return .bytes(Array([[UInt8]](repeating: bytes, count: times).joined()))
  }

  private func bitwise(_ name: String, _ values: [Value]) throws(EvaluationFailure) -> [UInt8] {
    var bytes = try Self.bytes(values[0], "the first argument")
    switch name {
    case "negate": return bytes.map { ~$0 }
    case "flip":
      let bit = try count(values[1])
      guard bit / 8 < bytes.count else { throw EvaluationFailure("no bit \(bit) in \(bytes.count) bytes") }
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      return bytes
    case "xor":
      let other = try Self.bytes(values[1], "the second argument")
      guard other.count == bytes.count else {
        throw EvaluationFailure("xor of \(bytes.count) and \(other.count) bytes")
      }
      return zip(bytes, other).map { $0 ^ $1 }
    case "concat":
      for value in values.dropFirst() { bytes += try Self.bytes(value, "an argument") }
      return bytes
    default:
      let start = try count(values[1])
      let length = try count(values[2])
      guard start <= bytes.count, length <= bytes.count - start else {
        throw EvaluationFailure("no \(length) bytes at \(start) of \(bytes.count)")
      }
      return Array(bytes[start..<start + length])
    }
  }

  private mutating func crypto(_ name: String, _ values: [Value]) throws(EvaluationFailure) -> Value {
    let box = SodiumBox()
    switch name {
    case "seal":
      let shared = try agree(values[1], values[2])
      let nonce = try values.count > 3 ? nonce(values[3]) : random.nonce()
      return .bytes(nonce.bytes + box.seal(try Self.bytes(values[0], "the content"), nonce: nonce, key: shared))
    case "unseal":
      let message = try Self.bytes(values[0], "the box")
      guard message.count >= 24 + boxOverhead, let nonce = Nonce(bytes: message.prefix(24)) else {
        throw EvaluationFailure("\(message.count) bytes are too short for nonce and box", isTargets: true)
      }
      guard let plain = box.open(Array(message.dropFirst(24)), nonce: nonce, key: try agree(values[1], values[2]))
      else {
        throw EvaluationFailure("the box of \(message.count) bytes does not open", isTargets: true)
      }
      return .bytes(plain)
    case "agree": return .bytes(try agree(values[0], values[1]).exposedBytes)
    case "box":
      return .bytes(
        box.seal(try Self.bytes(values[0], "the content"), nonce: try nonce(values[1]), key: try shared(values[2])))
    case "unbox":
      let message = try Self.bytes(values[0], "the box")
      guard let plain = box.open(message, nonce: try nonce(values[1]), key: try shared(values[2])) else {
        throw EvaluationFailure("the box of \(message.count) bytes does not open", isTargets: true)
      }
      return .bytes(plain)
    case "counterNonce": return .bytes(Nonce(counter: UInt64(try count(values[0]))).bytes)
    case "lowOrder":
      let index = try count(values[0])
      guard Self.lowOrderPoints.indices.contains(index) else {
        throw EvaluationFailure("no point of low order \(index)")
      }
      return .bytes(Hex.decode(Self.lowOrderPoints[index]) ?? [])
    case "sha256": return .bytes(SHA256.hash(try Self.bytes(values[0], "the argument")))
    default: throw EvaluationFailure("no function \(name)")
    }
  }

  private func nonce(_ value: Value) throws(EvaluationFailure) -> Nonce {
    guard let nonce = Nonce(bytes: try Self.bytes(value, "the nonce")) else {
      throw EvaluationFailure("a nonce has 24 bytes")
    }
    return nonce
  }

  private func shared(_ value: Value) throws(EvaluationFailure) -> SharedKey {
    guard let key = SharedKey(bytes: try Self.bytes(value, "the key")) else {
      throw EvaluationFailure("a key has 32 bytes")
    }
    return key
  }

  private func agree(_ theirs: Value, _ mine: Value) throws(EvaluationFailure) -> SharedKey {
    guard let theirs = PublicKey(bytes: try Self.bytes(theirs, "the public key")) else {
      throw EvaluationFailure("a public key has 32 bytes", isTargets: true)
    }
    guard let mine = SecretKey(bytes: try Self.bytes(mine, "the secret key")) else {
      throw EvaluationFailure("a secret key has 32 bytes")
    }
    return SodiumBox().agree(theirs: theirs, mine: mine)
  }
}
