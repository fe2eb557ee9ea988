public import Results
import WireBytes

/// A run as one HTML page that needs nothing but itself: filter, ladders, requirement texts, difference to the last run.
///
/// The events stand in the page as NDJSON; the page's own script draws them, and a later run reads them back.
public struct RunHTML: RunReport {
  private let last: [String: String]?
  private var events = ""

  private static let open = "<script type=\"application/x-ndjson\" id=\"events\">"
  private static let close = "</script>"

  /// `last` maps case ids to the verdicts of an earlier run.
  public init(last: [String: String]?) { self.last = last }

  public mutating func take(_ event: RunEvent) -> String {
    events += Self.safe(RunJSON.value(event).compact) + "\n"
    guard case .ended = event else { return "" }
    return page()
  }

  /// Reads the results of an earlier page; nil when the text is none of ours.
  public static func results(_ text: String) -> [(id: String, verdict: Verdict, fault: String?)]? {
    guard let start = range(of: open, in: text[...]), let end = range(of: close, in: text[start.upperBound...]) else {
      return nil
    }
    return RunJSON.results(String(text[start.upperBound..<end.lowerBound]))
  }

  private static func range(of mark: String, in text: Substring) -> Range<Substring.Index>? {
    let units = Array(mark.utf8)
    var index = text.utf8.startIndex
    while index < text.utf8.endIndex {
      if text.utf8[index] == units[0], text.utf8[index...].starts(with: units) {
        return index..<text.utf8.index(index, offsetBy: units.count)
      }
      index = text.utf8.index(after: index)
    }
    return nil
  }

  /// Nothing that a peer sent may end the script element: `<` stands escaped in all JSON texts.
  private static func safe(_ json: String) -> String {
    var out = ""
    for scalar in json.unicodeScalars {
      switch scalar {
      case "<": out += "\\u003c"
      case "\u{2028}": out += "\\u2028"
      case "\u{2029}": out += "\\u2029"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out
  }

  private func page() -> String {
    var object = JSONObject()
    for id in (last ?? [:]).keys.sorted() { object.append(id, .string(last?[id] ?? "")) }
    let lastText = last == nil ? "null" : Self.safe(JSONValue.object(object).compact)
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>chumgate</title>
      <style>
      \(HTMLParts.style)
      </style>
      </head>
      <body>
      <header>
      <div><h1 id="title">chumgate</h1><p id="subtitle"></p></div>
      <div id="verdict"></div>
      </header>
      <section id="tiles"></section>
      <section id="problems"></section>
      <nav>
      <input id="search" type="search" placeholder="Filter: id, title, requirement, tag" aria-label="Filter">
      <span id="chips"></span>
      <label><input type="checkbox" id="changed"> changed since the last run</label>
      <span id="count"></span>
      </nav>
      <main id="groups"></main>
      <footer>The page holds the whole run and needs no network. Keys: / filters, j and k move, Enter opens.</footer>
      \(Self.open)
      \(events)\(Self.close)
      <script type="application/json" id="last">\(lastText)</script>
      <script>
      \(HTMLParts.script)
      </script>
      </body>
      </html>

      """
  }
}
