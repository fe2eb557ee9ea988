/// A backtracking matcher for the part of ECMAScript's regular expressions that recipes use.
///
/// Literals, `.`, classes, groups, alternatives, `? * + {n,m}`, `^`, `$`, the class escapes, flags `i` and `m`. Anything
/// else makes the model stand aside (`nil`), and so does a match that takes more than a bounded number of steps.
struct ModelPattern {
  private indirect enum Node {
    case unit(UInt16)
    case any
    case units([ClosedRange<UInt16>], negated: Bool)
    case start, end
    case sequence([Node])
    case alternatives([Node])
    case times(Node, Int, Int)
  }

  private let root: Node
  private let ignoresCase: Bool
  private let isMultiline: Bool

  init?(source: String, flags: String) {
    guard flags.allSatisfy({ "img".contains($0) }) else { return nil }
    var parser = Parser(units: Array(source.utf16))
    guard let root = parser.alternatives(), parser.index == parser.units.count else { return nil }
    self.root = root
    ignoresCase = flags.contains("i")
    isMultiline = flags.contains("m")
  }

  /// Counts the steps of one match, which backtracking could make exponential.
  private final class Budget {
    var steps = 0
    func spend() -> Bool {
      steps += 1
      return steps <= 100_000
    }
  }

  /// True when the pattern matches anywhere; nil when that would take too long to tell.
  func matches(_ text: [UInt16]) -> Bool? {
    let budget = Budget()
    for start in 0...text.count {
      if run(root, text, start, budget, { _ in true }) { return true }
      if budget.steps > 100_000 { return nil }
    }
    return false
  }

  private func run(_ node: Node, _ text: [UInt16], _ at: Int, _ budget: Budget, _ next: (Int) -> Bool) -> Bool {
    guard budget.spend() else { return false }
    switch node {
    case .unit(let unit): return at < text.count && fold(text[at]) == fold(unit) && next(at + 1)
    case .any: return at < text.count && !isLineEnd(text[at]) && next(at + 1)
    case .units(let ranges, let negated):
      guard at < text.count else { return false }
      let unit = text[at]
      var hit = ranges.contains { $0.contains(unit) }
      if ignoresCase, !hit { hit = ranges.contains { $0.contains(swapCase(unit)) } }
      return hit != negated && next(at + 1)
    case .start: return (at == 0 || (isMultiline && isLineEnd(text[at - 1]))) && next(at)
    case .end: return (at == text.count || (isMultiline && isLineEnd(text[at]))) && next(at)
    case .sequence(let nodes): return runAll(nodes[...], text, at, budget, next)
    case .alternatives(let nodes): return nodes.contains { run($0, text, at, budget, next) }
    case .times(let node, let least, let most): return runTimes(node, least, most, text, at, budget, next)
    }
  }

  private func runAll(
    _ nodes: ArraySlice<Node>, _ text: [UInt16], _ at: Int, _ budget: Budget, _ next: (Int) -> Bool
  ) -> Bool {
    guard let first = nodes.first else { return next(at) }
    return run(first, text, at, budget) { runAll(nodes.dropFirst(), text, $0, budget, next) }
  }

  private func runTimes(
    _ node: Node, _ least: Int, _ most: Int, _ text: [UInt16], _ at: Int, _ budget: Budget, _ next: (Int) -> Bool
  ) -> Bool {
    guard budget.spend() else { return false }
    if most > 0 {
      let found = run(node, text, at, budget) { position in
        // An empty round of an optional repetition ends it, as ECMAScript says.
        (position > at || least > 0) && runTimes(node, max(0, least - 1), most - 1, text, position, budget, next)
      }
      if found { return true }
    }
    return least == 0 && next(at)
  }

  /// A text that the pattern was made for; anchors inside it may still refuse it.
  func sample(_ choices: inout Choices) -> [UInt16] {
    var out: [UInt16] = []
    sample(root, &choices, &out)
    return out
  }

  private func sample(_ node: Node, _ choices: inout Choices, _ out: inout [UInt16]) {
    guard out.count < 200 else { return }
    switch node {
    case .unit(let unit): out.append(unit)
    case .any: out.append(choices.pick(Array("a1&<é".utf16)))
    case .units(let ranges, let negated):
      guard let range = ranges.isEmpty ? nil : ranges[choices.below(ranges.count)], !negated else {
        out.append(0x78)
        return
      }
      out.append(range.lowerBound + UInt16(choices.below(Int(range.upperBound - range.lowerBound) + 1)))
    case .start, .end: break
    case .sequence(let nodes): for node in nodes { sample(node, &choices, &out) }
    case .alternatives(let nodes): sample(nodes[choices.below(nodes.count)], &choices, &out)
    case .times(let node, let least, let most):
      for _ in 0..<least + choices.below(min(4, most - least + 1)) { sample(node, &choices, &out) }
    }
  }

