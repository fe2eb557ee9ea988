import Foundation
import Invariants
import Replay
import Testing

@testable import Recording

@Suite("Every rule can fire, and is quiet without cause")
struct ProofTests {
  static let plants =
    Plants.connection + Plants.encrypted + Plants.pairing + Plants.chum + Plants.access + Plants.channels
    + Plants.plugins + Plants.chumLog

  @Test(arguments: plants)
  func `a rule fires on its planted violation, at the right line, and not without it`(_ plant: Plant) throws {
    let outcome = try plant.outcome()
    #expect(outcome.before.isEmpty, "fires on the unedited recording: \(outcome.before.map(\.message))")
    let first = try #require(outcome.after.first, "does not fire")
    switch plant.spot {
    case .changed(let offset): #expect(first.line == outcome.changedLine + offset, "\(first.message)")
    case .earlier: #expect(first.line < outcome.changedLine && first.line > 1, "\(first.message)")
    case .later: #expect(first.line > outcome.changedLine, "\(first.message)")
    case .session: #expect(first.conn.hasPrefix("c") && first.line > 1, "\(first.message)")
    }
    #expect(Set(plant.also).subtracting(first.ids) == [])
    for finding in outcome.after {
      #expect(finding.witnesses.count <= 2, "more witnesses than a proof needs")
      #expect(finding.witnesses.allSatisfy { (2...outcome.lines).contains($0.line) && !$0.text.isEmpty })
      #expect(!finding.witnesses.contains { $0.line == finding.line }, "a finding does not witness itself")
      #expect(!finding.message.isEmpty)
    }
  }

  @Test
  func `every rule has a planted violation`() {
    let proven = Set(Self.plants.map(\.rule))
    let rules = Set(RuleBook.all.map { $0.info.id })
    #expect(rules.subtracting(proven).sorted() == [])
    #expect(proven.subtracting(rules).sorted() == [])
  }

  @Test
  func `rule ids are unique, and there are at least sixty`() {
    let ids = RuleBook.all.map { $0.info.id }
    #expect(Set(ids).count == ids.count)
    #expect(ids.count >= 60)
  }

  /// Rules of our own, for what the tables of the specification say and no numbered requirement does.
  private static let own: Set<String> = [
    "WIRE-001", "PATH-001", "PATH-002", "CLOSE-001", "PAIR-001", "ARGS-001", "ANSWER-001", "LIST-001", "STOP-001",
  ]

  @Test
  func `every id that a rule names is a requirement of the catalogue`() throws {
    let table = try Data(contentsOf: Fixtures.root.appendingPathComponent("Spec/requirements.csv"))
    let known = Set(
      String(decoding: table, as: UTF8.self).split(separator: "\n").dropFirst().map { String($0.prefix { $0 != "," }) })
    for rule in RuleBook.all {
      let ids = Set([rule.info.id] + rule.info.alsoDecides + rule.info.partlyDecides)
      #expect(ids.subtracting(known).subtracting(Self.own) == [])
    }
    let named = Set(Self.plants.flatMap(\.also))
    #expect(named.subtracting(known) == [])
    for own in Self.own { #expect(!known.contains(own)) }
  }

  @Test
  func `the good log is good, alone and beside the session that it was written for`() throws {
    #expect(try Bases.log(beside: nil).findings.values.joined().map { "\($0.rule.id) \($0.line) \($0.message)" } == [])
    let session = Set(try Bases.file("iop-chum-1").findings.values.joined().map { "\($0.rule.id) \($0.line)" })
    let merged = try Bases.log(beside: "iop-chum-1").findings.values.joined()
    #expect(Set(merged.map { "\($0.rule.id) \($0.line)" }) == session)
  }

  @Test
  func `without a log the rules that need one had nothing to look at`() throws {
    var judge = try SessionJudge(file: "memory", source: MemorySource(try Fixtures.recording("iop-chum-1")))
    let woken = try judge.run().rulesWoken
    #expect(woken.filter(\.needsLog).map(\.id) == [])
    #expect(RuleBook.all.count { $0.info.needsLog } >= 50)
  }
}
