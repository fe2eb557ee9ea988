/// A set of event kinds, so that a rule is woken only for what it looks at.
public struct EventSet: OptionSet, Sendable, Hashable {
  public let rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }
  private init(bit: Int) { rawValue = 1 << UInt64(bit) }

  public static let opened = EventSet(bit: 0)
  public static let socketError = EventSet(bit: 1)
  public static let wireFrame = EventSet(bit: 2)
  public static let closed = EventSet(bit: 3)
  public static let server = EventSet(bit: 4)
  public static let clearFault = EventSet(bit: 5)
  public static let relayed = EventSet(bit: 6)
  public static let keySent = EventSet(bit: 7)
  public static let encrypted = EventSet(bit: 8)
  public static let spliced = EventSet(bit: 9)
  public static let frame = EventSet(bit: 10)
  public static let decryptFailed = EventSet(bit: 11)
  public static let unreadable = EventSet(bit: 12)
  public static let paddingFault = EventSet(bit: 13)
  public static let unencryptedText = EventSet(bit: 14)
  public static let keepalive = EventSet(bit: 15)
  public static let fragment = EventSet(bit: 16)
  public static let fragmentFault = EventSet(bit: 17)
  public static let plain = EventSet(bit: 18)
  public static let peer = EventSet(bit: 19)
  public static let peerFault = EventSet(bit: 20)
  public static let personProof = EventSet(bit: 21)
  public static let application = EventSet(bit: 22)
  public static let controlText = EventSet(bit: 23)
  public static let requested = EventSet(bit: 24)
  public static let requestedBadly = EventSet(bit: 25)
  public static let responded = EventSet(bit: 26)
  public static let chunk = EventSet(bit: 27)
  public static let streamEnded = EventSet(bit: 28)
  public static let streamStopped = EventSet(bit: 29)
  public static let invalidMessage = EventSet(bit: 30)
  public static let invalidChunk = EventSet(bit: 31)
  public static let versionAgreed = EventSet(bit: 32)
  public static let versionRejected = EventSet(bit: 33)
  public static let roundStarted = EventSet(bit: 34)
  public static let rootsListed = EventSet(bit: 35)
  public static let announced = EventSet(bit: 36)
  public static let rootsFault = EventSet(bit: 37)
  public static let childrenListed = EventSet(bit: 38)
  public static let childListed = EventSet(bit: 39)
  public static let childrenFault = EventSet(bit: 40)
  public static let objectRequested = EventSet(bit: 41)
  public static let objectSent = EventSet(bit: 42)
  public static let refused = EventSet(bit: 43)
  public static let unclassified = EventSet(bit: 44)
  public static let registrationProof = EventSet(bit: 45)
  public static let joinedMidway = EventSet(bit: 46)
  public static let ended = EventSet(bit: 47)
  public static let notCanonical = EventSet(bit: 48)
  public static let plaintextSeen = EventSet(bit: 49)
  public static let answerFault = EventSet(bit: 50)
  public static let logged = EventSet(bit: 51)
  public static let openToServer = EventSet(bit: 52)

  /// The number of kinds.
  public static let count = 53
  public static let all = EventSet(rawValue: (1 << 53) - 1)
  /// A frame on an encrypted connection, whether or not it could be read.
  public static let sealedFrames: EventSet = [.frame, .decryptFailed, .unreadable, .paddingFault]
  /// Terminal answers of a CHUM request.
  public static let answers: EventSet = [.responded, .streamEnded]
}

extension Event.Kind {
  /// The kind's position in `EventSet`.
  public var ordinal: Int {
    switch self {
    case .opened: 0
    case .socketError: 1
    case .wireFrame: 2
    case .closed: 3
    case .server: 4
    case .clearFault: 5
    case .relayed: 6
    case .keySent: 7
    case .encrypted: 8
    case .spliced: 9
    case .frame: 10
    case .decryptFailed: 11
    case .unreadable: 12
    case .paddingFault: 13
    case .unencryptedText: 14
    case .keepalive: 15
    case .fragment: 16
    case .fragmentFault: 17
    case .plain: 18
    case .peer: 19
    case .peerFault: 20
    case .personProof: 21
    case .application: 22
    case .controlText: 23
    case .requested: 24
    case .requestedBadly: 25
    case .responded: 26
    case .chunk: 27
    case .streamEnded: 28
    case .streamStopped: 29
    case .invalidMessage: 30
    case .invalidChunk: 31
    case .versionAgreed: 32
    case .versionRejected: 33
    case .roundStarted: 34
    case .rootsListed: 35
    case .announced: 36
    case .rootsFault: 37
    case .childrenListed: 38
    case .childListed: 39
    case .childrenFault: 40
    case .objectRequested: 41
    case .objectSent: 42
    case .refused: 43
    case .unclassified: 44
    case .registrationProof: 45
    case .joinedMidway: 46
    case .ended: 47
    case .notCanonical: 48
    case .plaintextSeen: 49
    case .answerFault: 50
    case .logged: 51
    case .openToServer: 52
    }
  }
}
