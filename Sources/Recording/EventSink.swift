import Cryptobox
public import Trace

/// A decrypted line for `chumgate show`: what a frame held, before any meaning.
public struct PlainLine: Sendable {
  public enum Layer: String, Sendable {
    case clear, handshake, frame, reassembled, undecryptable, unreadable
    case unencrypted = "unencrypted-after-handshake"
  }
  public var line: Int
  public var time: Double
  public var conn: String
  public var direction: Direction
  public var layer: Layer
  /// Nil where nothing opened.
  public var payload: RecordedLine.Payload?
  public var nonce: UInt64?
  /// `keepalive`, `fragment`, or the text of a fragmentation mark.
  public var control: String?
  public var cipherLength: Int?
  /// Bytes of padding with the first byte counted (r + 1), as the recordings count.
  public var paddingBytes: Int?
  public var fragments: Int?
  /// For handshake lines: true when the initiator sent it.
  public var fromInitiator: Bool?
  public var proxy: ProxyMark?
}

/// Collects what one recorded line gives: events for the rules, and plain lines for people.
struct EventSink {
  var events: [Event] = []
  var plain: [PlainLine] = []
  let wantsPlain: Bool
  private(set) var seq = 0
  private var line = 0
  private var time = 0.0
  private var conn = ""
  private var leg = 0
  private var direction = Direction.fromClient

  init(wantsPlain: Bool) { self.wantsPlain = wantsPlain }

  /// Forgets the last line's events and takes the place of the next ones.
  mutating func begin(_ recorded: RecordedLine, leg: Int) {
    events.removeAll(keepingCapacity: true)
    plain.removeAll(keepingCapacity: true)
    line = recorded.number
    time = recorded.time
    conn = recorded.conn
    direction = recorded.direction
    self.leg = leg
  }

  /// The same for a line of an instance's log; `conn` says where it stands.
  mutating func begin(_ log: LogLine, leg: Int, conn: String) {
    events.removeAll(keepingCapacity: true)
    plain.removeAll(keepingCapacity: true)
    line = log.number
    time = log.time
    self.conn = conn
    direction = .fromClient
    self.leg = leg
  }

  /// What follows on this line belongs to another connection of the same name.
  mutating func turn(to leg: Int) { self.leg = leg }

  mutating func emit(_ kind: Event.Kind) {
    seq += 1
    events.append(
      Event(seq: seq, time: time, line: line, leg: leg, conn: conn, direction: direction, kind: kind))
  }

  /// Says of another connection that it is over.
  mutating func emitEnd(leg: Int, conn: String) {
    seq += 1
    events.append(
      Event(seq: seq, time: time, line: line, leg: leg, conn: conn, direction: direction, kind: .ended))
  }

  mutating func show(
    _ layer: PlainLine.Layer, _ payload: RecordedLine.Payload?, nonce: UInt64? = nil, control: String? = nil,
    cipherLength: Int? = nil, paddingBytes: Int? = nil, fragments: Int? = nil, fromInitiator: Bool? = nil,
    proxy: ProxyMark? = nil
  ) {
    guard wantsPlain else { return }
    plain.append(
      PlainLine(
        line: line, time: time, conn: conn, direction: direction, layer: layer, payload: payload, nonce: nonce,
        control: control, cipherLength: cipherLength, paddingBytes: paddingBytes, fragments: fragments,
        fromInitiator: fromInitiator, proxy: proxy))
  }
}