  private func fold(_ unit: UInt16) -> UInt16 { ignoresCase && (0x61...0x7A).contains(unit) ? unit - 0x20 : unit }

  private func swapCase(_ unit: UInt16) -> UInt16 {
    (0x61...0x7A).contains(unit) ? unit - 0x20 : (0x41...0x5A).contains(unit) ? unit + 0x20 : unit
  }

  private func isLineEnd(_ unit: UInt16) -> Bool { [0x0A, 0x0D, 0x2028, 0x2029].contains(unit) }

  private struct Parser {
    let units: [UInt16]
    var index = 0

    private func peek() -> UInt16? { index < units.count ? units[index] : nil }

    private mutating func take(_ character: Character) -> Bool {
      guard peek() == character.utf16.first else { return false }
      index += 1
      return true
    }

    mutating func alternatives() -> Node? {
      var options: [Node] = []
      repeat {
        var items: [Node] = []
        while let unit = peek(), unit != 0x7C, unit != 0x29 {
          guard let item = item() else { return nil }
          items.append(item)
        }
        options.append(.sequence(items))
      } while take("|")
      return .alternatives(options)
    }

    private mutating func item() -> Node? {
      guard let atom = atom() else { return nil }
      var range: (Int, Int)?
      if take("?") {
        range = (0, 1)
      } else if take("*") {
        range = (0, 1 << 20)
      } else if take("+") {
        range = (1, 1 << 20)
      } else if take("{") {
        guard let least = number() else { return nil }
        range = (least, least)
        if take(",") { range = (least, number() ?? 1 << 20) }
        guard take("}") else { return nil }
      }
      guard let range else { return atom }
      return take("?") ? nil : .times(atom, range.0, range.1)
    }

    private mutating func number() -> Int? {
      var value: Int?
      while let unit = peek(), (0x30...0x39).contains(unit), (value ?? 0) < 10_000 {
        value = (value ?? 0) * 10 + Int(unit - 0x30)
        index += 1
      }
      return value
    }

    private mutating func atom() -> Node? {
      guard let unit = peek() else { return nil }
      index += 1
      switch unit {
      case 0x5E: return .start
      case 0x24: return .end
      case 0x2E: return .any
      case 0x28:
        if take("?") { guard take(":") else { return nil } }
        guard let inner = alternatives(), take(")") else { return nil }
        return inner
      case 0x5B: return characterClass()
      case 0x5C: return escape()
      case 0x2A, 0x2B, 0x3F, 0x7B, 0x7D, 0x5D, 0x29: return nil
      default: return .unit(unit)
      }
    }

    private mutating func escape() -> Node? {
      guard let unit = peek() else { return nil }
      index += 1
      switch unit {
      case 0x64: return .units([0x30...0x39], negated: false)
      case 0x44: return .units([0x30...0x39], negated: true)
      case 0x77: return .units([0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F...0x5F], negated: false)
      case 0x6E: return .unit(0x0A)
      case 0x72: return .unit(0x0D)
      case 0x74: return .unit(0x09)
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: return nil
      default: return .unit(unit)
      }
    }

    private mutating func characterClass() -> Node? {
      let negated = take("^")
      var ranges: [ClosedRange<UInt16>] = []
      while let unit = peek(), unit != 0x5D {
        guard let low = classUnit() else { return nil }
        if index + 1 < units.count, units[index] == 0x2D, units[index + 1] != 0x5D {
          index += 1
          guard let high = classUnit(), low <= high else { return nil }
          ranges.append(low...high)
        } else {
          ranges.append(low...low)
        }
      }
      return take("]") ? .units(ranges, negated: negated) : nil
    }

    private mutating func classUnit() -> UInt16? {
      guard let unit = peek() else { return nil }
      index += 1
      guard unit == 0x5C else { return unit }
      guard let escaped = peek(), !(0x61...0x7A).contains(escaped), !(0x30...0x5A).contains(escaped) else { return nil }
      index += 1
      return escaped
    }
  }
}
