import CommServer
import Conformance
import Scenario
import Testing
import Wire

@Suite("The case engine")
struct EngineTests {
  private func run(_ steps: String, strict: Bool = false, more: String = "") throws -> CaseOutcome {
    let definition = try ConformanceFixtures.definition(steps, more: more)
    let target = EmbeddedServer(settings: CommServerSettings(profile: strict ? .strict : .deployed))
    return target.run(CaseJob(definition, budget: .virtual, seed: 7))
  }

  @Test
  func `formulas compute with units, operators, members and crypto`() throws {
    let outcome = try run(
      """
          - let: {a: key('x'), b: key('y'), m: utf8('hello')}
          - let: {sealed: "seal(m, b.public, a.secret)"}
          - check: {that: "unseal(sealed, a.public, b.secret) == m", else: box}
          - check: {that: "negate(negate(m)) == m && flip(flip(m, 3), 3) == m", else: bits}
          - check: {that: "2 s + 500 ms == 2500 && 1 min / 2 == 30000", else: units}
          - check: {that: "size(concat(m, zeros(3))) == 8 && slice(m, 1, 2) == '656c'", else: bytes}
          - check: {that: "agree(a.public, b.secret) == agree(b.public, a.secret)", else: agreement}
          - check: {that: "upper('ab') == 'AB' && contains('abc', 'bc') && not(1 > 2)", else: texts}
          - check: {that: "key('x').public == a.public && key().public != key().public", else: keys}
      """)
    #expect(outcome.isClean, "\(String(describing: outcome.error ?? outcome.behaviour))")
  }

  @Test
  func `a formula that cannot be computed is an error of the case, a box that does not open one of the target`() throws
  {
    #expect(try run("    - let: {a: nobody.home}").error?.found.contains("no variable nobody") == true)
    let outcome = try run("    - let: {a: \"unseal(random(104), key().public, key().secret)\"}")
    #expect(outcome.error == nil && outcome.behaviour?.found.contains("does not open") == true)
  }

  @Test
  func `loops, tables and branches run as often as they say`() throws {
    let outcome = try run(
      """
          - let: {n: 0, m: 0}
          - repeat: {times: 5, as: i, steps: [{let: {n: n + i}}]}
          - forEach: {in: [10, 20], as: x, steps: [{let: {m: m + x}}]}
          - if: {that: n == 10, then: [{let: {n: 100}}], else: [{let: {n: 1}}]}
          - check: {that: n == 100 && m == 30, else: wrong}
      """)
    #expect(outcome.isClean)
  }

  @Test
  func `a case without end is stopped`() throws {
    let outcome = try run("    - repeat: {times: 1000000, steps: [{let: {n: 1}}]}")
    #expect(outcome.error?.found == "more than 200,000 steps")
  }

  @Test
  func `times are exact on the virtual clock`() throws {
    let early = try run(
      """
          - register: {as: l, pings: manual}
          - expect: {on: l, json: {command: ping}, after: pingInterval + 1, within: 60 s, since: l.registered}
      """)
    #expect(early.behaviour?.found.hasSuffix("after 25 s") == true)
    let late = try run(
      """
          - register: {as: l, pings: manual}
          - expect: {on: l, json: {command: ping}, within: pingInterval - 1, since: l.registered}
      """)
    #expect(late.behaviour?.found.contains("nothing within 25 s") == true)
  }

  @Test
  func `behaviour and close are judged apart`() throws {
    let outcome = try run(
      """
          - open: c
          - send: {to: c, text: hello}
          - expect: {on: c, closed: 4000}
      """)
    #expect(outcome.behaviour == nil && outcome.close?.expected == "a close with 4000")
    let open = try run("    - open: c\n    - expect: {on: c, closed: true}")
    #expect(open.behaviour != nil && open.close == nil)
  }

  @Test
  func `a tolerated outcome is told and does not end the case`() throws {
    let outcome = try run(
      """
          - open: c
          - send: {to: c, text: hello}
          - expect: {on: c, text: never, tolerate: [{closed: any}]}
      """)
    #expect(outcome.behaviour == nil && outcome.tolerated != nil)
  }

  @Test
  func `the same seed gives the same log, another seed other keys`() throws {
    let steps = "    - register: l\n    - relay: {listener: l, requester: r}"
    let definition = try ConformanceFixtures.definition(steps)
    let target = EmbeddedServer(settings: .deployed)
    let one = target.run(CaseJob(definition, budget: .virtual, seed: 1))
    #expect(one.log == target.run(CaseJob(definition, budget: .virtual, seed: 1)).log)
    #expect(one.log != target.run(CaseJob(definition, budget: .virtual, seed: 2)).log)
  }

  @Test
  func `an hour and a quarter of an hour pass at once`() throws {
    let outcome = try run("    - register: l\n    - elapse: 75 min\n    - expect: {on: l, open: true}")
    #expect(outcome.isClean && outcome.duration >= 75 * 60_000)
  }
}
