import Scenario
import WireBytes

/// Compares what came with patterns. A mismatch says where and what, so that the report needs nothing else.
extension Evaluator {
  /// Nil when the value fits; otherwise what does not.
  mutating func mismatch(_ value: JSONValue?, _ pattern: Pattern, at path: String = "") throws(EvaluationFailure)
    -> String?
  {
    let place = path.isEmpty ? "" : "\(path): "
    guard let value else {
      if case .absent = pattern { return nil }
      if case .not(let inner) = pattern { return try mismatch(nil, inner) == nil ? "\(place)missing" : nil }
      return "\(place)missing"
    }
    switch pattern {
    case .any: return nil
    case .absent: return "\(place)there, expected none"
    case .equal(let template):
      let wanted = try self.value(template)
      return Value(value).means(wanted) ? nil : "\(place)\(brief(value)), expected \(brief(wanted.json))"
    case .object(let members, let isExact):
      guard case .object(let object) = value else { return "\(place)a \(value.kindName), expected an object" }
      for member in members {
        let inner = path.isEmpty ? member.name : "\(path).\(member.name)"
        if let wrong = try mismatch(object[member.name], member.pattern, at: inner) { return wrong }
      }
      let names = members.map(\.name)
      if isExact, object.names != names {
        return
          "\(place)members \(object.names.joined(separator: ", ")), expected exactly \(names.joined(separator: ", "))"
      }
      return nil
    case .list(let patterns):
      guard case .array(let items) = value, items.count == patterns.count else {
        return "\(place)\(brief(value)), expected a list of \(patterns.count)"
      }
      for (index, pattern) in patterns.enumerated() {
        if let wrong = try mismatch(items[index], pattern, at: "\(path)[\(index)]") { return wrong }
      }
      return nil
    case .hex(let digits):
      guard let text = value.string, Hex.isHex(text), digits.map({ text.utf8.count == $0 }) ?? true else {
        return "\(place)\(brief(value)), expected \(digits.map(String.init) ?? "an even number of") hex digits"
      }
      return nil
    case .kind(let kind): return value.kindName == kind ? nil : "\(place)a \(value.kindName), expected a \(kind)"
    case .integer(let low, let high):
      guard let number = value.integer else { return "\(place)\(brief(value)), expected an integer" }
      if let low, Double(number) < (try self.number(low, "min")) { return "\(place)\(number) is too small" }
      if let high, Double(number) > (try self.number(high, "max")) { return "\(place)\(number) is too large" }
      return nil
    case .oneOf(let patterns):
      for pattern in patterns where try mismatch(value, pattern) == nil { return nil }
      return "\(place)\(brief(value)) is none of \(patterns.count) possibilities"
    case .size(let wanted):
      let size = value.array?.count ?? value.string?.utf8.count ?? value.object?.members.count ?? 0
      let number = try self.number(wanted, "$size")
      return Double(size) == number ? nil : "\(place)size \(size), expected \(JSONText.number(number))"
    case .contains(let template):
      let wanted = try self.value(template)
      if let items = value.array, items.contains(where: { Value($0).means(wanted) }) { return nil }
      if let text = value.string, Self.contains(text, wanted.text) { return nil }
      return "\(place)\(brief(value)) does not contain \(brief(wanted.json))"
    case .not(let inner): return try mismatch(value, inner) == nil ? "\(place)\(brief(value)), which must not be" : nil
    }
  }

  static func contains(_ text: String, _ part: String) -> Bool {
    let units = Array(part.utf8)
    let whole = Array(text.utf8)
    guard !units.isEmpty, whole.count >= units.count else { return units.isEmpty }
    return (0...whole.count - units.count).contains { whole[$0..<$0 + units.count].elementsEqual(units) }
  }

  private func brief(_ value: JSONValue) -> String {
    let text = value.compact
    return text.utf8.count <= 100 ? text : "\(text.prefix(90))… (\(text.utf8.count) bytes)"
  }
}

/// What an expectation asks for, in words for the report.
extension Alternative {
  var phrase: String {
    switch kind {
    case .json(let pattern): "TEXT with JSON \(pattern.phrase)"
    case .text(let pattern): "TEXT \(pattern.phrase)"
    case .binary(let pattern): "BINARY \(pattern.phrase)"
    case .anyMessage: "any message"
    case .head(let pattern): "an HTTP answer \(pattern.phrase)"
    case .pong(let pattern): "a WebSocket pong \(pattern.phrase)"
    case .closed(let close): close.phrase
    case .lost: "the TCP connection to end without a close frame"
    case .open: "the connection to stay open"
    case .nothing: "nothing at all"
    }
  }
}

extension ClosePattern {
  var phrase: String {
    var text =
      codes.isEmpty
      ? "a close" : "a close with " + codes.map { $0 == 1005 ? "no code" : String($0) }.joined(separator: " or ")
    if let reason { text += " and the reason \(reason.phrase)" }
    return text + (allowsLoss ? ", or a lost connection" : "")
  }
}

extension Pattern {
  var phrase: String {
    switch self {
    case .equal(let template): template.phrase
    case .object(let members, let isExact):
      (isExact ? "exactly " : "") + "{" + members.map { "\($0.name): \($0.pattern.phrase)" }.joined(separator: ", ")
        + "}"
    case .list(let items): "[" + items.map(\.phrase).joined(separator: ", ") + "]"
    case .any: "anything"
    case .absent: "absent"
    case .hex(let digits): digits.map { "\($0) hex digits" } ?? "hex digits"
    case .kind(let kind): "a \(kind)"
    case .integer: "an integer"
    case .oneOf(let patterns): patterns.map(\.phrase).joined(separator: " or ")
    case .size: "of a certain size"
    case .contains(let template): "containing \(template.phrase)"
    case .not(let inner): "not \(inner.phrase)"
    }
  }
}

extension Template {
  var phrase: String {
    switch self {
    case .value(let value): value.compact.count > 80 ? value.compact.prefix(80) + "…" : value.compact
    case .formula(let expression): expression.phrase
    case .joined(let parts):
      parts.map {
        if case .formula(let formula) = $0 {
          "${\(formula.phrase)}"
        } else if case .text(let text) = $0 {
          text
        } else {
          ""
        }
      }
      .joined()
    case .list(let items): "[" + items.map(\.phrase).joined(separator: ", ") + "]"
    case .object(let members): "{" + members.map { "\($0.name): \($0.value.phrase)" }.joined(separator: ", ") + "}"
    }
  }
}

extension Expression {
  var phrase: String {
    switch self {
    case .number(let number): JSONText.number(number)
    case .text(let text): "'\(text)'"
    case .truth(let truth): truth ? "true" : "false"
    case .name(let name): name
    case .member(let base, let name): "\(base.phrase).\(name)"
    case .element(let base, let index): "\(base.phrase)[\(index.phrase)]"
    case .call(let name, let arguments): "\(name)(\(arguments.map(\.phrase).joined(separator: ", ")))"
    case .negative(let inner): "-\(inner.phrase)"
    case .binary(let left, let operation, let right): "\(left.phrase) \(operation.rawValue) \(right.phrase)"
    }
  }
}
