/// RFC 4180 text: commas, quotes, doubled quotes inside quotes.
public enum CSV {
  /// The rows with the line on which each starts, counted from 1; empty lines are no rows.
  public static func rows(_ text: String) -> [(line: Int, fields: [String])] {
    var rows: [(line: Int, fields: [String])] = []
    var fields: [String] = []
    var field = ""
    var line = 1
    var start = 1
    var quoted = false
    var pending = false
    func isBlank() -> Bool { fields.isEmpty && field.isEmpty }
    for character in text {
      if character.isNewline { line += 1 }
      if quoted {
        if character == "\"" { (quoted, pending) = (false, true) } else { field.append(character) }
        continue
      }
      switch character {
      case "\"":
        if pending { field.append("\"") }
        quoted = true
      case ",":
        fields.append(field)
        field = ""
      case "\n", "\r\n":
        if !isBlank() { rows.append((start, fields + [field])) }
        (fields, field, start) = ([], "", line)
      default: field.append(character)
      }
      pending = false
    }
    if !isBlank() { rows.append((start, fields + [field])) }
    return rows
  }
}
