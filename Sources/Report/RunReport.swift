public import Results

/// A report that is written while a run goes on: each event gives the text that it adds, often none.
public protocol RunReport {
  mutating func take(_ event: RunEvent) -> String
}

/// Several events at once, for runs that are already over.
extension RunReport {
  public mutating func whole(_ events: [RunEvent]) -> String { events.map { take($0) }.joined() }
}

extension Verdict {
  /// The word in front of a line, of equal width.
  func label(_ palette: Palette) -> String {
    let word = rawValue.padded(to: 13)
    return switch self {
    case .pass: palette.green(word)
    case .fail, .error: palette.red(word)
    case .flaky, .nonStrict: palette.yellow(word)
    case .informational, .unsupported, .skipped: palette.dim(word)
    }
  }
}

extension String {
  func padded(to width: Int) -> String { count >= width ? self : self + String(repeating: " ", count: width - count) }
}

enum Duration {
  static func text(_ milliseconds: Double) -> String {
    if milliseconds < 1_000 { return "\(Int(milliseconds.rounded())) ms" }
    return "\((milliseconds / 10).rounded() / 100) s"
  }
}
