public import Results

/// A run as one HTML page.
public struct RunHTML: RunReport {
  public init(last: [String: String]?) {}
  public mutating func take(_ event: RunEvent) -> String { "" }
  public static func results(_ text: String) -> [(id: String, verdict: Verdict, fault: String?)]? { nil }
}
