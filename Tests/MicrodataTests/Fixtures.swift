import Foundation
import Microdata
import MicrodataVectors
import Testing
import WireBytes

/// What the tests read from the project's Fixtures.
enum Fixture {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Fixtures")

  static func bytes(_ path: String) throws -> [UInt8] {
    try [UInt8](Data(contentsOf: root.appendingPathComponent(path)))
  }

  /// The codec of all recipes, the laboratory's among them.
  static let codec: Result<MicrodataCodec, any Error> = Result {
    try MicrodataCodec(RecipeRegistry(recipesFile: try bytes("Vectors/recipes.json")))
  }

  static func vectors(_ kind: VectorFile.Kind) throws -> JSONValue {
    try JSONValue.parse(try bytes("Vectors/microdata-\(kind.rawValue).json"), limits: JSONLimits(depth: 600))
  }

  /// The texts of all vectors that bytes can hold: valid objects and ID objects, invalid and hostile inputs.
  static func texts() throws -> [(text: OneText, form: ObjectForm)] {
    var texts: [(OneText, ObjectForm)] = []
    for vector in try vectors(.valid)["vectors"]?.array ?? [] {
      if let text = vector["microdata"] { texts.append((try OneValue.text(text), .object)) }
      if let text = vector["idMicrodata"] { texts.append((try OneValue.text(text), .idObject)) }
    }
    for kind in [VectorFile.Kind.invalid, .hostile] {
      for vector in try vectors(kind)["vectors"]?.array ?? [] {
        guard let text = vector["input"] else { continue }
        texts.append((try OneValue.text(text), vector["api"]?.string == "id" ? .idObject : .object))
      }
    }
    return texts.filter { !$0.0.hasLoneSurrogate }
  }
}

/// Randomness as an argument: the same seed gives the same tests.
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}

/// Changes markup in the ways that matter to its readers.
enum Mutator {
  static func mutate(_ bytes: [UInt8], _ random: inout SplitMix64) -> [UInt8] {
    var bytes = bytes
    for _ in 0...Int.random(in: 0..<2, using: &random) {
      guard !bytes.isEmpty else { return bytes }
      let place = Int.random(in: 0..<bytes.count, using: &random)
      let end = min(place + Int.random(in: 0..<12, using: &random), bytes.count)
      switch Int.random(in: 0..<8, using: &random) {
      case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<7, using: &random)
      case 1: bytes.remove(at: place)
      case 2: bytes.insert(contentsOf: pieces.randomElement(using: &random).map { Array($0.utf8) } ?? [], at: place)
      case 3: bytes.insert(contentsOf: bytes[place..<end], at: place)
      case 4: bytes.removeSubrange(place..<end)
      case 5: bytes.removeLast(bytes.count - place)
      case 6:
        // Swaps two elements of equal kind, the way to unsorted lists and reordered members.
        let tags = bytes.indices.dropLast(4).filter { bytes[$0] == 0x3C && bytes[$0 + 1] != 0x2F }
        if let a = tags.randomElement(using: &random), let b = tags.randomElement(using: &random), a < b {
          bytes = Array(bytes[..<a] + bytes[b...] + bytes[a..<b])
        }
      default: bytes[place] = [0x3C, 0x3E, 0x26, 0x2F, 0x22, 0x20, 0x30, 0x61].randomElement(using: &random) ?? 0
      }
    }
    // What is read as bytes must be UTF-8, or both readers would see repaired text.
    return Array(String(decoding: bytes, as: UTF8.self).utf8)
  }

  private static let pieces = [
    "<li>", "</li>", "<span itemprop=\"", "</span>", "</div>", "<div>", "<ul>", "</ul>", "&amp;", "&lt;", "&", ">",
    "<dt>", "</dt>", "<dd>", "</dd>", "é", "😀", "\u{E000}", "0", "-0", "1.0", "null", "true", "[]", "{\"a\":1}", "<a ",
    "</a>", " ", "\n",
  ]
}
