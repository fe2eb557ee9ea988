/// The fuzz targets of the codec; each is a libFuzzer program and a set of properties.
public enum FuzzTarget: String, Sendable, CaseIterable {
  case parse
  case roundTrip = "roundtrip"
  case oracle, model, empty

  /// The executable of the package.
  public var product: String {
    switch self {
    case .parse: "FuzzMicrodataParse"
    case .roundTrip: "FuzzMicrodataRoundTrip"
    case .oracle: "FuzzMicrodataOracle"
    case .model: "FuzzMicrodataModel"
    case .empty: "FuzzMicrodataEmpty"
    }
  }

  public var summary: String {
    switch self {
    case .parse: "no trap, bounded errors, strict accepts exactly canonical bytes, profiles agree, linear time"
    case .roundTrip: "parse and serialise are inverse, ID forms, extractId"
    case .oracle: "libxml2's HTML and XML parsers read the tree that the value demands"
    case .model: "the same value or code as the slow model of the specification"
    case .empty: "nothing: the rate of the fuzzer itself"
    }
  }

  /// Those that look for something.
  public static let real: [FuzzTarget] = [.parse, .roundTrip, .oracle, .model]
}

/// What a run of a target needs: the codec, the recipes, the mutator. Used by one thread.
public final class FuzzContext<Codec: CodecUnderTest> {
  public let codec: Codec
  public let recipes: ModelRecipes
  private let parse: ParseProperties<Codec>
  private let roundTrip: RoundTripProperties<Codec>
  private let oracle: OracleProperties<Codec>
  private let model: ModelProperties<Codec>
  private let linear: LinearProperties<Codec>
  /// Runs the costly checks for every input, not for one in some thousands: for replaying and for shrinking.
  public var isThorough = false

  public init(codec: Codec, recipes: ModelRecipes) {
    self.codec = codec
    self.recipes = recipes
    parse = ParseProperties(codec, recipes)
    roundTrip = RoundTripProperties(codec, recipes)
    oracle = OracleProperties(codec, recipes)
    model = ModelProperties(codec, recipes)
    linear = LinearProperties(codec)
  }

  public func check(_ bytes: [UInt8], _ target: FuzzTarget) throws(Finding) {
    switch target {
    case .parse:
      try parse.check(bytes)
      if isThorough || isChosen(bytes, oneIn: 16) { try linear.checkDepth(bytes) }
      if isThorough { try linear.check(bytes) } else if isChosen(bytes, oneIn: 2_048) { try linear.checkOne(bytes) }
    case .roundTrip:
      try roundTrip.check(bytes)
    case .oracle: try oracle.check(bytes)
    case .model:
      // Markup starts with `<`; anything else is a sequence of choices that makes an object.
      if bytes.first == 0x3C { try model.check(bytes) } else { try roundTrip.check(choices: bytes) }
    case .empty: break
    }
  }

  public func finding(_ bytes: [UInt8], _ target: FuzzTarget) -> Finding? {
    do throws(Finding) {
      try check(bytes, target)
      return nil
    } catch { return error }
  }

  /// One input in so many (a power of two), always the same ones.
  private func isChosen(_ bytes: [UInt8], oneIn share: UInt32) -> Bool {
    var hash = UInt32(truncatingIfNeeded: bytes.count) &* 0x9E37_79B1
    for byte in bytes.suffix(24) { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
    return (hash >> 8) & (share - 1) == 0
  }
}
