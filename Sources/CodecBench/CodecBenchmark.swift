import Cryptobox
public import Microdata
public import WireBytes

/// Measures the codec on documents; prints figures and ratios, asserts nothing.
public struct CodecBenchmark {
  private let codec: MicrodataCodec
  private let rounds: Int
  private let seconds: Double
  private let only: Set<String>

  /// The operations that can be measured.
  public static let operations = [
    "parse", "parseStrict", "tree", "serialise", "serialiseTree", "validate", "hash", "id", "idHash",
  ]

  /// `only` names the operations to measure; empty means all.
  public init(_ codec: MicrodataCodec, rounds: Int = 5, seconds: Double = 0.3, only: Set<String> = []) {
    self.only = only
    self.codec = codec
    self.rounds = rounds
    self.seconds = seconds
  }

  /// One document: MB/s (10^6 bytes of the document) and documents/s of every operation, and what a parse costs in memory.
  public func measure(_ name: String, _ bytes: [UInt8]) throws(MicrodataError) -> JSONValue {
    let document = try codec.parse(bytes)
    let written = try codec.serialise(document)
    try codec.validate(bytes)
    let value = document.value
    let type = document.type ?? ""
    let isVersioned = codec.registry[type]?.isVersioned ?? false
    var sink = 0
    var result = JSONObject([
      "file": .string(name), "bytes": .number(Double(bytes.count)), "type": .string(type.string),
      "identical": .bool(written == bytes),
    ])
    func speed(_ operation: String, _ body: () -> Void) {
      guard only.isEmpty || only.contains(operation) else { return }
      let time = Meter.best(rounds: rounds, seconds: seconds, body)
      result.append(operation, ["MBps": round(Double(bytes.count) / time / 1e6), "perSecond": round(1 / time)])
    }
    speed("parse") { sink &+= (try? codec.parse(bytes))?.overhead ?? 0 }
    speed("parseStrict") { sink &+= (try? codec.parse(bytes, profile: .strict))?.overhead ?? 0 }
    speed("tree") {
      if case .object(let object)? = (try? codec.parse(bytes))?.value { sink &+= object.members.count }
    }
    speed("serialise") { sink &+= (try? codec.serialise(document))?.count ?? 0 }
    speed("serialiseTree") { sink &+= (try? codec.serialise(value))?.count ?? 0 }
    speed("validate") { if (try? codec.validate(bytes)) != nil { sink &+= 1 } }
    speed("hash") { sink &+= SHA256.hash(bytes).count }
    if isVersioned {
      speed("id") { sink &+= (try? codec.extractId(bytes))??.count ?? 0 }
      speed("idHash") { sink &+= SHA256.hash((try? codec.serialise(document, form: .idObject)) ?? []).count }
    }
    var kept: OneDocument?
    let peak = Meter.peak { kept = try? codec.parse(bytes) }
    result.append("parsePeakBytes", .number(Double(peak)))
    result.append("parseOverheadBytes", .number(Double(kept?.overhead ?? 0)))
    result.append("memoryPerInput", round(Double(peak + bytes.count) / Double(bytes.count)))
    if sink == .min { result.append("never", true) }
    return .object(result)
  }

  private func round(_ value: Double) -> JSONValue {
    .number(value >= 100 ? value.rounded() : (value * 100).rounded() / 100)
  }
}
