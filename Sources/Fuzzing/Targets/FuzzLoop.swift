/// Fuzzing without coverage: seeds and what was kept are mutated and checked, in one thread, from one seed.
///
/// It serves the tests and foreign codecs on a pipe; our own codec is fuzzed by libFuzzer, which sees the branches.
public struct FuzzLoop {
  public struct Progress: Sendable {
    public var runs = 0
    public var kept = 0
    public var findings = 0
  }

  private var corpus: [[UInt8]]
  private var mutator: MarkupMutator
  private var random: SplitMix64
  private let limit: Int
  public private(set) var progress = Progress()
  private var signatures = Set<String>()

  public init(seeds: [[UInt8]], recipes: ModelRecipes, seed: UInt64, limit: Int = 600) {
    corpus = seeds.isEmpty ? [[]] : seeds
    mutator = MarkupMutator(recipes: recipes)
    random = SplitMix64(seed: seed)
    self.limit = limit
  }

  /// The next input; the same seed gives the same sequence as long as `keep` is called alike.
  public mutating func next() -> [UInt8] {
    progress.runs += 1
    var bytes = corpus[random.below(corpus.count)]
    mutator.mutate(&bytes, limit: limit, seed: random.next())
    return bytes
  }

  /// Keeps an input whose behaviour (an error code, a shape) was not seen before; the corpus is bounded.
  public mutating func keep(_ bytes: [UInt8], signature: String) {
    guard signatures.count < 4_000, signatures.insert(signature).inserted else { return }
    corpus.append(bytes)
    progress.kept += 1
  }

  /// Runs until something is found or so many inputs were checked.
  public mutating func search(runs: Int, _ check: ([UInt8]) -> Finding?) -> (input: [UInt8], finding: Finding)? {
    for _ in 0..<runs {
      let bytes = next()
      if let finding = check(bytes) {
        progress.findings += 1
        return (bytes, finding)
      }
    }
    return nil
  }
}
