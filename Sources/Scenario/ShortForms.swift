import WireBytes

/// Short forms for what almost every case begins with (connection.md 2.2 to 2.5).
extension StepReader {
  private func formula(_ text: String, _ place: Place) throws(ScenarioFailure) -> Template {
    .formula(try ExpressionParser.parse(text, at: place))
  }

  private func message(_ command: String, _ members: [Template.Member] = []) -> Template {
    .object([Template.Member("command", .value(.string(command)))] + members)
  }

  private func json(_ command: String, _ members: [Pattern.Member] = []) -> Alternative {
    let pattern = Pattern.Member(name: "command", pattern: .equal(.value(.string(command))))
    return Alternative(.json(.object([pattern] + members, isExact: false)))
  }

  private func expect(_ actor: String, _ alternative: Alternative, save: String? = nil) -> StepAction {
    var expectation = Expectation(actors: [actor], alternatives: [alternative])
    expectation.save = save
    return .expect(expectation)
  }

  /// Connects, then M1 to M4. The actor's variables: `key`, `request` (M2), `success` (M4), `challenge` (64 bytes).
  mutating func register(_ fields: Fields) throws(ScenarioFailure) -> [Step] {
    let place = fields.place
    let name = try fields.requiredWord("as")
    let pings = try fields.word("pings") ?? "answer"
    guard pings == "answer" || pings == "manual" else {
      throw ScenarioFailure(fields.place(of: "pings"), expected: "answer or manual", found: pings)
    }
    add(name)
    let key = try fields.template("key").or(try formula("key()", place))
    let answer = "seal(negate(\(name).challenge), \(name).request.publicKey, \(name).key.secret)"
    let opened = "unseal(\(name).request.challenge, \(name).request.publicKey, \(name).key.secret)"
    let actions: [StepAction] = [
      .open(OpenStep(actor: name)),
      .set([("\(name).key", key)]),
      .send(
        to: name,
        [.json(message("register", [.init("publicKey", try formula("\(name).key.public", place))]))], times: nil),
      expect(name, json("authentication_request"), save: "\(name).request"),
      .set([("\(name).challenge", try formula(opened, place))]),
      .answerPings(name, pings == "answer"),
      .send(
        to: name, [.json(message("authentication_response", [.init("response", try formula(answer, place))]))],
        times: nil),
      expect(name, json("authentication_success"), save: "\(name).success"),
      .mark("\(name).registered"),
    ]
    return actions.map { Step(place, $0, note: "registering \(name)") }
  }

  /// Connects and sends M8. The actor's variable: `key`.
  mutating func request(_ fields: Fields, as name: String, to target: Template?) throws(ScenarioFailure) -> [Step] {
    let place = fields.place
    add(name)
    let source = fields["from"] == nil ? nil : try fields.template("from")
    var actions: [StepAction] = [.open(OpenStep(actor: name)), .set([("\(name).key", try formula("key()", place))])]
    let target = try target.or(try formula("key().public", place))
    let members: [Template.Member] = [
      .init("sourcePublicKey", try source.or(try formula("\(name).key.public", place))),
      .init("targetPublicKey", target),
    ]
    actions.append(.send(to: name, [.json(message("communication_request", members))], times: nil))
    return actions.map { Step(place, $0, note: "\(name) requests") }
  }

  /// A request to a registered listener, and what the listener must see of it.
  mutating func relay(_ fields: Fields) throws(ScenarioFailure) -> [Step] {
    let place = fields.place
    let listener = try actor(fields, "listener")
    let requester = try fields.requiredWord("requester")
    let target = try formula("\(listener).key.public", place)
    var steps = try request(fields, as: requester, to: target)
    let source = try formula("\(requester).key.public", place)
    let actions: [StepAction] = [
      expect(listener, json("connection_handover")),
      expect(
        listener,
        json(
          "communication_request",
          [
            .init(name: "sourcePublicKey", pattern: .equal(source)),
            .init(name: "targetPublicKey", pattern: .equal(target)),
          ])),
      .answerPings(listener, false),
    ]
    steps += actions.map { Step(place, $0, note: "joining \(requester) and \(listener)") }
    guard try fields.truth("greet") ?? true else { return steps }
    let greeting: [StepAction] = [
      .send(to: listener, [.json(message("communication_ready"))], times: nil),
      expect(requester, json("communication_ready")),
    ]
    steps += greeting.map { Step(place, $0, note: "joining \(requester) and \(listener)") }
    return steps
  }

  /// The gate as CommServer: takes the target's connection and registers it.
  ///
  /// The actor's variables: `key` (the server's), `register` (M1), `challenge`, `response` (M3).
  mutating func admit(_ fields: Fields) throws(ScenarioFailure) -> [Step] {
    let place = fields.place
    var step = AcceptStep(actor: try fields.requiredWord("as"))
    step.timing = try fields.timing()
    let name = step.actor
    add(name)
    let sealed = "seal(\(name).challenge, \(name).register.publicKey, \(name).key.secret)"
    let opened = "unseal(\(name).response.response, \(name).register.publicKey, \(name).key.secret)"
    let interval = try fields.formula("interval") ?? .number(25_000)
    let request = message(
      "authentication_request",
      [.init("publicKey", try formula("\(name).key.public", place)), .init("challenge", try formula(sealed, place))])
    let actions: [StepAction] = [
      .accept(step),
      .set([
        ("\(name).key", try formula("key('server')", place)), ("\(name).challenge", try formula("random(64)", place)),
      ]),
      expect(name, json("register", [.init(name: "publicKey", pattern: .hex(digits: 64))]), save: "\(name).register"),
      .send(to: name, [.json(request)], times: nil),
      expect(
        name, json("authentication_response", [.init(name: "response", pattern: .hex(digits: 208))]),
        save: "\(name).response"),
      .check(
        try ExpressionParser.parse("\(opened) == negate(\(name).challenge)", at: place),
        otherwise: "the response is not the complement of the challenge"),
      .send(
        to: name, [.json(message("authentication_success", [.init("pingInterval", .formula(interval))]))], times: nil),
      .mark("\(name).registered"),
    ]
    return actions.map { Step(place, $0, note: "admitting \(name)") }
  }
}

extension Optional {
  /// `??` with a typed error.
  fileprivate func or(
    _ other: @autoclosure () throws(ScenarioFailure) -> Wrapped
  ) throws(ScenarioFailure) -> Wrapped {
    if let self { self } else { try other() }
  }
}
