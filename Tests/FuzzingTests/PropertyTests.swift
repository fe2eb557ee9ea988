import Microdata
import Testing
import WireBytes

@testable import Fuzzing

/// Every property must be quiet on a right codec and speak up on a wrong one.
@Suite("Properties fire on planted faults")
struct PropertyTests {
  let recipes: ModelRecipes
  let seeds: [[UInt8]]

  init() throws {
    recipes = ModelRecipes(json: try JSONValue.parse(try Fixtures.bytes("Vectors/recipes.json")))
    let vectors = try JSONValue.parse(try Fixtures.bytes("Vectors/microdata-valid.json"))["vectors"]?.array ?? []
    seeds = vectors.compactMap { $0["microdata"]?.string.map { Array($0.utf8) } }.filter { $0.count < 400 }
  }

  private func search(
    _ fault: ModelCodec.Fault?, _ targets: [FuzzTarget], runs: Int = 6_000
  ) -> (input: [UInt8], finding: Finding)? {
    var codec = ModelCodec(recipes)
    codec.fault = fault
    let context = FuzzContext(codec: codec, recipes: recipes)
    for target in targets {
      var loop = FuzzLoop(seeds: seeds, recipes: recipes, seed: 1)
      if let found = loop.search(runs: runs, { context.finding($0, target) }) { return found }
    }
    return nil
  }

  @Test(arguments: FuzzTarget.real)
  func `the model itself breaks no property`(_ target: FuzzTarget) {
    let found = search(nil, [target], runs: 700)
    #expect(
      found == nil, "\(found?.finding.description ?? "") for \(String(decoding: found?.input ?? [], as: UTF8.self))")
  }

  @Test(arguments: [
    (ModelCodec.Fault.entityOrder, FuzzTarget.model), (.entityOrder, .oracle), (.endTagUnchecked, .parse),
    (.wrongSortKey, .model), (.setUnsorted, .model), (.trailingAccepted, .model), (.longMessage, .parse),
    (.idFormAccepted, .roundTrip), (.numberUnchecked, .parse), (.normalises, .model),
  ])
  func `a planted fault is found`(_ fault: ModelCodec.Fault, _ target: FuzzTarget) {
    // The mutators' own texts hold what these faults need; only the misspelt tag is put among the seeds.
    var codec = ModelCodec(recipes)
    codec.fault = fault
    let context = FuzzContext(codec: codec, recipes: recipes)
    var loop = FuzzLoop(seeds: extraSeeds + seeds, recipes: recipes, seed: 3)
    let direct = extraSeeds.lazy.compactMap { seed in context.finding(seed, target).map { (input: seed, finding: $0) } }
      .first
    let found = direct ?? choicesSearch(context, target) ?? loop.search(runs: 5_000) { context.finding($0, target) }
    #expect(found != nil)
    guard let found else { return }
    let small = Shrinker.markup(found.input, attempts: 400) {
      context.finding($0, target)?.property == found.finding.property
    }
    #expect(small.count <= found.input.count)
    #expect(context.finding(small, target)?.property == found.finding.property)
  }

  private var extraSeeds: [[UInt8]] {
    [
      "<div itemscope itemtype=\"//refin.io/Lab$Str\"><span itemprop=\"s\">x</spam></div>",
      "<div itemscope itemtype=\"//refin.io/Lab$Str\"><span itemprop=\"s\">&amp;lt;</span></div>",
      "<div itemscope itemtype=\"//refin.io/Lab$Str\"><span itemprop=\"s\">e\u{301}</span></div>",
      "<div itemscope itemtype=\"//refin.io/Lab$Str\"><span itemprop=\"s\">x</span></div>\n",
      "<div data-id-object=\"true\" itemscope itemtype=\"//refin.io/Lab$IdOnly\"><span itemprop=\"id\">x</span></div>",
    ].map { Array($0.utf8) }
  }

  private func choicesSearch(
    _ context: FuzzContext<ModelCodec>, _ target: FuzzTarget
  ) -> (input: [UInt8], finding: Finding)? {
    guard target == .model else { return nil }
    for seed in 0..<1_500 {
      var choices = Choices(seed: UInt64(seed), limit: 300)
      var generator = ObjectGenerator(recipes)
      _ = generator.object(&choices)
      let bytes = choices.consumed
      guard bytes.first != 0x3C else { continue }
      if let finding = context.finding(bytes, target) { return (bytes, finding) }
    }
    return nil
  }

  @Test func `a part that nests in itself reaches the bound of depth, and a reader without one is found`() throws {
    let seed = Array(
      ("<div itemscope itemtype=\"//refin.io/Lab$Recursive\"><span itemprop=\"name\">a</span><ol itemprop=\"item\">"
        + "<li><div><span itemprop=\"text\">1</span><ol itemprop=\"item\"><li><div><span itemprop=\"text\">2</span>"
        + "</div></li></ol></div></li></ol></div>").utf8)
    let long = try #require(LinearProperties<OneCodec>.amplify(seed, .nestAlike, to: 40_000))
    let context = try FuzzFiles.context()
    #expect(throws: CodecRefusal.self) { try context.codec.parse(long, .object, .deployed) }
    #expect(throws: Never.self) { try LinearProperties(context.codec).checkDepth(seed) }
    let unbounded = OneCodec(context.codec.codec, limits: MicrodataLimits(depth: 100_000))
    #expect(throws: Finding.self) { try LinearProperties(unbounded).checkDepth(seed) }
  }

  @Test func `quadratic time is found, linear time is not`() {
    let seed = Array(
      "<div itemscope itemtype=\"//refin.io/Lab$Bag\"><ul itemprop=\"s\"><li>a</li><li>b</li></ul></div>".utf8)
    let linear = LinearProperties(LinearScan(isQuadratic: false))
    #expect(throws: Never.self) { try linear.check(seed) }
    let quadratic = LinearProperties(LinearScan(isQuadratic: true))
    #expect(throws: Finding.self) { try quadratic.check(seed) }
  }
}

/// A codec that only scans, once or once for each byte.
private struct LinearScan: CodecUnderTest {
  let isQuadratic: Bool

  func parse(_ bytes: [UInt8], _ form: ModelReader.Form, _ profile: CodecProfile) throws(CodecRefusal) -> Int {
    var count = 0
    for start in stride(from: 0, to: isQuadratic ? bytes.count : 1, by: 64) {
      for index in start..<bytes.count where bytes[index] == 0x3C { count += 1 }
    }
    return count
  }

  func serialise(_ value: Int, _ form: ModelReader.Form, _ profile: CodecProfile) throws(CodecRefusal) -> [UInt8] { [] }
  func validate(_ bytes: [UInt8], _ form: ModelReader.Form) throws(CodecRefusal) {}
  func extractId(_ bytes: [UInt8]) throws(CodecRefusal) -> [UInt8]? { nil }
  func model(_ value: Int) -> ModelValue { .null }
  func value(_ model: ModelValue) -> Int { 0 }
}
