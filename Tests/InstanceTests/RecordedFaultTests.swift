import Cryptobox
import Testing
import Wire
import WireBytes

@testable import Instance

/// The recorded faults against our acceptor: deployed reacts as recorded, strict closes at each.
@Suite struct RecordedFaultTests {
  static let identityFaults = ["fail-identity-1", "fail-identity-nolistener-1"].filter(Fixtures.names.contains)

  @Test(arguments: identityFaults)
  func `a deployed acceptor answers identity faults with the recorded bytes, silence or close`(name: String) throws {
    let connections = try RecordedConnection.all(name).filter { $0.sessionKey != nil }
    var stayedOpen = 0
    for connection in connections {
      let run = try runAcceptor(connection, among: connections, profile: .deployed)
      #expect(run.sent == connection.sent(.acceptor), "\(name) \(connection.conn)")
      #expect(run.closedWith.map(comparable) == closeOfAcceptor(connection).map(comparable), "\(connection.conn)")
      if run.closedWith == nil { stayedOpen += 1 }
    }
    #expect(stayedOpen > 0 && !connections.isEmpty)
  }

  @Test(arguments: identityFaults)
  func `a strict acceptor closes at every identity fault and sends nothing more than the deployed one`(
    name: String
  ) throws {
    let connections = try RecordedConnection.all(name).filter { $0.sessionKey != nil }
    for connection in connections {
      let run = try runAcceptor(connection, among: connections, profile: .strict)
      let reason = try #require(run.closedWith, "\(name) \(connection.conn)")
      #expect(reason.utf8.count < 30 && !reason.contains("Error"))
      #expect(connection.sent(.acceptor).starts(with: run.sent), "\(connection.conn)")
    }
  }

  private func runAcceptor(
    _ connection: RecordedConnection, among all: [RecordedConnection], profile: Profile
  ) throws -> AcceptorRun {
    let actor = try #require(RecordedActor(connection, .acceptor))
    // Names and keys of the acceptor stand in those connections that got far enough.
    let said = all.filter { $0.request.target == connection.request.target }
      .compactMap { RecordedActor($0, .acceptor)?.own }.flatMap(\.self)
    let identity = try actor.identity(of: said, instanceKey: connection.request.target)
    return try AcceptorRun(connection, identity: identity, profile: profile, random: actor.random) { _ in }
  }

  /// The reason with which the acceptor closed by itself; nil when the other side did.
  private func closeOfAcceptor(_ connection: RecordedConnection) -> String? {
    for case .close(let side, let reason) in connection.steps { return side == .acceptor ? reason : nil }
    return nil
  }

  /// JavaScript's own words behind `SyntaxError:` are no part of the protocol.
  private func comparable(_ reason: String) -> String {
    guard let range = reason.firstRange(of: "SyntaxError") else { return reason }
    return String(reason[..<range.lowerBound])
  }

  // MARK: Tokens

  @Test(arguments: Profile.allCases)
  func `wrong, empty, used, expired and foreign tokens are refused as recorded`(profile: Profile) throws {
    for name in Fixtures.names where name.hasPrefix("fail-pair-token") {
      let connections = try RecordedConnection.all(name).filter {
        RecordedActor($0, .initiator)?.group == "pairing"
      }
      let targets = Set(connections.map(\.request.target))
      var refusals = 0
      for target in targets {
        refusals += try runInviter(connections.filter { $0.request.target == target }, profile)
      }
      #expect(refusals >= 6)
    }
  }

