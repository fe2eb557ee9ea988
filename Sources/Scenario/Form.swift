/// The members that a mapping of the language may have: one table for the loader and for the JSON Schema.
public struct Form: Sendable {
  public enum Kind: Sendable {
    case word, text, formula, template, truth, integer, words, steps, tracks, pattern, alternative, alternatives,
      sendings
    case rows, members, templates
  }
  public struct Field: Sendable {
    public let name: String
    public let kind: Kind
    public let isRequired: Bool
    public let says: String
  }
  public let name: String
  public let fields: [Field]
  public let says: String

  public init(name: String, fields: [Field], says: String) {
    self.name = name
    self.fields = fields
    self.says = says
  }

  public static func field(_ name: String, _ kind: Kind, _ says: String, required: Bool = false) -> Field {
    Field(name: name, kind: kind, isRequired: required, says: says)
  }

  static let timing: [Field] = [
    field("within", .formula, "latest moment in ms; the learnt budget if absent"),
    field("after", .formula, "earliest moment in ms"),
    field("since", .word, "the mark that within and after count from; the start of the step if absent"),
  ]

  static let what: [Field] = [
    field("json", .template, "a TEXT message with this JSON value"),
    field("text", .template, "a TEXT message"),
    field("binary", .template, "a BINARY message: hex digits or a formula that gives bytes"),
    field("ping", .template, "a WebSocket ping with this payload"),
    field("pong", .template, "a WebSocket pong with this payload"),
    field("close", .members, "a close frame: code and reason"),
    field("frame", .members, "a WebSocket frame in every detail"),
    field("bytes", .template, "bytes on the TCP connection, as they are"),
  ]

  static let alternative: [Field] = [
    field("json", .pattern, "a TEXT message whose JSON has this form"),
    field("text", .pattern, "a TEXT message"),
    field("binary", .pattern, "a BINARY message; its bytes as hex digits"),
    field("message", .word, "any: any message"),
    field("pong", .pattern, "a WebSocket pong with this payload"),
    field("head", .pattern, "the head of an HTTP answer on a bare connection: status and fields"),
    field("closed", .pattern, "true for code 1000, a code, a list of codes, any, or a mapping with code, reason, lost"),
    field("lost", .truth, "the TCP connection ends without a close frame"),
    field("open", .truth, "still open: a WebSocket ping comes back"),
    field("nothing", .truth, "neither message nor close, for `within` or until a WebSocket ping comes back"),
    field("exactly", .truth, "json: no other members, in this order"),
    field("as", .word, "the name of this alternative, for save"),
  ]

  static let frame = Form(
    name: "frame",
    fields: [
      field("opcode", .word, "text, binary, continuation, ping, pong, close or 0 to 15", required: true),
      field("payload", .template, "a text, or a formula that gives text or bytes"),
      field("fin", .truth, "false for all but the last frame of a message"),
      field("reserved", .template, "the three reserved bits, 0 to 7"),
      field("masked", .truth, "against the rule for the side"),
      field("lengthBytes", .template, "2 or 8: the length written longer than needed"),
      field("claims", .template, "the length that the header claims, whatever is there"),
      field("skip", .integer, "leave out so many bytes at the start"),
      field("only", .integer, "send so many bytes only"),
    ], says: "a WebSocket frame that need not be a proper one")

  static let close = Form(
    name: "close",
    fields: [field("code", .template, "the close code; none if absent"), field("reason", .template, "the reason")],
    says: "a close frame")

  static let closed = Form(
    name: "closed",
    fields: [
      field("code", .pattern, "a code, a list of codes, none, or any"), field("reason", .pattern, "the reason"),
      field("lost", .truth, "a TCP connection that is gone will do as well"),
    ], says: "how the connection is closed")

  static let row = Form(
    name: "row",
    fields: [
      field("name", .word, "the end of the case's id", required: true),
      field("fault", .words, "broken variants for this row instead of those of the case"),
    ],
    says: "the name of the row and variables")

  static let file = Form(
    name: "file",
    fields: [
      field("group", .word, "the name of the group", required: true),
      field("title", .text, "what the cases have in common", required: true),
      field("target", .word, "server (default), listener or requester"),
      field("tags", .words, "tags of every case"),
      field("cases", .rows, "the cases", required: true),
    ], says: "a file of cases")

  static let entry = Form(
    name: "case",
    fields: [
      field("id", .word, "stable name, unique in all files", required: true),
      field("title", .text, "the verdict of a pass in one sentence", required: true),
      field("requires", .words, "the requirements it decides", required: true),
      field("binds", .word, "base (default), hardening, quirk or extension"),
      field("tags", .words, "more tags"),
      field("profiles", .words, "judge in these profiles only: deployed, strict"),
      field("extension", .word, "the extension that the target must offer"),
      field("takes", .formula, "protocol time in ms that the case cannot do without"),
      field("settings", .members, "settings of a target that the gate starts itself"),
      field("alone", .truth, "true for a case that would disturb others"),
      field("fault", .words, "broken variants of the embedded target that the case must catch"),
      field("withoutFault", .text, "why there is no broken variant"),
      field("each", .rows, "one case a row: name, and variables"),
      field("steps", .steps, "what happens", required: true),
    ], says: "a case")

