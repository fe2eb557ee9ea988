import Microdata

/// What a run over one file gave.
public struct VectorReport: Sendable {
  public let name: String
  public let kind: VectorFile.Kind
  public private(set) var passed = 0
  public private(set) var failures: [(id: String, mismatches: [String])] = []
  /// Reason to ids. What such vectors hold beside the JavaScript-only part was checked and is right.
  public private(set) var skipped: [String: [String]] = [:]
  /// Single expectations compared.
  public private(set) var checks = 0

  public var total: Int { passed + failures.count + skippedCount }
  public var skippedCount: Int { skipped.values.reduce(0) { $0 + $1.count } }

  public init(name: String, kind: VectorFile.Kind) {
    self.name = name
    self.kind = kind
  }

  /// Counts one vector with the answers to its questions, in their order.
  public mutating func count(_ vector: Vector, _ answers: [CodecAnswer]) {
    var mismatches: [String] = []
    var unsupported: String?
    for (question, answer) in zip(vector.questions, answers) {
      if case .unsupported(let reason) = answer {
        unsupported = reason
        continue
      }
      checks += question.expectations.count
      mismatches += question.judge(answer)
    }
    if answers.count < vector.questions.count { mismatches.append("only \(answers.count) answers") }
    if !mismatches.isEmpty {
      failures.append((vector.id, mismatches))
    } else if let reason = vector.skipped ?? unsupported {
      skipped[reason, default: []].append(vector.id)
    } else {
      passed += 1
    }
  }

  /// Asks the package's codec everything in a file.
  public static func run(_ file: VectorFile, name: String, _ answerer: CodecAnswerer) -> VectorReport {
    var report = VectorReport(name: name, kind: file.kind)
    for vector in file.vectors { report.count(vector, vector.questions.map { answerer.answer($0.request) }) }
    return report
  }
}
