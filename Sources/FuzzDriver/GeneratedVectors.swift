public import Fuzzing
private import Microdata
public import MicrodataVectors

/// Cases made from a seed, with the answers of the model: objects to write and read, and texts to refuse or misread.
///
/// A case is asked only where our codec agrees with the model; what is left out is counted.
public struct GeneratedVectors {
  public private(set) var vectors: [Vector] = []
  /// Cases that the model does not judge, or on which it and our codec differ.
  public private(set) var leftOut = 0

  private let context: FuzzContext<OneCodec>

  public init(_ context: FuzzContext<OneCodec>, count: Int, seed: UInt64, seeds: [[UInt8]]) {
    self.context = context
    var loop = FuzzLoop(seeds: seeds, recipes: context.recipes, seed: seed)
    var random = SplitMix64(seed: seed &+ 1)
    for index in 0..<count {
      let made = index % 2 == 0 ? object(random.next()) : text(loop.next())
      guard let questions = made else {
        leftOut += 1
        continue
      }
      vectors.append(Vector(generated: "gen-\(seed)-\(index)", questions))
    }
  }

  /// An object: its text, its ID form, and what comes back.
  private func object(_ seed: UInt64) -> [VectorQuestion]? {
    var choices = Choices(seed: seed, limit: 800)
    var generator = ObjectGenerator(context.recipes)
    guard let object = generator.object(&choices) else { return nil }
    let value = OneValue(object)
    var questions: [VectorQuestion] = []
    for form in [ModelReader.Form.object, .id] {
      do {
        let text = OneText(utf16: try ModelWriter.write(object, as: form, recipes: context.recipes))
        guard (try? context.codec.codec.text(value, form: form.object)) == text else { return nil }
        questions.append(VectorQuestion(asking: .serialise(value, form.object), [("text", .text(text))]))
        if let back = read(text.utf16, form) { questions.append(back) }
      } catch let failure as ModelFailure where failure != .beyondModel {
        questions.append(VectorQuestion(asking: .serialise(value, form.object), [("error", .error(failure.code))]))
      } catch { return nil }
    }
    return questions
  }

  private func text(_ bytes: [UInt8]) -> [VectorQuestion]? {
    guard context.finding(bytes, .model) == nil else { return nil }
    let units = Array(String(decoding: bytes, as: UTF8.self).utf16)
    return read(units, ModelReader.Form(of: bytes)).map { [$0] }
  }

  private func read(_ units: [UInt16], _ form: ModelReader.Form) -> VectorQuestion? {
    let request = CodecRequest.parse(OneText(utf16: units), form.object, .any)
    do {
      let value = OneValue(try ModelReader.read(units, as: form, recipes: context.recipes))
      guard (try? context.codec.codec.parse(OneText(utf16: units), form: form.object))?.value == value else {
        return nil
      }
      return VectorQuestion(asking: request, [("value", .value(value))])
    } catch let failure as ModelFailure {
      if failure == .beyondModel { return nil }
      return VectorQuestion(asking: request, [("error", failure == .hang ? .codedError : .error(failure.code))])
    } catch { return nil }
  }
}
