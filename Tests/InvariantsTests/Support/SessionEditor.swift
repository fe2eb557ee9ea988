import Cryptobox
import Foundation
import Invariants
import Replay
import Testing
import Trace
import Wire
import WireBytes

@testable import Recording

/// One leg of a real recording as a list that a test may edit; encrypted frames stand there in clear and are sealed
/// again, with fresh counters, when the session is written.
struct SessionEditor: Sendable {
  enum Content: Equatable, Sendable {
    case open(String)
    case text(String)
    case binary([UInt8])
    /// A frame inside the encryption: text or bytes, sealed when written.
    case sealed(Reassembler.Message)
    /// A frame whose padded content is given as it is.
    case padded([UInt8])
    /// Bytes that go out as a frame without sealing; they take a counter.
    case broken([UInt8])
    /// A frame that is not there, but whose counter is used up.
    case lost
    case close(code: Int, reason: String, echo: Bool)
  }

  struct Item: Sendable {
    var time: Double
    var direction: Direction
    var content: Content
    var proxy: String?
  }

  let header: String
  let conn: String
  var items: [Item] = []
  private var key: SharedKey?
  private var initiator = Direction.fromClient
  private let box = SodiumBox()

  /// Takes one connection out of a recording; its relay partner stays behind, so that both ends are judged here.
  init(_ recording: String, _ conn: String) throws {
    self.conn = conn
    let lines = try Fixtures.lines(recording)
    header = lines[0]
    let mark = "\"conn\":\"\(conn)\""
    let ring = KeyRing(try RecordingHeader(JSONValue.parse(lines[0])))
    var clear = ClearMachine()
    var sink = EventSink(wantsPlain: false)
    var counters: [UInt64] = [0, 0]
    for (index, line) in lines.enumerated().dropFirst() where line.contains(mark) {
      let recorded = try RecordedLine(Array(line.utf8), number: index + 1)
      guard recorded.conn == conn else { continue }
      sink.begin(recorded, leg: 1)
      var item = Item(time: recorded.time, direction: recorded.direction, content: .open(""))
      switch recorded.content {
      case .open(let text): item.content = .open(text)
      case .error: continue
      case .close(let code, let reason, let echo): item.content = .close(code: code, reason: reason, echo: echo)
      case .message(let payload, _, _):
        if clear.state == .encrypted, case .binary(let frame) = payload {
          if key == nil {
            key = ring.sessionKey(initiator: clear.initiatorEphemeral, acceptor: clear.acceptorEphemeral)
            initiator = clear.initiatorDirection
            counters[Int(initiator.rawValue)] = 1
          }
          let side = Int(recorded.direction.rawValue)
          if let key, let plain = ring.open(frame, counter: counters[side], key: key) {
            let padded = try PaddedMessage.decode(plain)
            item.content = .sealed(padded.isText ? .text(lenientText(padded.body)) : .binary(padded.body))
          } else {
            item.content = .broken(frame)
          }
          counters[side] += 2
        } else {
          clear.receive(payload, forwarded: nil, recorded.direction, keys: ring, &sink)
          switch payload {
          case .text(let text): item.content = .text(text)
          case .binary(let bytes): item.content = .binary(bytes)
          }
        }
      }
      items.append(item)
    }
  }

  // MARK: Finding and editing

  func index(_ part: String, _ direction: Direction? = nil, from start: Int = 0) -> Int {
    for position in start..<items.count {
      guard direction == nil || items[position].direction == direction else { continue }
      switch items[position].content {
      case .text(let text), .sealed(.text(let text)), .close(_, let text, _): if text.contains(part) { return position }
      default: continue
      }
    }
    Issue.record("no item with \(part) in \(conn)")
    return items.count - 1
  }

  func sealedBinary(_ number: Int, _ direction: Direction) -> Int {
    let found = items.indices.filter {
      guard items[$0].direction == direction, case .sealed(.binary) = items[$0].content else { return false }
      return true
    }
    return found[number]
  }

  mutating func replace(_ part: String, _ with: String, _ direction: Direction? = nil, from start: Int = 0) {
    let position = index(part, direction, from: start)
    switch items[position].content {
    case .text(let text): items[position].content = .text(text.replacingOccurrences(of: part, with: with))
    case .sealed(.text(let text)):
      items[position].content = .sealed(.text(text.replacingOccurrences(of: part, with: with)))
    case .close(let code, let text, let echo):
      items[position].content = .close(code: code, reason: text.replacingOccurrences(of: part, with: with), echo: echo)
    default: break
    }
  }

