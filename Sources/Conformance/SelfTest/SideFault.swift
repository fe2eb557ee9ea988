/// Planted faults of the server's end of a link: opening handshake, reading of bytes, closing.
///
/// They stand beside those of the machine (`CommServer.Fault`) and of the frames (`Endpoint.Fault`), and are never on in
/// a server that serves anybody.
public enum SideFault: String, Sendable, CaseIterable {
  // Opening handshake.
  case wrongAcceptKey, inventsSubprotocol, refusesSubprotocols, refusesExtensions, checksOrigin, upgradesAnything
  case wantsHeadAtOnce, noHandshakeLimit
  // Bytes.
  case readsWholeFramesOnly, readsOneFrameOfASegment, cutsAtLengthBorders, takesHugeLengths, dropsForSlowReaders
  case deliversBehindClose, takesWebSocketPongs

  /// What the broken server does, in words.
  public var summary: String {
    switch self {
    case .wrongAcceptKey: "answers the opening handshake with a key that does not fit"
    case .inventsSubprotocol: "names a subprotocol that nobody offered"
    case .refusesSubprotocols: "refuses clients that offer a subprotocol"
    case .refusesExtensions: "refuses clients that offer an extension"
    case .checksOrigin: "refuses clients of another origin"
    case .upgradesAnything: "answers every HTTP request with 101"
    case .wantsHeadAtOnce: "ends connections whose upgrade request comes in pieces"
    case .noHandshakeLimit: "waits for ever for an upgrade request"
    case .readsWholeFramesOnly: "ends connections that send half a frame"
    case .readsOneFrameOfASegment: "reads the first frame of a segment and drops the rest"
    case .cutsAtLengthBorders: "cuts the last byte of messages of 125, 126 and 65,535 bytes and more"
    case .takesHugeLengths: "waits for the bytes of a frame of 2^63 bytes and more"
    case .deliversBehindClose: "delivers data that came behind a close frame"
    case .takesWebSocketPongs: "takes a WebSocket pong for the pong of the protocol"
    case .dropsForSlowReaders: "drops what a reader does not take at once"
    }
  }
}
