import WireBytes

/// Turns the steps of a file into steps of the engine; short forms become several.
struct StepReader {
  /// Actors that steps so far have opened; a step about another one is an error of the file.
  private(set) var actors: Set<String> = ["target"]
  /// True once a step spoke to or heard of the target itself.
  private(set) var usesTarget = false
  private var depth = 0

  mutating func read(_ trees: [Tree]) throws(ScenarioFailure) -> [Step] {
    depth += 1
    defer { depth -= 1 }
    var steps: [Step] = []
    for tree in trees {
      guard depth < 12 else {
        throw ScenarioFailure(tree.place, expected: "steps nested at most 12 deep", found: "more")
      }
      steps += try read(tree)
    }
    return steps
  }

  private mutating func read(_ tree: Tree) throws(ScenarioFailure) -> [Step] {
    guard case .map(let members, let place) = tree, members.count == 1 else {
      throw ScenarioFailure(tree.place, expected: "a step: one verb and its mapping", found: tree.kind)
    }
    let verb = members[0].name
    let body = members[0].value
    guard let form = Form.byVerb[verb] else {
      throw ScenarioFailure(
        members[0].place, expected: "a verb: \(Form.verbs.map(\.name).joined(separator: ", "))", found: "\"\(verb)\"")
    }
    switch verb {
    case "let": return [Step(place, .set(try assignments(body)))]
    case "parallel":
      guard case .list(let items, _) = body else {
        throw ScenarioFailure(body.place, expected: "a list of lists of steps", found: body.kind)
      }
      var tracks: [[Step]] = []
      for item in items {
        guard case .list(let steps, _) = item else {
          throw ScenarioFailure(item.place, expected: "a list of steps", found: item.kind)
        }
        tracks.append(try read(steps))
      }
      return [Step(place, .parallel(tracks))]
    default: break
    }
    let fields = try Fields(expanded(body, form), form)
    switch verb {
    case "open": return [try open(fields)]
    case "register": return try register(fields)
    case "request": return try request(fields, as: try fields.requiredWord("as"), to: fields.template("to"))
    case "relay": return try relay(fields)
    case "accept": return [try accept(fields)]
    case "acceptNone":
      var step = AcceptStep(actor: "nobody")
      step.timing = try fields.timing()
      step.isNone = true
      return [Step(place, .accept(step))]
    case "admit": return try admit(fields)
    case "send": return [try send(fields)]
    case "expect": return try expect(fields)
    case "drop":
      let how = try fields.word("how") ?? "reset"
      guard how == "reset" || how == "end" else {
        throw ScenarioFailure(fields.place(of: "how"), expected: "reset or end", found: how)
      }
      return [Step(place, .drop(try actor(fields, "who"), reset: how == "reset"))]
    case "pause", "resume": return [Step(place, .reading(try actor(fields, "who"), isOn: verb == "resume"))]
    case "check":
      guard let that = try fields.formula("that") else { return [] }
      return [Step(place, .check(that, otherwise: try fields.requiredText("else")))]
    case "mark": return [Step(place, .mark(try fields.requiredWord("as")))]
    case "elapse":
      guard let time = try fields.formula("for") else { return [] }
      return [Step(place, .elapse(time, since: try fields.word("since")))]
    case "repeat":
      guard let times = try fields.formula("times") else { return [] }
      return [Step(place, .loop(times: times, as: try fields.word("as") ?? "i", try read(try fields.list("steps"))))]
    case "if":
      guard let that = try fields.formula("that") else { return [] }
      let then = try read(try fields.list("then"))
      return [Step(place, .choice(that, then: then, otherwise: try read(try fields.list("else"))))]
    case "forEach":
      var values: [Template] = []
      for item in try fields.list("in") { values.append(try Template(item)) }
      return [Step(place, .forEach(values, as: try fields.requiredWord("as"), try read(try fields.list("steps"))))]
    default: return [Step(place, .answerPings(try actor(fields, "of"), try fields.truth("answer") ?? true))]
    }
  }

