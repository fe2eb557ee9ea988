import Cryptobox
import Wire
import WireBytes

@testable import CommServer

/// A server in a test: virtual clock, peers by name, and a log of what each of them got.
struct World {
  var server: CommServer
  var random = SeededRandom(seed: 5)
  private(set) var now = 0.0
  private var ids: [String: ConnectionID] = [:]
  private var names: [ConnectionID: String] = [:]
  private(set) var log: [String: [String]] = [:]
  private(set) var closed: Set<String> = []
  private(set) var transcript: [String] = []
  private var nextID: UInt64 = 0

  init(_ settings: CommServerSettings = .strict) {
    server = CommServer(settings: settings, random: &random)
  }

  static func secret(_ name: String) -> SecretKey {
    var random = SeededRandom(seed: name.utf8.reduce(17) { $0 &* 31 &+ UInt64($1) })
    return random.secretKey()
  }
  static func key(_ name: String) -> String { secret(name).publicKey.hex }

  // MARK: Events

  mutating func open(_ name: String, address: String? = "10.0.0.1") {
    nextID += 1
    ids[name] = ConnectionID(nextID)
    names[ConnectionID(nextID)] = name
    handle(.opened(ConnectionID(nextID), address: address))
  }

  mutating func say(_ name: String, _ text: String) { handle(.text(ids[name]!, text)) }
  mutating func say(_ name: String, bytes: [UInt8]) { handle(.binary(ids[name]!, bytes)) }
  mutating func leave(_ name: String, code: UInt16? = nil, reason: String = "") {
    handle(.closed(ids[name]!, code: code, reason: reason))
  }
  mutating func stop() { handle(.stop) }
  mutating func oversized(_ name: String) { handle(.oversized(ids[name]!)) }

  /// Lets time pass, deadline by deadline.
  mutating func wait(_ milliseconds: Double) {
    let end = now + milliseconds
    while let due = server.nextDeadline, due <= end {
      now = max(now, due)
      handle(.timer)
    }
    now = end
  }

  private mutating func handle(_ event: ServerEvent) {
    for action in server.handle(event, at: now, random: &random) {
      let entry: (String, String)?
      switch action {
      case .text(let id, let text): entry = (names[id]!, text)
      case .binary(let id, let bytes):
        entry = (names[id]!, "binary " + Hex.encode(bytes.prefix(40)) + " \(bytes.count)")
      case .close(let id, let code, let reason):
        closed.insert(names[id]!)
        entry = (names[id]!, "close \(code.map(String.init) ?? "-") \(reason)")
      case .splice: entry = nil
      }
      guard let (name, text) = entry else { continue }
      log[name, default: []].append(text)
      transcript.append("\(now) \(name) \(text)")
    }
  }

  // MARK: What peers got

  func got(_ name: String) -> [String] { log[name] ?? [] }
  func last(_ name: String) -> String { log[name]?.last ?? "nothing" }
  func isClosed(_ name: String) -> Bool { closed.contains(name) }
  func count(_ name: String, _ text: String) -> Int { got(name).filter { $0.contains(text) }.count }

  // MARK: Longer steps

  static let ready = #"{"command":"communication_ready"}"#

  /// Opens a socket and registers it under the key of `identity`.
  mutating func register(_ name: String, as identity: String? = nil, address: String? = "10.0.0.1") {
    let identity = identity ?? name
    open(name, address: address)
    say(name, CommServerMessage.register(publicKey: Self.key(identity)).text)
    say(name, response(to: name, as: identity))
  }

  /// The challenge that a peer got, opened; nil when there is none that opens.
  func challenge(_ name: String, as identity: String) -> (plain: [UInt8], key: SharedKey, bytes: [UInt8])? {
    for text in got(name).reversed() {
      guard case .authenticationRequest(let server, let hex)? = try? CommServerMessage.decode(text),
        let key = PublicKey(hex: server), let bytes = Hex.decode(hex)
      else { continue }
      let shared = SodiumBox().agree(theirs: key, mine: Self.secret(identity))
      guard let plain = try? ComplementProof.open(bytes, key: shared, section: "", box: SodiumBox()) else { return nil }
      return (plain, shared, bytes)
    }
    return nil
  }

  /// The right response, or one over other bytes.
  func response(
    to name: String, as identity: String, _ change: ([UInt8]) -> [UInt8] = ComplementProof.complement
  ) -> String {
    guard let (plain, key, _) = challenge(name, as: identity) else { return "{}" }
    let nonce = Nonce(bytes: [UInt8](repeating: 9, count: 24))!
    let sealed = ComplementProof.seal(change(plain), nonce: nonce, key: key, box: SodiumBox())
    return CommServerMessage.authenticationResponse(response: Hex.encode(sealed)).text
  }

  mutating func request(_ name: String, to target: String, source: String? = nil, address: String? = "10.0.0.2") {
    open(name, address: address)
    let source = source ?? Self.key(name)
    say(name, CommServerMessage.communicationRequest(source: source, target: target).text)
  }

  /// A relay between `name` and a listener, known to be up.
  mutating func relay(_ listener: String, _ dialer: String) {
    register(listener)
    request(dialer, to: Self.key(listener))
    wait(10)
    say(listener, Self.ready)
  }

  mutating func createInvitation(_ name: String, _ number: Int, expiresIn: Int? = nil) {
    let expiry = expiresIn.map { ",\"expiresIn\":\($0)" } ?? ""
    say(name, #"{"command":"invitation_create","invitationId":"\#(Self.invitation(number))"\#(expiry)}"#)
  }

  mutating func connect(_ name: String, _ number: Int, address: String? = "10.0.0.3") {
    open(name, address: address)
    say(
      name,
      #"{"command":"invitation_connect","invitationId":"\#(Self.invitation(number))","sourcePublicKey":"\#(Self.key(name))"}"#
    )
  }

  /// Accepts or rejects the request that the inviter got last.
  mutating func answer(_ name: String, _ verb: String, requestID: String? = nil) {
    let last = got(name).last { $0.contains("invitation_request") } ?? "{}"
    let id = requestID ?? (try? JSONValue.parse(last)["requestId"]?.string) ?? "none"
    say(name, #"{"command":"invitation_\#(verb)","requestId":"\#(id)"}"#)
  }

  static func invitation(_ number: Int) -> String { SHA256.hex("invitation \(number)") }
}
