public import Cryptobox
public import Recording
import Trace
import Wire
import WireBytes

/// A session of any length, made while it is read: connections that meet, synchronise and close, one after another.
///
/// For benchmarks: real boxes, real hashes, valid in every rule; nothing is kept but the connection being written.
public struct SyntheticSession: ByteSource {
  private let connections: Int
  private let rounds: Int
  private let objectsPerRound: Int
  private var number = 0
  private var time = 0.0
  private var lines: [UInt8] = []
  private let box = SodiumBox()
  private let dialer: SecretKey
  private let acceptor: SecretKey
  /// Encrypted frames and their bytes so far, for rates.
  public private(set) var frameCount = 0
  public private(set) var frameBytes = 0
  /// The frames of the first connection in their order, for who wants to open them himself.
  public private(set) var firstFrames: [SealedSample] = []

  /// An encrypted frame with what opens it.
  public struct SealedSample: Sendable {
    public let frame: [UInt8]
    public let counter: UInt64
    public let key: SharedKey
  }

  /// `connections` one after the other, each with `rounds` of `objectsPerRound` new objects.
  ///
  /// Every connection has ephemeral keys of its own and the header names them all, so there are at most
  /// `longest` connections; where more are asked for, each one gets more rounds instead.
  public init(connections: Int, rounds: Int = 20, objectsPerRound: Int = 20) {
    self.connections = min(connections, Self.longest)
    self.rounds = rounds * max(1, (connections + Self.longest - 1) / Self.longest)
    self.objectsPerRound = objectsPerRound
    dialer = Self.key(1)
    acceptor = Self.key(2)
  }

  /// Secret keys from a counter: the same session every time.
  private static func key(_ number: Int) -> SecretKey {
    var bytes = [UInt8](repeating: 0x42, count: 32)
    // The first byte stays alone: clamping would take its lowest bits away, and make neighbours equal.
    for position in 0..<8 { bytes[1 + position] = UInt8(truncatingIfNeeded: number >> (8 * position)) }
    guard let key = SecretKey(bytes: bytes) else { preconditionFailure("thirty-two bytes are a key") }
    return key
  }

  public mutating func next() -> [UInt8] {
    lines.removeAll(keepingCapacity: true)
    if number == 0 {
      header()
    } else if number <= connections {
      connection(number)
    }
    number += 1
    return lines
  }

  private mutating func header() {
    func pair(_ key: SecretKey, _ role: String) -> JSONValue {
      ["role": .string(role), "pub": .string(key.publicKey.hex), "sec": .string(Hex.encode(key.exposedBytes))]
    }
    var keys = [pair(dialer, "dialer"), pair(acceptor, "acceptor")]
    // All of them in every session, so that short and long ones start from the same memory.
    for index in 0..<2 * Self.longest { keys.append(pair(Self.key(1_000 + index), "peer")) }
    let value: JSONValue = [
      "type": "header", "format": "one-ws-recording/1", "name": "synthetic",
      "keys": ["x25519": .array(keys)],
    ]
    lines += Array(value.compact.utf8) + [0x0A]
  }

  static let longest = 512

  private mutating func line(_ conn: String, _ direction: Direction, _ kind: String, _ data: String) {
    time += 0.5
    let head =
      "{\"t\":\(JSONText.number(time)),\"conn\":\"\(conn)\",\"dir\":\"\(direction.name)\",\"kind\":\"\(kind)\",\"data\":"
    lines += Array(head.utf8)
    JSONText.quote(data, to: &lines)
    lines += [0x7D, 0x0A]
  }

  /// One connection from the request to the close.
  private mutating func connection(_ number: Int) {
    let conn = "c\(number)"
    let one = Self.key(1_000 + 2 * (number - 1))
    let two = Self.key(1_000 + 2 * (number - 1) + 1)
    line(conn, .fromClient, "open", "{}")
    line(
      conn, .fromClient, "text",
      CommServerMessage.communicationRequest(source: dialer.publicKey.hex, target: acceptor.publicKey.hex).text)
    line(conn, .fromServer, "text", CommServerMessage.communicationReady.text)
    let staticKey = box.agree(theirs: acceptor.publicKey, mine: dialer)
    for (direction, key) in [(Direction.fromClient, one), (.fromServer, two)] {
      let nonce = Nonce(counter: UInt64(number * 2) + UInt64(direction.rawValue))
      line(
        conn, direction, "binary",
        Base64.encode(nonce.bytes + box.seal(key.publicKey.bytes, nonce: nonce, key: staticKey)))
    }
    var channel = SyntheticChannel(conn: conn, key: box.agree(theirs: two.publicKey, mine: one))
    establish(&channel)
    for round in 0..<rounds { synchronise(&channel, round, seed: number) }
    time += 10
    let closing =
      "{\"t\":\(JSONText.number(time)),\"conn\":\"\(conn)\",\"dir\":\"c2s\",\"kind\":\"close\",\"code\":1000,\"reason\":\"Close called.\"}\n"
    lines += Array(closing.utf8)
    lines += Array(closing.replacingDirection().utf8)
  }

  private mutating func send(_ channel: inout SyntheticChannel, _ direction: Direction, _ text: String) {
    frame(&channel, direction, Array(text.utf8), isText: true)
  }

