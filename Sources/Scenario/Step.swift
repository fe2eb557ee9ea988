import WireBytes

/// One step of a case with the place that wrote it.
public struct Step: Sendable {
  public let place: Place
  public let action: StepAction
  /// What a person calls it, when a short form stands for several steps.
  public let note: String?

  public init(_ place: Place, _ action: StepAction, note: String? = nil) {
    self.place = place
    self.action = action
    self.note = note
  }
}

public indirect enum StepAction: Sendable {
  case open(OpenStep)
  /// Waits for a connection that the target opens.
  case accept(AcceptStep)
  case send(to: String, [Sending], times: Template?)
  case expect(Expectation)
  /// Ends the TCP connection, with or without a reset.
  case drop(String, reset: Bool)
  /// Stops or goes on reading from the socket.
  case reading(String, isOn: Bool)
  case set([(path: String, value: Template)])
  case check(Expression, otherwise: String)
  case mark(String)
  case elapse(Expression, since: String?)
  case loop(times: Expression, as: String, [Step])
  case forEach([Template], as: String, [Step])
  case parallel([[Step]])
  case choice(Expression, then: [Step], otherwise: [Step])
  /// Whether pings of the protocol are answered without a step.
  case answerPings(String, Bool)
}

public struct OpenStep: Sendable {
  public var actor: String
  public var path = Template.value("/")
  public var subprotocols: [String] = []
  public var extensions: String?
  public var fields: [(name: String, value: Template)] = []
  /// The status that is expected, 101 being success; nil when any outcome will do.
  public var status: Int? = 101
  /// True for a bare TCP connection without an opening handshake.
  public var isBare = false
  /// False when the opening handshake is sent and nobody waits for the answer.
  public var awaits = true
  public var answersClose = true
  public init(actor: String) { self.actor = actor }
}

public struct AcceptStep: Sendable {
  public var actor: String
  public var timing = Timing()
  /// False for a server that takes the TCP connection and says nothing.
  public var upgrades = true
  /// True when the target must not open a connection in the time.
  public var isNone = false
  public init(actor: String) { self.actor = actor }
}

/// When something must happen, in milliseconds.
public struct Timing: Sendable {
  /// Latest moment; nil for the budget that the runner learnt.
  public var within: Expression?
  /// Earliest moment.
  public var after: Expression?
  /// The mark that both count from; nil for the start of the step.
  public var since: String?
  public init() {}
}

/// What goes out; several of one step go out in one piece.
public enum Sending: Sendable {
  case json(Template)
  case text(Template)
  case binary(Template)
  case ping(Template)
  case pong(Template)
  case close(code: Template?, reason: Template?)
  case frame(FrameSpec)
  case bytes(Template)
}

/// A WebSocket frame that need not be a proper one.
public struct FrameSpec: Sendable {
  /// A number, or one of the names of RFC 6455.
  public var opcode: Template
  public var fin = true
  public var reserved: Template?
  /// Nil for what the side would do by rights.
  public var masked: Bool?
  public var payload = Template.value("")
  /// 2 or 8 to write the length longer than needed.
  public var lengthBytes: Template?
  /// A length that the header claims, whatever is there.
  public var claims: Template?
  /// Bytes of the frame that are left out at its start, and the number that is sent.
  public var skip = 0
  public var only: Int?
  public init(opcode: Template) { self.opcode = opcode }

  public static let opcodes: [String: UInt8] = [
    "continuation": 0, "text": 1, "binary": 2, "close": 8, "ping": 9, "pong": 10,
  ]
}

/// What must come.
public struct Expectation: Sendable {
  /// The first event on any of them decides.
  public var actors: [String]
  public var alternatives: [Alternative]
  /// Outcomes that are not right but do no harm: the case ends non-strict.
  public var tolerated: [Alternative] = []
  /// Messages that may come before and are passed over.
  public var ignored: [Alternative] = []
  public var timing = Timing()
  /// Variable that takes the message, or the name of the alternative that came.
  public var save: String?
  public init(actors: [String], alternatives: [Alternative]) {
    self.actors = actors
    self.alternatives = alternatives
  }
}

public struct Alternative: Sendable {
  public enum Kind: Sendable {
    case json(Pattern)
    case text(Pattern)
    case binary(Pattern)
    case anyMessage
    case pong(Pattern)
    /// The head of an HTTP answer on a bare connection: `status` and the fields.
    case head(Pattern)
    case closed(ClosePattern)
    /// The TCP connection ended without a close frame.
    case lost
    /// Still open: a WebSocket ping comes back and nothing else happens.
    case open
    /// No message and no close: for `within`, or until a WebSocket ping comes back.
    case nothing
  }
  public let name: String?
  public let kind: Kind
  public init(_ kind: Kind, name: String? = nil) {
    self.kind = kind
    self.name = name
  }
}

public struct ClosePattern: Sendable {
  /// Empty for any; 1005 stands for a close frame without a code.
  public var codes: [Int] = [1000]
  public var reason: Pattern?
  /// True when a TCP connection that is simply gone will do as well.
  public var allowsLoss = false
  public init() {}
}

/// What a value must look like.
public indirect enum Pattern: Sendable {
  case equal(Template)
  /// These members; others may stand beside them unless `isExact`, which also wants this order.
  case object([Member], isExact: Bool)
  case list([Pattern])
  case any
  case absent
  /// So many hex digits; nil for any even number.
  case hex(digits: Int?)
  case kind(String)
  case integer(min: Expression?, max: Expression?)
  case oneOf([Pattern])
  case size(Expression)
  case contains(Template)
  case not(Pattern)

  public struct Member: Sendable {
    public let name: String
    public let pattern: Pattern
  }
}