  mutating func drop(_ part: String, _ direction: Direction? = nil, from start: Int = 0) {
    items.remove(at: index(part, direction, from: start))
  }

  mutating func `repeat`(_ part: String, _ direction: Direction? = nil) {
    let position = index(part, direction)
    items.insert(items[position], at: position + 1)
  }

  /// Puts a sealed text behind an item, in a direction, at its time.
  mutating func insert(_ text: String, _ direction: Direction, after position: Int) {
    items.insert(
      Item(time: items[position].time, direction: direction, content: .sealed(.text(text))), at: position + 1)
  }

  mutating func insert(_ content: Content, _ direction: Direction, after position: Int) {
    items.insert(Item(time: items[position].time, direction: direction, content: content), at: position + 1)
  }

  mutating func swap(_ one: Int, _ other: Int) {
    let content = items[one].content
    items[one].content = items[other].content
    items[other].content = content
    let direction = items[one].direction
    items[one].direction = items[other].direction
    items[other].direction = direction
  }

  /// Moves everything from an item on by some time.
  mutating func delay(_ ms: Double, from position: Int) {
    for index in position..<items.count { items[index].time += ms }
  }

  /// Seals everything with another key than the two ends agreed on.
  mutating func seal(with key: SharedKey?) { self.key = key }

  mutating func cut(from position: Int) { items.removeSubrange(position...) }

  // MARK: Writing and judging

  func written() -> [UInt8] {
    var lines = [header]
    var counters: [UInt64] = [0, 0]
    counters[Int(initiator.rawValue)] = 1
    for item in items {
      var line: JSONValue = ["t": .number(item.time), "conn": .string(conn), "dir": .string(item.direction.name)]
      guard case .object(var object) = line else { continue }
      let side = Int(item.direction.rawValue)
      func sealed(_ plain: [UInt8]) {
        let frame = key.map { box.seal(plain, nonce: Nonce(counter: counters[side]), key: $0) } ?? plain
        counters[side] += 2
        object.append("kind", "binary")
        object.append("data", .string(Base64.encode(frame)))
      }
      switch item.content {
      case .open(let text):
        object.append("kind", "open")
        object.append("data", .string(text))
      case .text(let text):
        object.append("kind", "text")
        object.append("data", .string(text))
      case .binary(let bytes):
        object.append("kind", "binary")
        object.append("data", .string(Base64.encode(bytes)))
      case .lost:
        counters[side] += 2
        continue
      case .broken(let bytes):
        counters[side] += 2
        object.append("kind", "binary")
        object.append("data", .string(Base64.encode(bytes)))
      case .sealed(.text(let text)):
        sealed(
          PaddedMessage.encode(body: Array(text.utf8), isText: true, r: padding(counters[side]), randomPadding: []))
      case .sealed(.binary(let bytes)):
        sealed(PaddedMessage.encode(body: bytes, isText: false, r: padding(counters[side]), randomPadding: []))
      case .padded(let plain): sealed(plain)
      case .close(let code, let reason, let echo):
        object.append("kind", "close")
        object.append("code", .number(Double(code)))
        object.append("reason", .string(reason))
        if echo { object.append("echo", true) }
      }
      if let proxy = item.proxy { object.append("proxy", .string(proxy)) }
      line = .object(object)
      lines.append(line.compact)
    }
    return Array((lines.joined(separator: "\n") + "\n").utf8)
  }

  /// Paddings spread over the range, as a good sender's do.
  private func padding(_ counter: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: counter &* 37) }

  func findings(_ rule: any Rule.Type) throws -> [Finding] { try judge(written(), [rule]) }

  /// The line of the first item that differs.
  func firstDifference(from other: SessionEditor) -> Int {
    for (index, (one, two)) in zip(items, other.items).enumerated() where !one.isSame(as: two) { return index + 2 }
    return min(items.count, other.items.count) + 2
  }
}

extension SessionEditor.Item {
  func isSame(as other: SessionEditor.Item) -> Bool {
    time == other.time && direction == other.direction && proxy == other.proxy && content == other.content
  }
}
