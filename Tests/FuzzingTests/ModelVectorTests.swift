import Foundation
import Testing
import WireBytes

@testable import Fuzzing

/// The model judges the codec, so the vectors judge the model first.
@Suite("The model reproduces the reference's vectors")
struct ModelVectorTests {
  let recipes: ModelRecipes

  init() throws {
    recipes = ModelRecipes(json: try JSONValue.parse(try Fixtures.bytes("Vectors/recipes.json")))
  }

  private func vectors(_ name: String) throws -> [JSONValue] {
    try JSONValue.parse(try Fixtures.bytes("Vectors/microdata-\(name).json"))["vectors"]?.array ?? []
  }

  private func outcome(_ body: () throws -> ModelValue) throws -> (value: ModelValue?, code: String?) {
    do { return (try body().ordered, nil) } catch let failure as ModelFailure { return (nil, failure.code) }
  }

  @Test(arguments: ["invalid", "hostile"])
  func `reads or refuses as the reference does`(_ name: String) throws {
    var wrong: [String] = []
    var beyond = 0
    for vector in try vectors(name) {
      let id = vector["id"]?.string ?? "?"
      guard let input = vector["input"].flatMap(ModelEncoding.units) else { continue }
      let expectedTypes = vector["expectedType"].map { $0.array?.compactMap(\.string) ?? [$0.string ?? ""] }
      let found = try outcome {
        try ModelReader.read(
          input, as: vector["api"]?.string == "id" ? .id : .object, expected: expectedTypes, recipes: recipes)
      }
      if found.code == ModelFailure.beyondModel.code {
        beyond += 1
        continue
      }
      let result = vector["result"]
      let code = result?["hang"] != nil ? "hang" : result?["error"]?.string
      if let object = result?["object"].flatMap(ModelEncoding.value) {
        if found.value != object.ordered {
          wrong.append("\(id): \(found.code ?? found.value?.summary ?? "") instead of \(object.summary)")
        }
      } else if found.code != code {
        wrong.append("\(id): \(found.code ?? found.value?.summary ?? "") instead of \(code ?? "nothing")")
      }
    }
    #expect(wrong.isEmpty, "\(wrong.count) wrong: \(wrong.prefix(5).joined(separator: "\n"))")
    #expect(beyond < 10)
  }

  @Test func `writes, and reads what it wrote, as the reference does`() throws {
    var wrong: [String] = []
    var beyond = 0
    for vector in try vectors("valid") {
      let id = vector["id"]?.string ?? "?"
      guard let object = vector["object"].flatMap(ModelEncoding.value),
        let microdata = vector["microdata"].flatMap(ModelEncoding.units)
      else { continue }
      do {
        let written = try ModelWriter.write(object, as: .object, recipes: recipes)
        if written != microdata { wrong.append("\(id): writes \(String(decoding: written, as: UTF16.self))") }
      } catch let failure as ModelFailure {
        if failure == .beyondModel { beyond += 1 } else { wrong.append("\(id): \(failure)") }
      }
      if let idMicrodata = vector["idMicrodata"].flatMap(ModelEncoding.units) {
        let written = try ModelWriter.write(object, as: .id, recipes: recipes)
        if written != idMicrodata { wrong.append("\(id): ID form") }
      }
      let found = try outcome { try ModelReader.read(microdata, as: .object, recipes: recipes) }
      if found.code == ModelFailure.beyondModel.code {
        beyond += 1
        continue
      }
      let parse = vector["parse"]
      if let error = parse?["error"]?.string {
        if found.code != error { wrong.append("\(id): reads \(found.code ?? "a value") instead of \(error)") }
      } else if let expected = parse?["object"].flatMap(ModelEncoding.value) ?? Optional(object) {
        if found.value != expected.ordered { wrong.append("\(id): reads \(found.code ?? found.value?.summary ?? "")") }
      }
    }
    #expect(wrong.isEmpty, "\(wrong.count) wrong: \(wrong.prefix(5).joined(separator: "\n"))")
    #expect(beyond < 20)
  }

  @Test func `refuses to write what the reference refuses`() throws {
    var wrong: [String] = []
    var checked = 0
    var beyond = 0
    for vector in try vectors("serialize-errors") where vector["jsOnlyValue"] != true {
      guard let object = vector["object"].flatMap(ModelEncoding.value) else { continue }
      checked += 1
      let found = try outcome { .string(try ModelWriter.write(object, as: .object, recipes: recipes)) }
      if found.code == ModelFailure.beyondModel.code {
        beyond += 1
        continue
      }
      if found.code != vector["serializeError"]?.string {
        wrong.append(
          "\(vector["id"]?.string ?? ""): \(found.code ?? "writes") instead of \(vector["serializeError"]?.string ?? "")"
        )
      }
    }
    #expect(checked > 250)
    #expect(beyond < 5)
    #expect(wrong.isEmpty, "\(wrong.count) of \(checked) wrong: \(wrong.prefix(8).joined(separator: "\n"))")
  }

  @Test func `numbers and their texts agree both ways`() throws {
    for vector in try vectors("numbers") {
      let value = Double(bitPattern: UInt64(vector["bits"]?.string ?? "", radix: 16) ?? 0)
      #expect((value.isFinite ? ModelNumber.text(value) : "null") == vector["text"]?.string)
    }
    for vector in try vectors("text-to-number") {
      guard let text = vector["text"].flatMap(ModelEncoding.units), let bits = vector["bits"]?.string else { continue }
      let value = ModelNumber.value(text)
      #expect(value.isNaN ? bits == "NaN" : value.bitPattern == UInt64(bits, radix: 16), "\(vector.compact)")
    }
  }

  @Test func `sorted JSON and escaping agree`() throws {
    for vector in try vectors("stringify") {
      guard let value = vector["value"].flatMap(ModelEncoding.value),
        let json = vector["json"].flatMap(ModelEncoding.units)
      else { continue }
      #expect(ModelJSON.text(value) == json, "\(vector["id"]?.string ?? "")")
    }
    for vector in try vectors("escape") {
      guard let raw = vector["raw"].flatMap(ModelEncoding.units) else { continue }
      #expect(ModelText.escape(raw) == vector["escaped"].flatMap(ModelEncoding.units))
      #expect(ModelText.unescape(raw) == vector["unescaped"].flatMap(ModelEncoding.units))
    }
  }
}

enum Fixtures {
  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  static func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: root.appendingPathComponent("Fixtures").appendingPathComponent(name)))
  }
}
