public import Fuzzing
private import Microdata
private import MicrodataVectors
public import Testee
private import WireBytes

/// Fuzzes somebody else's codec on the pipe: the mutators of ours, without coverage; the model says what is right.
///
/// An input is judged only where our codec and the model agree on the answer, so that no fault of ours is put down to
/// the testee.
public final class TesteeFuzz {
  public struct Finding: Sendable {
    public let kind: String
    public let message: String
    public let input: [UInt8]
    public let originalSize: Int
  }

  private let pipe: TesteePipe
  private let context: FuzzContext<OneCodec>
  private var loop: FuzzLoop
  public private(set) var runs = 0
  public private(set) var unsupported = 0
  public private(set) var findings: [Finding] = []

  public init(_ pipe: TesteePipe, _ context: FuzzContext<OneCodec>, seeds: [[UInt8]], seed: UInt64) {
    self.pipe = pipe
    self.context = context
    loop = FuzzLoop(seeds: seeds, recipes: context.recipes, seed: seed)
  }

  /// Asks one batch; the first difference of each kind is minimised on the spot.
  public func batch(_ size: Int = 256) throws(TesteeFailure) {
    var inputs: [[UInt8]] = []
    var expected: [CodecAnswer] = []
    while inputs.count < size {
      let bytes = loop.next()
      guard let answer = expectation(bytes) else { continue }
      inputs.append(bytes)
      expected.append(answer)
      loop.keep(bytes, signature: Self.signature(answer, bytes))
    }
    var suspects: [(input: [UInt8], kind: String, message: String)] = []
    try pipe.ask(inputs.map { Self.request($0) }) { index, outcome in
      runs += 1
      guard let problem = problem(outcome, Self.request(inputs[index]), expected[index]) else { return }
      suspects.append((inputs[index], problem.kind, problem.message))
    }
    for suspect in suspects where !findings.contains(where: { $0.kind == suspect.kind }) {
      findings.append(try minimised(suspect))
    }
  }

  private static func request(_ bytes: [UInt8]) -> JSONObject {
    let form = ModelReader.Form(of: bytes).object
    return PipeFormat.request(.parse(OneText(String(decoding: bytes, as: UTF8.self)), form, .any))
  }

  /// What ours and the model agree on; nil when they do not, or when the bytes are no text.
  private func expectation(_ bytes: [UInt8]) -> CodecAnswer? {
    let text = String(decoding: bytes, as: UTF8.self)
    guard Array(text.utf8) == bytes, context.finding(bytes, .model) == nil else { return nil }
    do throws(MicrodataError) {
      return .value(try context.codec.codec.parse(bytes, form: ModelReader.Form(of: bytes).object).value)
    } catch { return .error(error) }
  }

  private static func signature(_ answer: CodecAnswer, _ bytes: [UInt8]) -> String {
    let type = String(decoding: bytes.drop { $0 != 0x2F }.dropFirst(11).prefix { $0 != 0x22 }.prefix(40), as: UTF8.self)
    if case .error(let error) = answer { return "\(type) \(error.code)" }
    return "\(type) value \(bytes.count / 64)"
  }

  private func problem(
    _ outcome: TesteePipe.Outcome, _ request: JSONObject, _ expected: CodecAnswer
  ) -> (kind: String, message: String)? {
    switch outcome {
    case .fault(let fault): return (fault.kind, fault.description)
    case .answer(let json):
      if let why = PipeFormat.fault(in: json, to: request) { return ("garbage", "\(why): \(json.compact)") }
      guard let answer = PipeFormat.answer(json) else { return ("garbage", json.compact) }
      switch (expected, answer) {
      case (_, .unsupported):
        unsupported += 1
        return nil
      case (.value(let wanted), .value(let value)):
        return value == wanted ? nil : ("value", "expected \(wanted.vector.compact), got \(value.vector.compact)")
      case (.error(let wanted), .error(let error)):
        // Errors of the platform and of our bounds have no code that another codec could know.
        let isOwn = wanted.code.isPlatform || wanted.code.rawValue.hasPrefix("CGM-")
        if isOwn || wanted.code == error.code { return nil }
        return ("code \(wanted.code)", "expected \(wanted.code), got \(error.code)")
      case (.value(let wanted), .error(let error)):
        return ("refuses", "expected \(wanted.vector.compact), got \(error.code) \(error.text)")
      case (.error(let wanted), _): return ("accepts \(wanted.code)", "expected \(wanted.code), got \(json.compact)")
      default: return ("form", "not the form of answer: \(json.compact)")
      }
    }
  }

  private func minimised(_ suspect: (input: [UInt8], kind: String, message: String)) throws(TesteeFailure) -> Finding {
    var message = suspect.message
    var failure: TesteeFailure?
    let isSlow = suspect.kind == "silent"
    let small = Shrinker.markup(suspect.input, attempts: isSlow ? 25 : 600) { [self] candidate in
      guard failure == nil, let expected = expectation(candidate) else { return false }
      do throws(TesteeFailure) {
        let request = Self.request(candidate)
        guard let found = problem(try pipe.ask(request), request, expected), found.kind == suspect.kind else {
          return false
        }
        message = found.message
        return true
      } catch {
        failure = error
        return false
      }
    }
    if let failure { throw failure }
    return Finding(kind: suspect.kind, message: message, input: small, originalSize: suspect.input.count)
  }
}
