import Cryptobox
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

  /// `connections` one after the other, each with `rounds` of `objectsPerRound` new objects.
  public init(connections: Int, rounds: Int = 20, objectsPerRound: Int = 20) {
    self.connections = connections
    self.rounds = rounds
    self.objectsPerRound = objectsPerRound
    dialer = Self.key(1)
    acceptor = Self.key(2)
  }

  /// Secret keys from a counter: the same session every time.
  private static func key(_ number: Int) -> SecretKey {
    var bytes = [UInt8](repeating: 0x42, count: 32)
    for position in 0..<8 { bytes[position] = UInt8(truncatingIfNeeded: number >> (8 * position)) }
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
    // Ephemeral secrets come from a short cycle, so that the header stays small; each connection mixes two of them.
    for cycle in 0..<Self.cycle { keys.append(pair(Self.key(1_000 + cycle), "peer")) }
    let value: JSONValue = [
      "type": "header", "format": "one-ws-recording/1", "name": "synthetic",
      "keys": ["x25519": .array(keys)],
    ]
    lines += Array(value.compact.utf8) + [0x0A]
  }

  private static let cycle = 512

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
    let one = Self.key(1_000 + number % Self.cycle)
    let two = Self.key(1_000 + (number + 1 + number / Self.cycle) % Self.cycle)
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
    let frame = channel.seal(text, direction, box)
    frameCount += 1
    frameBytes += frame.count
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
    let challenge = [UInt8](repeating: 9, count: 64)
    let order: [(Direction, [UInt8])] = [
      (.fromServer, challenge), (.fromClient, challenge.map { ~$0 }), (.fromClient, challenge),
      (.fromServer, challenge.map { ~$0 }),
    ]
    for (index, (direction, plain)) in order.enumerated() {
      let nonce = Nonce(counter: 100 + UInt64(index))
      let bytes = nonce.bytes + box.seal(plain, nonce: nonce, key: proofKey)
      let frame = channel.seal(bytes, direction, box)
      frameCount += 1
      frameBytes += frame.count
      line(channel.conn, direction, "binary", Base64.encode(frame))
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
        #"<div itemscope itemtype="//refin.io/ChatMessage"><span itemprop="text">\#(seed).\#(round).\#(index)</span></div>"#
      objects.append((SHA256.hex(text), text))
    }
    request(&channel, .fromServer, 2, nil, .string("[]"))
    let roots = objects.map { RootEntry.unversioned(hash: $0.hash, type: "ChatMessage") }
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

  mutating func seal(_ text: String, _ direction: Direction, _ box: SodiumBox) -> [UInt8] {
    seal(Array(text.utf8), isText: true, direction, box)
  }

  mutating func seal(_ bytes: [UInt8], _ direction: Direction, _ box: SodiumBox) -> [UInt8] {
    seal(bytes, isText: false, direction, box)
  }

  private mutating func seal(_ body: [UInt8], isText: Bool, _ direction: Direction, _ box: SodiumBox) -> [UInt8] {
    let side = Int(direction.rawValue)
    defer { counters[side] += 2 }
    // A padding that runs through the whole range stands in for a random one.
    let r = UInt8(truncatingIfNeeded: counters[side] &* 97)
    let plain = PaddedMessage.encode(body: body, isText: isText, r: r, randomPadding: [])
    return box.seal(plain, nonce: Nonce(counter: counters[side]), key: key)
  }
}
