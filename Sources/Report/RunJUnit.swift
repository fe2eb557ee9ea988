public import Results
import WireBytes

/// A run as JUnit XML: one suite a group, one test case a case; written at the end, since suites carry their counts.
public struct RunJUnit: RunReport {
  private var name = ""
  private var suites = ""
  private var group: GroupInfo?
  private var results: [CaseResult] = []
  private var tests = 0
  private var failures = 0
  private var errors = 0

  public init() {}

  public mutating func take(_ event: RunEvent) -> String {
    switch event {
    case .started(let info): name = "chumgate \(info.subject): \(info.target), profile \(info.profile)"
    case .groupStarted(let info):
      group = info
      results = []
    case .result(let result): results.append(result)
    case .groupEnded(let summary): suites += suite(summary)
    case .ended(let summary): return document(summary)
    }
    return ""
  }

  private mutating func suite(_ summary: GroupSummary) -> String {
    let isFailure: (CaseResult) -> Bool = { $0.verdict == .fail && $0.expected == nil || $0.verdict == .flaky }
    let isError: (CaseResult) -> Bool = { $0.verdict == .error && $0.expected == nil }
    let isSkipped: (CaseResult) -> Bool = { !$0.verdict.hasRun || $0.expected != nil }
    var all = results.count
    var bad = results.count(where: isError)
    var cases = results.map { testCase($0, isFailure($0), isError($0), isSkipped($0)) }.joined()
    if let error = summary.error {
      all += 1
      bad += 1
      cases +=
        "    <testcase classname=\"\(escape(summary.name))\" name=\"sanity exchange\"><error message=\"\(escape(error))\"/></testcase>\n"
    }
    tests += all
    failures += results.count(where: isFailure)
    errors += bad
    return
      "  <testsuite name=\"\(escape(summary.name))\" tests=\"\(all)\" failures=\"\(results.count(where: isFailure))\" "
      + "errors=\"\(bad)\" skipped=\"\(results.count(where: isSkipped))\" time=\"\(seconds(summary.time))\">\n\(cases)  </testsuite>\n"
  }

  private func testCase(_ result: CaseResult, _ isFailure: Bool, _ isError: Bool, _ isSkipped: Bool) -> String {
    var text =
      "    <testcase classname=\"\(escape(result.group))\" name=\"\(escape(result.id)): \(escape(result.title))\" "
    if !result.place.isEmpty { text += "file=\"\(escape(result.place))\" " }
    text += "time=\"\(seconds(result.time))\">"
    let detail = escape(detail(result))
    if isSkipped {
      text += "<skipped message=\"\(escape(result.expected ?? result.note ?? result.verdict.rawValue))\"/>"
    } else if isError {
      text += "<error message=\"\(escape(result.faults.first ?? "error"))\">\(detail)</error>"
    } else if isFailure {
      text += "<failure message=\"\(escape(result.faults.first ?? result.note ?? "failure"))\">\(detail)</failure>"
    } else if result.verdict != .pass {
      text += "<system-out>\(escape(result.verdict.rawValue)): \(detail)</system-out>"
    }
    return text + "</testcase>\n"
  }

  private func detail(_ result: CaseResult) -> String {
    var lines = result.faults
    lines += result.requirements.map { "\($0.id) (\($0.level), \($0.source)): \($0.text)" }
    lines += result.log.suffix(60).map { "\(JSONText.number($0.time)) ms \($0.actor) \($0.direction) \($0.text)" }
    return (lines + ["again: \(result.repeatCommand)"]).joined(separator: "\n")
  }

  private func document(_ summary: RunSummary) -> String {
    var suites = suites
    var failures = failures
    var tests = tests
    if !summary.stale.isEmpty {
      tests += summary.stale.count
      failures += summary.stale.count
      suites +=
        "  <testsuite name=\"expectations\" tests=\"\(summary.stale.count)\" failures=\"\(summary.stale.count)\" errors=\"0\">\n"
      for entry in summary.stale {
        suites += "    <testcase classname=\"expectations\" name=\"\(escape(entry.id))\">"
        suites += "<failure message=\"\(escape("\(entry.place): \(entry.reason.rawValue)"))\"/></testcase>\n"
      }
      suites += "  </testsuite>\n"
    }
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"\(escape(name))\" tests=\"\(tests)\" "
      + "failures=\"\(failures)\" errors=\"\(errors)\" time=\"\(seconds(summary.time))\">\n\(suites)</testsuites>\n"
  }

  private func seconds(_ milliseconds: Double) -> String { JSONText.number((milliseconds).rounded() / 1_000) }
  private func escape(_ text: String) -> String { JUnitReport.escape(text) }
}
