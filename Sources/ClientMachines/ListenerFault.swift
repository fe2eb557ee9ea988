/// A planted fault of a listener: one thing that a broken one does. Self-test only (design.md, law 9).
public enum ListenerFault: String, Sendable, Hashable, CaseIterable {
  case registersOtherKey, registersInBinary, wantsExactTexts, echoesChallenge, repeatsNonce, answersUnopenable
  case staysOnBadChallenge, answersAnyLength, answersAnyServer, keepsOneSpare, keepsThreeSpares, replacesLate
  case retriesAtOnce, retriesEveryLoss, neverRetries, neverBacksOff, keepsBadSpare, ignoresUnexpected
  case takesEarlyHandover, keepsSparesAtStop, reconnectsAfterStop, waitsForeverForRequest, believesAnyInterval
  case neverPongs, sendsCommPong, waitsForeverForPing, pongsAfterHandover, stopsRelaysToo
  case losesRequestBehindHandover

  /// What the broken listener does, in words.
  public var summary: String {
    switch self {
    case .registersOtherKey: "registers a key that is not its own"
    case .registersInBinary: "sends register as BINARY"
    case .wantsExactTexts: "reads messages only as the reference writes them"
    case .echoesChallenge: "sends the challenge back as its response"
    case .repeatsNonce: "seals its response with the nonce of the challenge"
    case .answersUnopenable: "answers a challenge that it cannot open"
    case .staysOnBadChallenge: "keeps the socket open after a bad challenge"
    case .answersAnyLength: "answers challenges of any length"
    case .answersAnyServer: "answers servers that name its own, a peer's or a low-order key"
    case .keepsOneSpare: "keeps one socket ready instead of two"
    case .keepsThreeSpares: "keeps three sockets ready instead of two"
    case .replacesLate: "replaces a handed-over socket only after the reconnect delay"
    case .retriesAtOnce: "tries again at once after a failure"
    case .retriesEveryLoss: "starts an attempt for every loss"
    case .neverRetries: "does not try again after a failure"
    case .neverBacksOff: "tries again after the same delay for ever"
    case .keepsBadSpare: "keeps a socket open on which an unexpected message came"
    case .ignoresUnexpected: "ignores messages that do not belong there"
    case .takesEarlyHandover: "takes a handover before authentication_success"
    case .keepsSparesAtStop: "keeps its sockets open when it stops"
    case .reconnectsAfterStop: "opens sockets after it was stopped"
    case .waitsForeverForRequest: "waits for ever for the request after a handover"
    case .believesAnyInterval: "believes any pingInterval"
    case .neverPongs: "does not answer pings"
    case .sendsCommPong: "answers pings with comm_pong"
    case .waitsForeverForPing: "stays on a socket that is never pinged"
    case .losesRequestBehindHandover: "loses a request that comes in the same segment as the handover"
    case .stopsRelaysToo: "closes handed-over sockets when it stops"
    case .pongsAfterHandover: "answers pings after the handover"
    }
  }
}