  private mutating func frame(
    _ channel: inout SyntheticChannel, _ direction: Direction, _ body: [UInt8], isText: Bool
  ) {
    let (frame, counter) = channel.seal(body, isText: isText, direction, box)
    frameCount += 1
    frameBytes += frame.count
    if number == 1 { firstFrames.append(SealedSample(frame: frame, counter: counter, key: channel.key)) }
    line(channel.conn, direction, "binary", Base64.encode(frame))
  }

  private mutating func establish(_ channel: inout SyntheticChannel) {
    send(&channel, .fromClient, PeerMessage.connectionGroup(name: "chum").text)
    send(&channel, .fromServer, PeerMessage.sync.text)
    for direction in Direction.allCases {
      send(&channel, direction, PeerMessage.personIdObject(email: "\(direction.name)@example.org").text)
    }
    for (direction, key) in [(Direction.fromClient, dialer), (.fromServer, acceptor)] {
      let owner = IdHash.person(email: "\(direction.name)@example.org")
      send(
        &channel, direction,
        PeerMessage.keysObject(owner: owner, publicKey: key.publicKey.hex, publicSignKey: key.publicKey.hex).text)
    }
    let proofKey = box.agree(theirs: acceptor.publicKey, mine: dialer)
    let challenges = ["a", "b"].map { side in
      SHA256.hash(Array("\(side)1 \(number)".utf8)) + SHA256.hash(Array("\(side)2 \(number)".utf8))
    }
    let order: [(Direction, [UInt8])] = [
      (.fromServer, challenges[0]), (.fromClient, ComplementProof.complement(challenges[0])),
      (.fromClient, challenges[1]), (.fromServer, ComplementProof.complement(challenges[1])),
    ]
    for (index, (direction, plain)) in order.enumerated() {
      // The range lies apart from that of the key messages, whose box has the same key here.
      let nonce = Nonce(counter: 1 << 40 + UInt64(number * order.count + index))
      frame(&channel, direction, nonce.bytes + box.seal(plain, nonce: nonce, key: proofKey), isText: false)
    }
    for direction in Direction.allCases {
      let owner = IdHash.person(email: "\(direction.name)@example.org")
      send(&channel, direction, PeerMessage.instanceIdObject(name: "i-\(direction.name)", owner: owner).text)
    }
    for direction in Direction.allCases { send(&channel, direction, ChumMessage.controlText) }
    for direction in Direction.allCases {
      send(&channel, direction, ChumMessage.request(id: 0, service: 1, args: []).text)
      send(&channel, direction.opposite, ChumMessage.data(id: 0, 8).text)
    }
  }

  /// Both sides ask for the roots; the client then fetches what is new.
  private mutating func synchronise(_ channel: inout SyntheticChannel, _ round: Int, seed: Int) {
    var objects: [(hash: String, text: String)] = []
    for index in 0..<objectsPerRound {
      let text =
        #"<div itemscope itemtype="//refin.io/PersonName"><span itemprop="name">\#(seed).\#(round).\#(index)</span></div>"#
      objects.append((SHA256.hex(text), text))
    }
    request(&channel, .fromServer, 2, nil, .string("[]"))
    let roots = objects.map { RootEntry.unversioned(hash: $0.hash, type: "PersonName") }
    request(&channel, .fromClient, 2, nil, .string(RootEntry.encodeList(roots)))
    for object in objects {
      request(&channel, .fromClient, 4, object.hash, "[]")
      request(&channel, .fromClient, 6, object.hash, .string(object.text))
    }
    time += 5_000
  }

  private mutating func request(
    _ channel: inout SyntheticChannel, _ asker: Direction, _ service: Int, _ hash: String?, _ answer: JSONValue
  ) {
    let id = channel.nextId(asker)
    send(&channel, asker, ChumMessage.request(id: id, service: service, args: hash.map { [.string($0)] } ?? []).text)
    send(&channel, asker.opposite, ChumMessage.data(id: id, answer).text)
  }
}

extension String {
  /// The server's echo of the client's close line.
  fileprivate func replacingDirection() -> String {
    var text = self
    if let range = text.firstRange(of: "\"c2s\"") { text.replaceSubrange(range, with: "\"s2c\"") }
    if let range = text.firstRange(of: "}\n") { text.replaceSubrange(range, with: ",\"echo\":true}\n") }
    return text
  }
}

/// The sending side of both directions of one synthetic connection.
struct SyntheticChannel {
  let conn: String
  let key: SharedKey
  private var counters: [UInt64] = [1, 0]
  private var ids = [1, 1]

  init(conn: String, key: SharedKey) {
    self.conn = conn
    self.key = key
  }

  mutating func nextId(_ direction: Direction) -> Int {
    defer { ids[Int(direction.rawValue)] += 1 }
    return ids[Int(direction.rawValue)]
  }

  /// One frame and the counter that sealed it.
  mutating func seal(
    _ body: [UInt8], isText: Bool, _ direction: Direction, _ box: SodiumBox
  ) -> (frame: [UInt8], counter: UInt64) {
    let side = Int(direction.rawValue)
    let counter = counters[side]
    counters[side] += 2
    // A padding that runs through the whole range stands in for a random one.
    let r = UInt8(truncatingIfNeeded: counter &* 97)
    let plain = PaddedMessage.encode(body: body, isText: isText, r: r, randomPadding: [])
    return (box.seal(plain, nonce: Nonce(counter: counter), key: key), counter)
  }
}