  /// The verbs in the order of the documentation.
  static let verbs: [Form] = [
    Form(
      name: "open",
      fields: [
        field("as", .word, "the actor's name", required: true), field("path", .template, "the path of the request"),
        field("subprotocols", .words, "subprotocols that are offered"),
        field("extensions", .text, "extensions offered"),
        field("fields", .members, "more HTTP fields"),
        field("status", .template, "the HTTP status expected, 101 if absent; any for any outcome"),
        field("bare", .truth, "TCP only, no opening handshake"),
        field("await", .truth, "false: do not wait for the opening handshake"),
        field("answersClose", .truth, "false: leave a close frame of the target unanswered"),
      ], says: "connects a raw WebSocket; short: open: NAME"),
    Form(
      name: "register",
      fields: [
        field("as", .word, "the actor's name", required: true),
        field("key", .template, "a key pair; its own if absent"),
        field("pings", .word, "answer (default) or manual"),
      ], says: "connects and registers as listener (M1 to M4); short: register: NAME"),
    Form(
      name: "request",
      fields: [
        field("as", .word, "the actor's name", required: true),
        field("to", .template, "the target key", required: true),
        field("from", .template, "the source key; its own if absent"),
      ], says: "connects and sends a communication_request"),
    Form(
      name: "relay",
      fields: [
        field("listener", .word, "a registered listener", required: true),
        field("requester", .word, "the name of the new requester", required: true),
        field("greet", .truth, "false: stop before the listener's communication_ready"),
      ],
      says: "request, handover and request at the listener, communication_ready back: both ends are joined"),
    Form(
      name: "accept",
      fields: [field("as", .word, "the actor's name", required: true)] + timing
        + [field("upgrade", .truth, "false: take the connection and say nothing")],
      says: "waits until the target opens a connection; short: accept: NAME"),
    Form(
      name: "acceptNone",
      fields: [field("within", .formula, "ms in which the target opens no connection", required: true)],
      says: "waits that the target opens no connection"),
    Form(
      name: "admit",
      fields: [
        field("as", .word, "the actor's name", required: true),
        field("interval", .formula, "the pingInterval that is announced, 25 s if absent"),
      ] + timing,
      says: "accepts a listener under test and registers it; short: admit: NAME"),
    Form(
      name: "send",
      fields: [field("to", .word, "the actor", required: true)] + what
        + [
          field("times", .template, "how often"), field("together", .sendings, "several in one TCP segment"),
        ], says: "sends something; several kinds in one step go out in the order of this list"),
    Form(
      name: "expect",
      fields: [
        field("on", .words, "one actor, or all of several"),
        field("either", .words, "the first event on any of these decides"),
      ] + alternative + timing
        + [
          field("anyOf", .alternatives, "one of these"),
          field("tolerate", .alternatives, "these make the case non-strict"),
          field("ignoring", .alternatives, "messages that may come before"),
          field("save", .word, "variable for the message, or for the name of the alternative"),
        ], says: "waits for the next message or the close of an actor"),
    Form(
      name: "drop",
      fields: [
        field("who", .word, "the actor", required: true),
        field("how", .word, "reset (default) or end"),
      ], says: "ends the TCP connection without a close frame; short: drop: NAME"),
    Form(
      name: "pause", fields: [field("who", .word, "the actor", required: true)],
      says: "stops reading; short: pause: NAME"),
    Form(
      name: "resume", fields: [field("who", .word, "the actor", required: true)],
      says: "goes on reading; short: resume: NAME"),
    Form(name: "let", fields: [], says: "sets variables: name: formula, or a list or mapping; texts in '…' or ${…}"),
    Form(
      name: "check",
      fields: [
        field("that", .formula, "a formula that must be true", required: true),
        field("else", .text, "what is wrong otherwise", required: true),
      ], says: "compares what came"),
    Form(
      name: "mark", fields: [field("as", .word, "its name", required: true)],
      says: "notes the moment; short: mark: NAME"),
    Form(
      name: "elapse",
      fields: [
        field("for", .formula, "ms", required: true), field("since", .word, "the mark it counts from"),
      ], says: "lets protocol time go by, pings being answered; short: elapse: FORMULA"),
    Form(
      name: "repeat",
      fields: [
        field("times", .formula, "how often", required: true), field("as", .word, "variable that counts from 0"),
        field("steps", .steps, "what is repeated", required: true),
      ], says: "does steps several times"),
    Form(
      name: "forEach",
      fields: [
        field("in", .templates, "the values", required: true), field("as", .word, "the variable", required: true),
        field("steps", .steps, "what is done for each", required: true),
      ], says: "does steps for each value of a list"),
    Form(
      name: "if",
      fields: [
        field("that", .formula, "a formula", required: true), field("then", .steps, "when it is true"),
        field("else", .steps, "when it is false"),
      ], says: "goes one way or the other"),
    Form(name: "parallel", fields: [], says: "does lists of steps at the same time"),
    Form(
      name: "pings",
      fields: [
        field("of", .word, "the actor", required: true),
        field("answer", .truth, "true: answered without a step", required: true),
      ], says: "who answers the protocol's pings"),
  ]

  /// Verbs whose first member may stand alone: `register: l`.
  static let shortVerbs = ["open", "register", "accept", "admit", "drop", "pause", "resume", "mark", "elapse"]

  static let byVerb = Dictionary(uniqueKeysWithValues: verbs.map { ($0.name, $0) })
}