  /// A bare word stands for the first member of the form.
  private func expanded(_ body: Tree, _ form: Form) -> Tree {
    guard case .scalar(_, _, let place) = body, !body.isNothing, let first = form.fields.first,
      Form.shortVerbs.contains(form.name)
    else { return body }
    return .map([Tree.Member(name: first.name, place: place, value: body)], place)
  }

  mutating func actor(_ fields: Fields, _ name: String) throws(ScenarioFailure) -> String {
    let actor = try fields.requiredWord(name)
    try check(actor, fields.place(of: name))
    return actor
  }

  private mutating func check(_ actor: String, _ place: Place) throws(ScenarioFailure) {
    if actor == "target" { usesTarget = true }
    guard actors.contains(actor) else {
      throw ScenarioFailure(
        place, expected: "an actor that an earlier step opens (\(actors.sorted().joined(separator: ", ")))",
        found: "\"\(actor)\"")
    }
  }

  mutating func add(_ actor: String) { actors.insert(actor) }

  private func assignments(_ body: Tree) throws(ScenarioFailure) -> [(path: String, value: Template)] {
    guard case .map(let members, _) = body else {
      throw ScenarioFailure(body.place, expected: "a mapping of variables", found: body.kind)
    }
    var found: [(path: String, value: Template)] = []
    for member in members {
      found.append((member.name, try assigned(member.value)))
    }
    return found
  }

  private func assigned(_ tree: Tree) throws(ScenarioFailure) -> Template {
    // A scalar is a formula, quoted or not, since YAML makes people quote what has commas; texts stand in '…' inside.
    guard case .scalar(let text, _, let place) = tree, Template.plain(text) == nil, !text.contains("${") else {
      return try Template(tree)
    }
    return .formula(try ExpressionParser.parse(text, at: place))
  }

  private mutating func open(_ fields: Fields) throws(ScenarioFailure) -> Step {
    var step = OpenStep(actor: try fields.requiredWord("as"))
    add(step.actor)
    step.path = try fields.template("path") ?? step.path
    step.subprotocols = try fields.words("subprotocols")
    step.extensions = try fields.text("extensions")
    if let more = fields["fields"] {
      guard case .map(let members, _) = more else {
        throw ScenarioFailure(more.place, expected: "a mapping of HTTP fields", found: more.kind)
      }
      for member in members { step.fields.append((member.name, try Template(member.value))) }
    }
    if case .scalar("any", _, _)? = fields["status"] {
      step.status = nil
    } else {
      step.status = try fields.integer("status", 100...599) ?? 101
    }
    step.isBare = try fields.truth("bare") ?? false
    step.awaits = try fields.truth("await") ?? true
    step.answersClose = try fields.truth("answersClose") ?? true
    return Step(fields.place, .open(step))
  }

  private mutating func accept(_ fields: Fields) throws(ScenarioFailure) -> Step {
    var step = AcceptStep(actor: try fields.requiredWord("as"))
    add(step.actor)
    step.timing = try fields.timing()
    step.upgrades = try fields.truth("upgrade") ?? true
    return Step(fields.place, .accept(step))
  }

  private mutating func send(_ fields: Fields) throws(ScenarioFailure) -> Step {
    let actor = try actor(fields, "to")
    var sendings = try Sending.read(fields)
    let form = Form(name: "together", fields: Form.what, says: "")
    for tree in try fields.list("together") { sendings += try Sending.read(try Fields(tree, form)) }
    guard !sendings.isEmpty else {
      let kinds = (Form.what.map(\.name) + ["together"]).joined(separator: ", ")
      throw ScenarioFailure(fields.place, expected: "what to send: \(kinds)", found: "nothing of the kind")
    }
    return Step(fields.place, .send(to: actor, sendings, times: try fields.template("times")))
  }

