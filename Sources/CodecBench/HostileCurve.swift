public import Microdata
public import WireBytes

/// Documents that hurt: time and memory of each at growing sizes. Linear means that the nanoseconds a byte stay.
public struct HostileCurve {
  private let codec: MicrodataCodec

  public init(_ codec: MicrodataCodec) { self.codec = codec }

  /// The shapes by name.
  public static let shapes = [
    "list-items", "entities", "one-object", "nesting", "nesting-markup", "json-depth", "json-numbers", "unsorted-set",
    "map-keys", "odd-end-tags", "many-opens", "regexp",
  ]

  /// A shape at about `bytes` bytes.
  public static func document(_ shape: String, bytes: Int) -> [UInt8] {
    func wrap(_ type: String, _ content: [UInt8]) -> [UInt8] {
      Array("<div itemscope itemtype=\"//refin.io/\(type)\">".utf8) + content + Array("</div>".utf8)
    }
    func repeated(_ piece: String) -> [UInt8] {
      let unit = Array(piece.utf8)
      var out: [UInt8] = []
      out.reserveCapacity(bytes + unit.count)
      while out.count < bytes { out += unit }
      return out
    }
    func around(_ open: String, _ middle: [UInt8], _ close: String) -> [UInt8] {
      Array(open.utf8) + middle + Array(close.utf8)
    }
    switch shape {
    case "list-items": return wrap("Lab$Arr", around("<ol itemprop=\"s\">", repeated("<li></li>"), "</ol>"))
    case "entities": return wrap("Lab$Str", around("<span itemprop=\"s\">", repeated("&amp;"), "</span>"))
    case "one-object":
      return wrap(
        "Lab$Arr",
        around(
          "<ol itemprop=\"o\">",
          repeated("<li><div><span itemprop=\"x\">value</span><span itemprop=\"y\">12</span></div></li>"),
          "</ol>"))
    case "nesting":
      let level = "<ol itemprop=\"item\"><li><div><span itemprop=\"text\">t</span>"
      let depth = bytes / (level.utf8.count + 16)
      return wrap(
        "Lab$Recursive",
        Array("<span itemprop=\"name\">n</span>".utf8) + Array(String(repeating: level, count: depth).utf8)
          + Array(String(repeating: "</div></li></ol>", count: depth).utf8))
    case "nesting-markup":
      let depth = bytes / 7
      return wrap(
        "Lab$Arr",
        around(
          "<ol itemprop=\"s\"><li>",
          Array(String(repeating: "<b>", count: depth).utf8) + Array(String(repeating: "</b>", count: depth).utf8),
          "</li></ol>"))
    case "json-depth":
      return wrap(
        "Lab$Json",
        around(
          "<span itemprop=\"j\">",
          [UInt8](repeating: 0x5B, count: bytes / 2) + [UInt8](repeating: 0x5D, count: bytes / 2), "</span>"))
    case "json-numbers":
      return wrap("Lab$Json", around("<span itemprop=\"j\">[", repeated("1,").dropLast() + [], "]</span>"))
    case "unsorted-set":
      var out: [UInt8] = []
      var index = bytes / 18
      while out.count < bytes {
        out += Array("<li>\(index)</li>".utf8)
        index -= 1
      }
      return wrap("Lab$Set", around("<ul itemprop=\"s\">", out, "</ul>"))
    case "map-keys":
      var out: [UInt8] = []
      var index = bytes / 27
      while out.count < bytes {
        out += Array("<dt>\(index)</dt><dd></dd>".utf8)
        index -= 1
      }
      return wrap("Lab$Map", around("<dl itemprop=\"ss\">", out, "</dl>"))
    case "odd-end-tags": return wrap("Lab$Arr", around("<ol itemprop=\"s\">", repeated("<li>a</LI>"), "</ol>"))
    case "many-opens": return wrap("Lab$Arr", around("<ol itemprop=\"s\">", repeated("<"), "</ol>"))
    default:
      return wrap(
        "Lab$Regexp",
        around("<span itemprop=\"hex\">01234567</span><span itemprop=\"short\">", repeated("aé"), "</span>"))
    }
  }

  /// Measures one shape at a tenth, a third and the whole of `bytes`.
  public func measure(_ shape: String, bytes: Int) -> JSONValue {
    let points = [bytes / 10, bytes / 3, bytes].map { size -> JSONValue in
      let document = HostileCurve.document(shape, bytes: size)
      var point = JSONObject(["bytes": .number(Double(document.count))])
      for profile in MicrodataProfile.allCases {
        var outcome = "accepted"
        var kept: OneDocument?
        var time = 0.0
        let peak = Meter.peak {
          let start = Meter.now()
          do throws(MicrodataError) { kept = try codec.parse(document, profile: profile) } catch {
            outcome = error.code.rawValue
          }
          time = Meter.now() - start
        }
        point.append(
          profile.rawValue,
          [
            "outcome": .string(outcome), "seconds": number(time),
            "nsPerByte": number(time * 1e9 / Double(document.count)),
            "memoryPerInput": number(Double(peak + document.count) / Double(document.count)),
            "values": .number(Double(kept?.nodeCount ?? 0)),
          ])
      }
      return .object(point)
    }
    return ["shape": .string(shape), "points": .array(points)]
  }

  private func number(_ value: Double) -> JSONValue { .number((value * 10_000).rounded() / 10_000) }
}
