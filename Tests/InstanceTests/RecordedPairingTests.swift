import Cryptobox
import Testing
import Wire

@testable import Instance

/// A whole instance of ours in place of a recorded inviter or invitee.
@Suite struct RecordedPairingTests {
  static let pairings: [RecordedConnection] = Fixtures.names.flatMap { name in
    ((try? RecordedConnection.all(name)) ?? []).filter { connection in
      guard connection.sessionKey != nil, let actor = RecordedActor(connection, .initiator) else { return false }
      return actor.group == "pairing" && RecordedActor.identityFile(actor.own) != nil
        && RecordedActor.identityFile(actor.other) != nil
    }
  }

  @Test func `our invitee sends every byte of the recorded invitees`() throws {
    for connection in Self.pairings {
      let (sent, reports, reason) = try Self.playInvitee(connection, profile: .deployed)
      #expect(sent == connection.sent(.initiator), "\(connection.recording) \(connection.conn)")
      #expect(
        reports.contains { if case .pairingSucceeded(let success) = $0 { success.initiatedLocally } else { false } })
      #expect(reason == "Close called.")
    }
    #expect(Self.pairings.count >= 10)
  }

  @Test func `our strict invitee sends the same bytes and finds nothing to refuse`() throws {
    for connection in Self.pairings {
      let (sent, reports, _) = try Self.playInvitee(connection, profile: .strict)
      #expect(sent == connection.sent(.initiator), "\(connection.recording) \(connection.conn)")
      #expect(reports.contains { if case .pairingSucceeded = $0 { true } else { false } })
    }
  }

  @Test(arguments: Profile.allCases)
  func `our inviter sends every byte of the recorded inviters`(profile: Profile) throws {
    for connection in Self.pairings {
      let actor = try #require(RecordedActor(connection, .acceptor))
      let identity = try actor.identity(of: actor.own)
      let run = try AcceptorRun(connection, identity: identity, profile: profile, random: actor.random) { instance in
        instance.tokens.create(actor.token ?? "", person: identity.personId, mode: .iop, expiresAt: 1e9)
      }
      #expect(run.sent == connection.sent(.acceptor), "\(connection.recording) \(connection.conn)")
      let succeeded = run.reports.compactMap { if case .pairingSucceeded(let success) = $0 { success } else { nil } }
      #expect(succeeded.count == 1)
      #expect(succeeded.first?.initiatedLocally == false)
      #expect(succeeded.first?.token == actor.token)
      #expect(run.instance.book.count == 1)
      #expect(run.instance.tokens.count == 0)
      #expect(run.closedWith == nil)
    }
  }

  static func playInvitee(
    _ connection: RecordedConnection, profile: Profile
  ) throws -> (sent: [WireMessage], reports: [InstanceReport], reason: String?) {
    let actor = try #require(RecordedActor(connection, .initiator))
    let identity = try actor.identity(of: actor.own)
    var settings = InstanceSettings(profile: profile)
    settings.broker = .off
    settings.dialsPeers = false
    var instance = Instance(settings: settings, keychain: Keychain([identity]), box: SodiumBox())
    var random = actor.random
    let invitation = Invitation(
      token: actor.token ?? "", publicKey: connection.request.target.hex, url: "ws://comm.example.org")
    var sent: [WireMessage] = []
    var reports: [InstanceReport] = []
    var reason: String?
    func take(_ actions: [InstanceAction]) {
      for action in actions {
        switch action {
        case .send(_, let message): sent.append(message)
        case .report(let report): reports.append(report)
        case .close(_, let text): reason = text
        case .open: break
        }
      }
    }
    take(instance.handle(.command(.join(invitation, JoinOptions())), at: 0, random: &random))
    let id = SocketID.dialled(1)
    take(instance.handle(.opened(id), at: 0, random: &random))
    for case .message(.acceptor, _, let arrived, let time) in connection.steps {
      for message in arrived { take(instance.handle(.message(id, message), at: time, random: &random)) }
    }
    #expect(random.missing == 0)
    #expect(random.unused == 0)
    return (sent, reports, reason)
  }
}

/// An acceptor of ours, fed with what a recorded acceptor got.
struct AcceptorRun {
  var instance: Instance
  var sent: [WireMessage] = []
  var reports: [InstanceReport] = []
  var closedWith: String?
  /// Application messages behind P9.
  var delivered: [WireMessage] = []

  init(
    _ connection: RecordedConnection, identity: Identity, profile: Profile, random: ScriptedRandom,
    isPaired: Bool = true, prepare: (inout Instance) -> Void
  ) throws {
    var settings = InstanceSettings(profile: profile)
    settings.dialsPeers = false
    settings.storeDelay = 0
    settings.defects = []
    instance = Instance(settings: settings, keychain: Keychain([identity]), box: SodiumBox())
    prepare(&instance)
    var random = random
    let id = SocketID.accepted(1)
    var last = 0.0
    if case .message(_, _, _, let time)? = connection.steps.first { last = time }
    take(instance.handle(.accepted(id), at: last, random: &random))
    for step in connection.steps {
      switch step {
      case .message(.initiator, _, let arrived, let time):
        last = time
        runTimers(to: time, &random)
        for message in arrived { take(instance.handle(.message(id, message), at: time, random: &random)) }
      case .message(.acceptor, _, _, let time): runTimers(to: time, &random)
      case .close(.initiator?, let reason):
        take(instance.handle(.closed(id, code: 1_000, reason: reason), at: last, random: &random))
      case .close: break
      }
    }
  }

  private mutating func runTimers(to time: Double, _ random: inout ScriptedRandom) {
    while let due = instance.nextDeadline, due <= time {
      take(instance.handle(.timer, at: due, random: &random))
    }
  }

  private mutating func take(_ actions: [InstanceAction]) {
    for action in actions {
      switch action {
      case .send(_, let message): sent.append(message)
      case .report(.application(_, let message)): delivered.append(message)
      case .report(let report): reports.append(report)
      case .close(_, let text): closedWith = closedWith ?? text
      case .open: break
      }
    }
  }
}
