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
  /// With libxml2's figures of the same run, the ratios too.
  public func measure(_ name: String, _ bytes: [UInt8], beside libxml: LibXMLFigures? = nil) throws(MicrodataError)
    -> JSONValue
  {
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
    // Pages make the peak of a small document meaningless, and memory that is reused hides what was needed.
    let needed = bytes.count < 1 << 20 ? kept?.overhead ?? 0 : max(peak, kept?.overhead ?? 0)
    result.append("memoryPerInput", round(Double(needed + bytes.count) / Double(bytes.count)))
    if sink == .min { result.append("never", true) }
    if let libxml { result.append("libxml2", figures(libxml)) }
    appendRatios(to: &result, name, libxml)
    return .object(result)
  }

  private func figures(_ libxml: LibXMLFigures) -> JSONValue {
    [
      "htmlSAXMemory": round(libxml.htmlMemory), "htmlSAXPush": round(libxml.htmlPush),
      "htmlDOM": round(libxml.htmlTree),
      "xmlSAX2": round(libxml.xml), "xmlDOM": round(libxml.xmlTree),
    ]
  }

  /// `machine` is how fast this run's machine is beside the one of the recorded figures, by libxml2 on the same bytes;
  /// ratios against the reference are divided by it.
  private func appendRatios(to result: inout JSONObject, _ name: String, _ libxml: LibXMLFigures?) {
    func speed(_ operation: String) -> Double? { result[operation]?["MBps"]?.number }
    var ratios = JSONObject()
    if let libxml {
      if let parse = speed("parse") {
        ratios.append("parseToHTMLSAX", round(parse / max(libxml.htmlMemory, libxml.htmlPush)))
        ratios.append("parseToXMLSAX2", round(parse / libxml.xml))
      }
    }
    if let recorded = ReferenceFigures.byName[name] {
      var machine = 1.0
      if let libxml {
        machine = max(libxml.htmlMemory / recorded.htmlMemory, libxml.htmlPush / recorded.htmlPush)
        ratios.append("machine", round(machine))
      }
      if let parse = speed("parse") {
        ratios.append("parseToReference", round(parse / recorded.parse))
        ratios.append("parseToReferenceOnThisMachine", round(parse / recorded.parse / machine))
      }
      if let serialise = speed("serialise") {
        ratios.append("serialiseToReference", round(serialise / recorded.serialise))
        ratios.append("serialiseToReferenceOnThisMachine", round(serialise / recorded.serialise / machine))
      }
    }
    result.append("ratios", .object(ratios))
  }

  private func round(_ value: Double) -> JSONValue {
    .number(value >= 100 ? value.rounded() : (value * 100).rounded() / 100)
  }
}
