/// The keep-alive layer's texts and times (connection.md 3.4).
public enum KeepAlive {
  public static let pulse = "keepalive"
  /// Milliseconds without a message sent, after which a pulse is due.
  public static let sendAfter = 20_000.0
  /// Milliseconds without a message received, after which the connection is closed.
  public static let giveUpAfter = 25_000.0

  /// A text that starts with the pulse gets an `x` appended, so that it is not taken for one.
  public static func escape(_ text: String) -> String { text.startsInBytes(with: pulse) ? text + "x" : text }

  /// Drops the last character of a text that starts with the pulse; the pulse itself must be taken out before.
  public static func unescape(_ text: String) -> String {
    text.startsInBytes(with: pulse) ? text.droppingLastUnit() : text
  }
}

extension String {
  /// Prefix by bytes: JavaScript compares code units, Swift's own `hasPrefix` would compare characters.
  func startsInBytes(with prefix: String) -> Bool { utf8.starts(with: prefix.utf8) }

  /// The text without its last UTF-16 unit, as JavaScript drops it; half a surrogate pair becomes U+FFFD.
  func droppingLastUnit() -> String {
    guard let last = unicodeScalars.last else { return self }
    let shorter = String(unicodeScalars.dropLast())
    return last.value > 0xFFFF ? shorter + "\u{FFFD}" : shorter
  }
}
