public import Wire
public import WireBytes

/// The way a frame went over one recorded WebSocket connection.
public enum Direction: UInt8, Sendable, Hashable, CaseIterable {
  /// From the client that opened the connection (`c2s`).
  case fromClient
  /// Towards that client (`s2c`): from the CommServer, or through it from the other peer.
  case fromServer

  public var name: String { self == .fromClient ? "c2s" : "s2c" }
  public var opposite: Direction { self == .fromClient ? .fromServer : .fromClient }
}

/// The part that the client of a recorded connection plays (connection.md, terms).
public enum LegRole: String, Sendable {
  case undecided
  /// Registers a key and waits: the acceptor after the handover.
  case listener
  /// Asks for a relay: the initiator. On a direct connection too.
  case requester
}

/// What the recording proxy did to a frame ([rec: fail-tamper], INDEX.md).
public enum ProxyMark: Sendable, Equatable {
  case altered
  case dropped
  case repeated(Int)
  /// A mark that this version does not know; the frame is judged as it was sent.
  case other(String)

  public var name: String {
    switch self {
    case .altered: "altered"
    case .dropped: "dropped"
    case .repeated(let times): "repeated \(times)"
    case .other(let text): text
    }
  }
}

public enum FrameKind: String, Sendable { case text, binary }

/// One event of chum.md 5.1, as it comes from the plain wire (W), the decrypted wire (D), the log of an
/// instance (L) or other events (X).
public struct Event: Sendable {
  /// Position in the event stream of the session, from 1.
  public let seq: Int
  /// Milliseconds since the start of the recording.
  public let time: Double
  /// Line of the recording that it came from, from 1; the header is line 1.
  public let line: Int
  /// The connection as a small number, dense in order of opening.
  public let leg: Int
  /// The connection's name in the recording. Of a log event: the connection that it names, else the instance, or the file
  /// when the log is one of its own (`line` is a line of that file then).
  public let conn: String
  public let direction: Direction
  public let kind: Kind

  public init(seq: Int, time: Double, line: Int, leg: Int, conn: String, direction: Direction, kind: Kind) {
    self.seq = seq
    self.time = time
    self.line = line
    self.leg = leg
    self.conn = conn
    self.direction = direction
    self.kind = kind
  }

  public enum Kind: Sendable {
    // MARK: W, the WebSocket level
    /// The upgrade request (from the client) or its acceptance (from the server).
    case opened(String)
    /// The upgrade was refused, or the socket failed: the recorder's own words.
    case socketError(String)
    /// Every data message, before anything is said of its meaning. `proxy` tells what the recorder did to it.
    case wireFrame(op: FrameKind, length: Int, proxy: ProxyMark?)
    /// A close frame, or the loss of the socket (1006). `echo` marks the answer to the other side's close.
    case closed(code: Int, reason: String, echo: Bool)
    /// The recording has no beginning of this connection: only what its place tells by itself can be judged.
    case joinedMidway
    /// Nothing more comes on this connection: both sides have closed, or the reader gave a half-closed one up.
    case ended

    // MARK: W, in clear
    /// The challenge or the response of a registration, checked with the keys at hand (connection.md 2.3).
    case registrationProof(PersonProof)
    /// A CommServer message, `communication_request` and `communication_ready` included.
    case server(CommServerMessage)
    /// A message in the clear phase that no table describes; `phase` says what was awaited.
    case clearFault(phase: ClearPhase, failure: WireFailure)
    /// A message of the CommServer that means what it should, but is not written as the server must write it.
    case notCanonical(String)
    /// Data on a relay whose ends do not speak the ONE handshake (only the relay can be judged).
    case relayed(op: FrameKind, length: Int)
    /// One of the two 72-byte key messages; `opened` says whether a known static key opened it.
    case keySent(KeyMessage)
    /// Both key messages passed: from here on every frame is encrypted.
    case encrypted(Channel)
    /// The server paired this connection (the listener's) with the requester's connection of that number. `isLate` says
    /// that only the initiator's key message told them apart: it and what came before have been delivered already.
    case spliced(requesterLeg: Int, isLate: Bool)

    // MARK: D, inside the encryption
    /// An encrypted frame that opened.
    case frame(SealedFrame)
    /// An encrypted frame that did not open with the counter due; `opensWith` is the one near it that does open it.
    case decryptFailed(counter: UInt64, length: Int, opensWith: UInt64?)
    /// An encrypted frame for which no key is at hand; it is only counted.
    case unreadable(length: Int)
    /// A frame on an encrypted connection that did not open holds this known plaintext.
    case plaintextSeen(String)
    /// A frame on an encrypted connection opens with a key that the CommServer can compute: which one.
    case openToServer(String)
    /// A frame opened, but its padding is not a padding (connection.md 3.3).
    case paddingFault(WireFailure)
    /// A WebSocket text message on an encrypted connection.
    case unencryptedText(String)
    case keepalive
    case fragment(FragmentMark)
    case fragmentFault(WireFailure)
    /// A whole message after keep-alive and fragmentation, before anything is said of its meaning.
    case plain(Reassembler.Message, fragments: Int?)

    // MARK: D, connection establishment and pairing
    case peer(PeerMessage)
    /// A text where a message of P1–P9 or Q1–Q3 was due, and is none.
    case peerFault(WireFailure)
    case personProof(PersonProof)
    /// Messages of ends that skip connection establishment (plain use of an encrypted connection).
    case application(op: FrameKind, length: Int)

    // MARK: D, CHUM
    case controlText(String)
    case requested(id: Int, service: Int, args: [JSONValue]?)
    /// A request whose `args` is not an array; it still takes an id and an answer.
    case requestedBadly(id: Int, service: Int)
    case responded(id: Int, Answer)
    case chunk(id: Int, Chunk)
    case streamEnded(id: Int, ok: Bool)
    case streamStopped(id: Int)
    case invalidMessage(WireFailure)
    /// A binary message that carries no request id (shorter than eight bytes, or not a number).
    case invalidChunk(length: Int, WireFailure)

    // MARK: X, derived from the above
    case versionAgreed
    case versionRejected(JSONValue)
    case roundStarted(number: Int)
    case rootsListed(round: Int, count: Int)
    case announced(RootEntry, round: Int)
    case rootsFault(WireFailure)
    case childrenListed(parent: String, count: Int)
    case childListed(parent: String, ChildEntry, index: Int)
    case childrenFault(parent: String, WireFailure)
    /// An answer that is not of the form its service has (a number for an object, data for a stream).
    case answerFault(id: Int, service: Int, WireFailure)
    case objectRequested(ObjectKind, hash: String, id: Int)
    case objectSent(SentObject)
    case refused(service: Int, hash: String, code: String?)

    /// A frame that no table of the specification describes at its place.
    case unclassified(String)

    // MARK: L, the log of an instance
    /// What an instance wrote down; its connection is 0 when the log names none that is open.
    case logged(LogEvent)
  }
}
