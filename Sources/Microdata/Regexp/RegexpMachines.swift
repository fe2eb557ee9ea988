/// Runs a program as a set of states: one pass over the text, no backtracking.
struct RegexpStates {
  private let program: RegexpProgram
  private var current: [Int] = []
  private var following: [Int] = []
  private var marks: [Int]
  private var stack: [Int] = []
  private var generation = 0
  private var steps = 0

  init(_ program: RegexpProgram) {
    self.program = program
    marks = [Int](repeating: -1, count: program.instructions.count)
  }

  /// Whether the program matches somewhere; nil when the budget of steps is used up.
  consuming func search(_ input: consuming RegexpInput, budget: Int) -> Bool? {
    var before: UInt32?
    var isFirst = true
    var unit = input.next()
    while true {
      if isFirst || !program.isAnchored, close(0, before: before, after: unit) { return true }
      isFirst = false
      guard let taken = unit, !(following.isEmpty && program.isAnchored) else { return false }
      let after = input.next()
      (current, following) = (following, current)
      following.removeAll(keepingCapacity: true)
      generation += 1
      for state in current {
        steps += 1
        if program.takes(program.instructions[state], taken), close(state + 1, before: taken, after: after) {
          return true
        }
      }
      if steps > budget { return nil }
      before = taken
      unit = after
    }
  }

  /// Adds what a state reaches without a character to the next set; true when that is the end of the program.
  private mutating func close(_ start: Int, before: UInt32?, after: UInt32?) -> Bool {
    stack.append(start)
    while let state = stack.popLast() {
      guard marks[state] != generation else { continue }
      marks[state] = generation
      steps += 1
      let instruction = program.instructions[state]
      switch instruction {
      case .accept:
        stack.removeAll(keepingCapacity: true)
        return true
      case .split(let first, let second):
        stack.append(second)
        stack.append(first)
      case .jump(let target): stack.append(target)
      case .save, .clearCaptures, .markPlace, .checkPlace: stack.append(state + 1)
      case .lineStart, .lineEnd, .wordBoundary:
        if program.holds(instruction, before: before, after: after) { stack.append(state + 1) }
      case .character, .any, .set: following.append(state)
      case .backReference, .look: break
      }
    }
    return false
  }
}

/// Runs a program with references or lookaround by backtracking, with its own stack and a budget of steps.
struct RegexpBacktracker {
  private struct Choice {
    let instruction: Int
    let position: Int
    let logHeight: Int
  }

  private let program: RegexpProgram
  private let units: [UInt32]
  private var registers: [Int]
  private var log: [(register: Int, value: Int)] = []
  private var budget: Int

  init(_ program: RegexpProgram, _ units: [UInt32], budget: Int) {
    self.program = program
    self.units = units
    self.budget = budget
    registers = [Int](repeating: -1, count: program.registers)
  }

  /// Whether the program matches somewhere; nil when the budget of steps is used up.
  consuming func search() -> Bool? {
    for start in 0...units.count {
      guard let found = run(0, start, isBackward: false) else { return nil }
      if found { return true }
      if program.isAnchored { return false }
    }
    return false
  }

  private mutating func set(_ register: Int, _ value: Int) {
    log.append((register, registers[register]))
    registers[register] = value
  }

  private mutating func undo(to height: Int) {
    while log.count > height, let entry = log.popLast() { registers[entry.register] = entry.value }
  }

  private mutating func run(_ start: Int, _ from: Int, isBackward: Bool) -> Bool? {
    var choices: [Choice] = [Choice(instruction: start, position: from, logHeight: log.count)]
    while let choice = choices.popLast() {
      undo(to: choice.logHeight)
      var counter = choice.instruction
      var position = choice.position
      attempt: while true {
        budget -= 1
        if budget < 0 { return nil }
        let instruction = program.instructions[counter]
        switch instruction {
        case .accept: return true
        case .character, .any, .set:
          let index = isBackward ? position - 1 : position
          guard index >= 0, index < units.count, program.takes(instruction, units[index]) else { break attempt }
          position = isBackward ? index : index + 1
          counter += 1
        case .split(let first, let second):
          choices.append(Choice(instruction: second, position: position, logHeight: log.count))
          counter = first
        case .jump(let target): counter = target
        case .save(let register), .markPlace(let register):
          set(register, position)
          counter += 1
        case .checkPlace(let register):
          if registers[register] == position { break attempt }
          counter += 1
        case .clearCaptures(let captures):
          for capture in captures {
            set(capture * 2, -1)
            set(capture * 2 + 1, -1)
          }
          counter += 1
        case .lineStart, .lineEnd, .wordBoundary:
          let before = position > 0 ? units[position - 1] : nil
          let after = position < units.count ? units[position] : nil
          guard program.holds(instruction, before: before, after: after) else { break attempt }
          counter += 1
        case .backReference(let capture):
          guard let next = reference(capture, position, isBackward) else { break attempt }
          position = next
          counter += 1
        case .look(let isBehind, let isNegated, let end):
          let height = log.count
          guard let found = run(counter + 1, position, isBackward: isBehind) else { return nil }
          if isNegated || !found { undo(to: height) }
          guard found != isNegated else { break attempt }
          counter = end
        }
      }
    }
    return false
  }

  /// The place behind the referenced text; nil when the text does not stand here.
  private func reference(_ capture: Int, _ position: Int, _ isBackward: Bool) -> Int? {
    let start = registers[capture * 2]
    let end = registers[capture * 2 + 1]
    guard start >= 0, end >= start else { return position }
    let length = end - start
    let from = isBackward ? position - length : position
    guard from >= 0, from + length <= units.count else { return nil }
    for offset in 0..<length {
      let a = units[start + offset]
      let b = units[from + offset]
      guard a == b || program.flags.ignoresCase && RegexpCharacters.folded(a) == RegexpCharacters.folded(b) else {
        return nil
      }
    }
    return isBackward ? from : from + length
  }
}