  private mutating func expect(_ fields: Fields) throws(ScenarioFailure) -> [Step] {
    let all = try fields.words("on")
    let either = try fields.words("either")
    guard all.isEmpty != either.isEmpty else {
      throw ScenarioFailure(
        fields.place, expected: "actors: on (all of them) or either (one of them)", found: "none, or both")
    }
    for actor in all { try check(actor, fields.place(of: "on")) }
    for actor in either { try check(actor, fields.place(of: "either")) }
    var alternatives = try Alternative.read(fields)
    alternatives += try Alternative.readList(try fields.list("anyOf"))
    guard !alternatives.isEmpty else {
      let kinds = (Form.alternative.map(\.name) + ["anyOf"]).joined(separator: ", ")
      throw ScenarioFailure(fields.place, expected: "what to expect: \(kinds)", found: "nothing of the kind")
    }
    guard alternatives.count == 1 || !alternatives.contains(where: \.kind.isNegative) else {
      throw ScenarioFailure(fields.place, expected: "open or nothing alone", found: "one of them beside something else")
    }
    var expectation = Expectation(actors: [], alternatives: alternatives)
    expectation.tolerated = try Alternative.readList(try fields.list("tolerate"))
    expectation.ignored = try Alternative.readList(try fields.list("ignoring"))
    expectation.timing = try fields.timing()
    expectation.save = try fields.word("save")
    if all.isEmpty {
      guard !alternatives.contains(where: \.kind.isNegative) else {
        throw ScenarioFailure(fields.place, expected: "on for open and nothing", found: "either")
      }
      expectation.actors = either
      return [Step(fields.place, .expect(expectation))]
    }
    var steps: [Step] = []
    for actor in all {
      expectation.actors = [actor]
      steps.append(Step(fields.place, .expect(expectation)))
    }
    return all.count == 1 ? steps : [Step(fields.place, .parallel(steps.map { [$0] }))]
  }
}

extension Sending {
  static func read(_ fields: Fields) throws(ScenarioFailure) -> [Sending] {
    var found: [Sending] = []
    for field in Form.what {
      guard let tree = fields[field.name] else { continue }
      switch field.name {
      case "json": found.append(.json(try Template(tree)))
      case "text": found.append(.text(try Template(tree)))
      case "binary": found.append(.binary(try Template(tree)))
      case "ping": found.append(.ping(try Template(tree)))
      case "pong": found.append(.pong(try Template(tree)))
      case "bytes": found.append(.bytes(try Template(tree)))
      case "close":
        if case .scalar = tree, !tree.isNothing {
          found.append(.close(code: try Template(tree), reason: nil))
        } else if tree.isNothing {
          found.append(.close(code: nil, reason: nil))
        } else {
          let close = try Fields(tree, Form.close)
          found.append(.close(code: try close.template("code"), reason: try close.template("reason")))
        }
      default: found.append(.frame(try FrameSpec(tree)))
      }
    }
    return found
  }
}

extension FrameSpec {
  init(_ tree: Tree) throws(ScenarioFailure) {
    let fields = try Fields(tree, Form.frame)
    let opcode = try fields.requiredText("opcode")
    if !opcode.hasPrefix("${"), Self.opcodes[opcode] == nil, !(UInt8(opcode).map { $0 < 16 } ?? false) {
      throw ScenarioFailure(
        fields.place(of: "opcode"), expected: "\(Self.opcodes.keys.sorted().joined(separator: ", ")) or 0 to 15",
        found: opcode)
    }
    self.init(opcode: try fields.template("opcode") ?? .value(1))
    payload = try fields.template("payload") ?? payload
    fin = try fields.truth("fin") ?? true
    reserved = try fields.template("reserved")
    masked = try fields.truth("masked")
    lengthBytes = try fields.template("lengthBytes")
    claims = try fields.template("claims")
    skip = try fields.integer("skip", 0...1_000_000) ?? 0
    only = try fields.integer("only", 0...1_000_000)
  }
}
