import CommServer
import Network
import Scenario
import Testing
import WebSocketWire
import Wire

@testable import Conformance

@Suite("Sockets that the gate itself keeps back")
struct PacingTests {
  private func machine(_ steps: String) throws -> CaseMachine {
    var budget = Budget.virtual
    (budget.answer, budget.close) = (100, 100)
    return CaseMachine(try ConformanceFixtures.definition(steps), facts: [:], budget: budget, seed: 1)
  }

  private func link(_ actions: [TransportAction]) throws -> LinkID {
    try #require(actions.compactMap { if case .connect(let link) = $0 { link } else { nil } }.first)
  }

  @Test
  func `the target's time to open begins when its connection is made`() throws {
    var machine = try machine("    - open: r")
    let link = try link(machine.start(at: 0))
    _ = machine.handle(.held(link), at: 0)
    #expect(machine.nextDeadline == nil)
    _ = machine.timer(at: 5_000)
    #expect(!machine.isDone)
    _ = machine.handle(.dialled(link), at: 5_000)
    #expect(machine.nextDeadline == 5_100)
    _ = machine.timer(at: 5_100)
    #expect(machine.outcome.behaviour?.found == "nothing within 100 ms")
  }

  @Test
  func `without a pacer a mute target is told at once`() throws {
    var machine = try machine("    - open: r")
    _ = machine.start(at: 0)
    _ = machine.timer(at: 100)
    #expect(machine.outcome.behaviour != nil)
  }

  @Test
  func `what another connection is owed waits for the one that is kept back`() throws {
    var machine = try machine(
      """
          - open: a
          - parallel:
            - [{open: b}]
            - [{expect: {on: a, closed: any}}]
      """)
    let a = try link(machine.start(at: 0))
    var request: [UInt8] = []
    for case .bytes(_, let bytes) in machine.handle(.connected(a), at: 0) { request += bytes }
    let answer = OpeningHandshake.answer(to: try #require(try OpeningHandshake.takeHead(&request)))
    let b = try link(machine.handle(.bytes(a, answer.response), at: 50))
    _ = machine.handle(.held(b), at: 50)
    _ = machine.timer(at: 900)
    #expect(!machine.isDone)
    _ = machine.handle(.dialled(b), at: 1_050)
    #expect(machine.nextDeadline == 1_150)
    _ = machine.timer(at: 1_150)
    #expect(machine.outcome.behaviour != nil)
  }

  @Test
  func `the pacer never gives more than its rate, and little credit for a pause`() {
    var pacer = Pacer(perSecond: 10)
    var times: [Double] = []
    for now in stride(from: 0.0, to: 1_000, by: 5) where pacer.take(at: now) { times.append(now) }
    #expect((10...11).contains(times.count))
    let again = (0..<10).count { _ in pacer.take(at: 60_000) }
    #expect(again == 2)
    var free = Pacer(perSecond: nil)
    let all = (0..<100).count { _ in free.take(at: 0) }
    #expect(all == 100)
  }

  @Test
  func `a server passes behind a pacer that keeps sockets back for longer than an answer may take`() async throws {
    var settings = CommServerSettings(profile: .deployed)
    settings.socketsPerSecond = nil
    let server = try await RelayServer(ServerOptions(settings: settings))
    var options = SocketTarget.Options()
    options.socketsPerSecond = 1
    var target = try SocketTarget(
      try #require(WebSocketURL(server.url)), facts: ServerSettings.facts(settings), options: options)
    var budget = Budget()
    budget.answer = 900
    let definition = try ConformanceFixtures.definition("    - register: l\n    - relay: {listener: l, requester: r}")
    var outcomes: [CaseOutcome] = []
    target.run([CaseJob(definition, budget: budget, seed: 1), CaseJob(definition, budget: budget, seed: 2)]) {
      outcomes.append($1)
    }
    target.shutdown()
    await server.stop(grace: 200)
    #expect(outcomes.count == 2)
    for outcome in outcomes { #expect(outcome.isClean, "\(String(describing: outcome.behaviour))") }
  }
}
