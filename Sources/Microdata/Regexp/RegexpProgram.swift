/// A pattern as instructions for the two machines that run it.
struct RegexpProgram: Sendable {
  enum Instruction: Sendable {
    case character(UInt32)
    case any
    case set(Int)
    /// Tries the first target, then the second.
    case split(Int, Int)
    case jump(Int)
    case save(Int)
    case clearCaptures(Range<Int>)
    case lineStart
    case lineEnd
    case wordBoundary(isNegated: Bool)
    case backReference(Int)
    /// Runs the instructions behind it up to `accept`, then goes on at `end`.
    case look(isBehind: Bool, isNegated: Bool, end: Int)
    /// Remembers the place where an iteration begins; fails an iteration that consumed nothing.
    case markPlace(Int)
    case checkPlace(Int)
    case accept
  }

  private(set) var instructions: [Instruction] = []
  private(set) var sets: [CharacterSet] = []
  private(set) var needsBacktracking = false
  private(set) var registers: Int
  let flags: RegexpFlags
  /// True when a match can only begin at the start of the text.
  let isAnchored: Bool

  private static let limit = 20_000

  init(_ node: RegexpNode, flags: RegexpFlags, captures: Int) throws(MicrodataError) {
    self.flags = flags
    registers = captures * 2
    isAnchored = flags.isSticky || !flags.isMultiline && RegexpProgram.beginsAtStart(node)
    try emit(node, isBackward: false)
    try add(.accept)
  }

  private static func beginsAtStart(_ node: RegexpNode) -> Bool {
    switch node {
    case .lineStart: true
    case .sequence(let terms): terms.first.map(beginsAtStart) ?? false
    case .alternatives(let all): all.allSatisfy(beginsAtStart)
    case .group(let body, _): beginsAtStart(body)
    default: false
    }
  }

  private mutating func add(_ instruction: Instruction) throws(MicrodataError) {
    guard instructions.count < RegexpProgram.limit else {
      throw MicrodataError(.regexpSteps, "the regexp needs more than \(RegexpProgram.limit) instructions")
    }
    instructions.append(instruction)
  }

  /// Lookbehind matches backwards: its sequences are emitted in reverse.
  private mutating func emit(_ node: RegexpNode, isBackward: Bool) throws(MicrodataError) {
    switch node {
    case .empty: break
    case .character(let unit): try add(.character(flags.ignoresCase ? RegexpCharacters.folded(unit) : unit))
    case .any: try add(.any)
    case .set(let set):
      sets.append(set)
      try add(.set(sets.count - 1))
    case .sequence(let terms):
      for term in isBackward ? terms.reversed() : terms { try emit(term, isBackward: isBackward) }
    case .alternatives(let all):
      var jumps: [Int] = []
      for (position, alternative) in all.enumerated() {
        guard position < all.count - 1 else {
          try emit(alternative, isBackward: isBackward)
          break
        }
        let split = instructions.count
        try add(.split(split + 1, 0))
        try emit(alternative, isBackward: isBackward)
        jumps.append(instructions.count)
        try add(.jump(0))
        instructions[split] = .split(split + 1, instructions.count)
      }
      for jump in jumps { instructions[jump] = .jump(instructions.count) }
    case .group(let body, let capture):
      try add(.save(capture * 2 + (isBackward ? 1 : 0)))
      try emit(body, isBackward: isBackward)
      try add(.save(capture * 2 + (isBackward ? 0 : 1)))
    case .backReference(let capture):
      needsBacktracking = true
      try add(.backReference(capture))
    case .lineStart: try add(.lineStart)
    case .lineEnd: try add(.lineEnd)
    case .wordBoundary(let isNegated): try add(.wordBoundary(isNegated: isNegated))
    case .look(let body, let isBehind, let isNegated):
      needsBacktracking = true
      let start = instructions.count
      try add(.look(isBehind: isBehind, isNegated: isNegated, end: 0))
      try emit(body, isBackward: isBehind)
      try add(.accept)
      instructions[start] = .look(isBehind: isBehind, isNegated: isNegated, end: instructions.count)
    case .repetition(let body, let min, let max, let isGreedy, let captures):
      try emitRepetition(body, min, max, isGreedy, captures, isBackward)
    }
  }

  private mutating func emitRepetition(
    _ body: RegexpNode, _ min: Int, _ max: Int?, _ isGreedy: Bool, _ captures: Range<Int>, _ isBackward: Bool
  ) throws(MicrodataError) {
    for _ in 0..<Swift.min(min, RegexpProgram.limit) { try emitIteration(body, captures, isBackward) }
    if let max {
      var splits: [Int] = []
      for _ in min..<Swift.min(max, min + RegexpProgram.limit) {
        splits.append(instructions.count)
        try add(.split(0, 0))
        try emitIteration(body, captures, isBackward)
      }
      let end = instructions.count
      for split in splits { instructions[split] = isGreedy ? .split(split + 1, end) : .split(end, split + 1) }
      return
    }
    let loop = instructions.count
    try add(.split(0, 0))
    let place = registers
    registers += 1
    try add(.markPlace(place))
    try emitIteration(body, captures, isBackward)
    try add(.checkPlace(place))
    try add(.jump(loop))
    let end = instructions.count
    instructions[loop] = isGreedy ? .split(loop + 1, end) : .split(end, loop + 1)
  }

  private mutating func emitIteration(_ body: RegexpNode, _ captures: Range<Int>, _ isBackward: Bool)
    throws(MicrodataError)
  {
    if !captures.isEmpty { try add(.clearCaptures(captures)) }
    try emit(body, isBackward: isBackward)
  }

  /// Does the instruction take this character?
  func takes(_ instruction: Instruction, _ unit: UInt32) -> Bool {
    switch instruction {
    case .character(let wanted): return wanted == (flags.ignoresCase ? RegexpCharacters.folded(unit) : unit)
    case .any: return flags.matchesNewlines || !RegexpCharacters.isLineTerminator(unit)
    case .set(let index):
      let set = sets[index]
      guard flags.ignoresCase else { return set.contains(unit) }
      let folded = RegexpCharacters.folded(unit)
      let plain = CharacterSet(ranges: set.ranges)
      let isIn = plain.contains(unit) || plain.contains(folded) || plain.contains(RegexpCharacters.lower(folded))
      return isIn != set.isNegated
    default: return false
    }
  }

  /// Does the assertion hold between two characters (nil at the ends of the text)?
  func holds(_ instruction: Instruction, before: UInt32?, after: UInt32?) -> Bool {
    switch instruction {
    case .lineStart:
      before.map { flags.isMultiline && RegexpCharacters.isLineTerminator($0) } ?? true
    case .lineEnd:
      after.map { flags.isMultiline && RegexpCharacters.isLineTerminator($0) } ?? true
    case .wordBoundary(let isNegated):
      (RegexpCharacters.isWord(before) != RegexpCharacters.isWord(after)) != isNegated
    default: false
    }
  }
}
