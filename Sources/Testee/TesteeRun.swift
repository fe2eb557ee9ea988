public import MicrodataVectors
public import WireBytes

/// A misbehaviour of a testee on the pipe, with the request that brought it about.
public struct TesteeFinding: Sendable {
  public let vector: String
  public let fault: TesteeFault
  /// The request's line, without its id.
  public let request: JSONObject
}

/// Asks a testee what the vectors ask, and counts as `check-vectors` counts.
public final class TesteeRun {
  private let pipe: TesteePipe
  public private(set) var findings: [TesteeFinding] = []

  public init(_ pipe: TesteePipe) { self.pipe = pipe }

  /// Runs all questions of the vectors; a fault on the pipe is a finding and a failure of its vector.
  public func run(
    _ vectors: [Vector], name: String, kind: VectorFile.Kind, progress: (Int) -> Void = { _ in }
  ) throws(TesteeFailure) -> VectorReport {
    var report = VectorReport(name: name, kind: kind)
    let requests = vectors.flatMap { $0.questions.map { PipeFormat.request($0.request) } }
    var current = 0
    var answered = 0
    // Up to the first fault: what is missing makes the vector fail, whatever it expects.
    var answers: [CodecAnswer] = []
    var isBroken = false
    func finishVectors() {
      while current < vectors.count, answered == vectors[current].questions.count {
        report.count(vectors[current], answers)
        answers = []
        answered = 0
        isBroken = false
        current += 1
        progress(current)
      }
    }
    finishVectors()
    try pipe.ask(requests) { index, outcome in
      var fault: TesteeFault?
      switch outcome {
      case .answer(let json):
        if let why = PipeFormat.fault(in: json, to: requests[index]) {
          fault = .notAnAnswer("\(why): \(json.compact.prefix(200))")
        } else if let answer = PipeFormat.answer(json) {
          if !isBroken { answers.append(answer) }
        } else {
          fault = .notAnAnswer(String(json.compact.prefix(200)))
        }
      case .fault(let found): fault = found
      }
      if let fault {
        findings.append(TesteeFinding(vector: vectors[current].id, fault: fault, request: requests[index]))
        isBroken = true
      }
      answered += 1
      finishVectors()
    }
    return report
  }
}
