import Foundation
import Microdata
import Testing
import WireBytes

@testable import Fuzzing

@Suite("Hardening that only our codec shows")
struct HardeningTests {
  private func context() throws -> FuzzContext<OneCodec> { try FuzzFiles.context() }

  private func vectors(_ name: String) throws -> [JSONValue] {
    try JSONValue.parse(try Fixtures.bytes("Vectors/microdata-\(name).json"))["vectors"]?.array ?? []
  }

  @Test(arguments: ["invalid", "hostile"])
  func `strict refuses what is written back otherwise (MD-094)`(_ name: String) throws {
    let context = try context()
    var refused = 0
    var wrong: [String] = []
    for vector in try vectors(name) where vector["canonical"] == false {
      guard let input = vector["input"]?.string else { continue }
      do throws(CodecRefusal) {
        try context.codec.validate(Array(input.utf8), vector["api"]?.string == "id" ? .id : .object)
        // The exceptions of 18.10 are read as text and written back as they are.
        if vector["reserialized"]?["error"] == nil { wrong.append(vector["id"]?.string ?? "") }
      } catch { refused += 1 }
    }
    #expect(refused > 100)
    #expect(wrong.isEmpty, "\(wrong.prefix(10))")
  }

  @Test func `where the shortcut gives another ID hash, strict takes that of the values (MD-049)`() throws {
    let codec = try context().codec.codec
    var compared = 0
    for vector in try vectors("invalid") + vectors("hostile")
    where vector["idHashesAgree"] == false && vector["api"]?.string == "object" {
      guard let input = vector["input"]?.string else { continue }
      guard let document = try? codec.parse(Array(input.utf8), profile: .strict) else {
        #expect(throws: MicrodataError.self) { try codec.extractId(Array(input.utf8), profile: .strict) }
        continue
      }
      compared += 1
      let id = try codec.serialise(document, form: .idObject)
      #expect(try codec.extractId(Array(input.utf8), profile: .strict) == id)
    }
    #expect(compared > 3)
  }

  @Test func `number text that the writer would not write is refused in strict (MD-055)`() throws {
    let context = try context()
    for text in ["01", "1.0", " 1", "0x10", "", "+1", "1e0", "-0", "Infinity", "NaN", "1E21", "1."] {
      let bytes = Array("<div itemscope itemtype=\"//refin.io/Lab$Num\"><span itemprop=\"n\">\(text)</span></div>".utf8)
      #expect(throws: CodecRefusal.self, "\(text)") { try context.codec.validate(bytes, .object) }
    }
    for text in ["1", "-1.5", "1e+21", "5e-324", "null"] {
      let bytes = Array("<div itemscope itemtype=\"//refin.io/Lab$Num\"><span itemprop=\"n\">\(text)</span></div>".utf8)
      #expect(throws: Never.self, "\(text)") { try context.codec.validate(bytes, .object) }
    }
  }

  @Test func `a stored ID object is its own ID hash (MD-048)`() throws {
    let codec = try context().codec.codec
    let id = Array(
      "<div data-id-object=\"true\" itemscope itemtype=\"//refin.io/Person\"><span itemprop=\"email\">x</span></div>"
        .utf8)
    #expect(try codec.idObjectBytes(ofStored: id) == id)
    let object = Array("<div itemscope itemtype=\"//refin.io/Person\"><span itemprop=\"email\">x</span></div>".utf8)
    #expect(try codec.idObjectBytes(ofStored: object) == id)
  }

  @Test func `a circle cannot be made of values, a symbol is refused (MD-061)`() throws {
    let codec = try context().codec.codec
    let value: OneValue = ["$type$": "Lab$Json", "j": .array([.symbol("s")])]
    #expect(throws: MicrodataError.self) { try codec.serialise(value) }
  }

  @Test func `parsing leaves nothing behind: as much memory after many objects as before (MD-099)`() throws {
    let codec = try context().codec.codec
    let text =
      "<div itemscope itemtype=\"//refin.io/Lab$Recursive\"><span itemprop=\"name\">x</span><ol itemprop=\"item\"><li><div>"
      + "<span itemprop=\"text\">a</span><ol itemprop=\"item\"><li><div><span itemprop=\"text\">b</span></div></li></ol>"
      + "</div></li></ol></div>"
    let bytes = Array(text.utf8)
    func resident() throws -> Int {
      let pages = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
      return (Int(pages[1]) ?? 0) * 4096
    }
    // Other tests allocate beside this one; a leak of the size that the reference has would show in every round.
    var least = Int.max
    for _ in 0..<8 {
      let before = try resident()
      for _ in 0..<20_000 { _ = try codec.parse(bytes) }
      least = min(least, try resident() - before)
    }
    #expect(least < 20_000 * 100)
  }
}