  /// One inviter for all its connections in order; gives the number of refusals.
  private func runInviter(_ connections: [RecordedConnection], _ profile: Profile) throws -> Int {
    let actors = try connections.map { try #require(RecordedActor($0, .acceptor)) }
    let identity = try actors[0].identity(of: actors.flatMap(\.own), instanceKey: connections[0].request.target)
    var settings = InstanceSettings(profile: profile)
    settings.dialsPeers = false
    settings.storeDelay = 0
    var instance = Instance(settings: settings, keychain: Keychain([identity]), box: SodiumBox())
    let used = actors.filter { RecordedActor.identityFile($0.own) != nil }.compactMap(\.token)
    for token in Set(used) { instance.tokens.create(token, person: identity.personId, mode: .iop, expiresAt: 1e9) }
    var refusals = 0
    for (index, actor) in actors.enumerated() {
      let connection = actor.connection
      if let token = actor.token, !used.contains(token), token.utf8.count == 64,
        case .message(_, _, _, let time)? = connection.steps.first
      {
        // What is no token of anybody here, or was one until a moment ago.
        instance.tokens.create(token, person: identity.personId, mode: .iop, expiresAt: time)
      }
      var random = actor.random
      var sent: [WireMessage] = []
      var reason: String?
      func take(_ actions: [InstanceAction]) {
        for action in actions {
          if case .send(_, let message) = action { sent.append(message) }
          if case .close(_, let text) = action { reason = text }
        }
      }
      let id = SocketID.accepted(UInt64(index))
      take(instance.handle(.accepted(id), at: 0, random: &random))
      var last = 0.0
      for case .message(.initiator, _, let arrived, let time) in connection.steps {
        last = time
        for message in arrived { take(instance.handle(.message(id, message), at: time, random: &random)) }
      }
      take(instance.handle(.closed(id, code: 1_000, reason: ""), at: last, random: &random))
      #expect(sent == connection.sent(.acceptor), "\(connection.recording) \(connection.conn)")
      if let recorded = closeOfAcceptor(connection) {
        #expect(profile == .strict ? reason == "refused" : reason == recorded, "\(connection.conn)")
        refusals += 1
      } else {
        #expect(reason == nil)
      }
    }
    #expect(instance.book.count == Set(used).count)
    return refusals
  }

  // MARK: Tampering

  @Test(arguments: Profile.allCases)
  func `each tampering closes at the side that recorded it, and strict delivers nothing behind it`(
    profile: Profile
  ) throws {
    var faults = 0
    for name in Fixtures.names where name.hasPrefix("fail-tamper") {
      for connection in try RecordedConnection.all(name) {
        guard case .close(let closer?, let recorded)? = firstClose(connection) else { continue }
        let outcome = try tamper(connection, closer, profile)
        let reason = try #require(outcome.reason, "\(name) \(connection.conn)")
        if profile == .deployed { #expect(comparable(reason) == comparable(recorded), "\(connection.conn)") }
        if profile == .strict {
          #expect(outcome.deliveredLate == 0)
          #expect(reason.utf8.count < 30)
        }
        faults += 1
      }
    }
    #expect(faults >= 14)
  }

  private func firstClose(_ connection: RecordedConnection) -> RecordedConnection.Step? {
    connection.steps.first { if case .close = $0 { true } else { false } }
  }

  private func tamper(
    _ connection: RecordedConnection, _ side: RecordedConnection.Side, _ profile: Profile
  ) throws -> (reason: String?, deliveredLate: Int) {
    let isInitiator = side == .initiator
    let secret = try #require(connection.keys[isInitiator ? connection.request.source : connection.request.target])
    let own = KeyPair(secret: secret, box: SodiumBox())
    let settings = InstanceSettings(profile: profile)
    var link =
      isInitiator
      ? SecureLink.dialling(own: own, target: connection.request.target, settings: settings, box: AnyBox(SodiumBox()))
      : SecureLink.accepting(keys: [own], settings: settings, box: AnyBox(SodiumBox()))
    var random = ScriptedRandom(connection.handshakeDraws(side) ?? [UInt8](repeating: 5, count: 56))
    var reason: String?
    var late = 0
    _ = link.start()
    for case .message(let from, _, let arrived, _) in connection.steps where from != side {
      for message in arrived {
        for output in link.receive(message, now: 0, random: &random) {
          if case .message = output, reason != nil { late += 1 }
          if case .close(let cause, _) = output { reason = reason ?? cause.reason(profile) }
        }
      }
    }
    return (reason, late)
  }
}
