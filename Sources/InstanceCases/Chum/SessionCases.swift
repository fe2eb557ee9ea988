import Chum
import Instance
import Microdata
import Store
import SyncInstance
import Wire
import WireBytes

/// The beginning of CHUM (chum.md 6.1), seen from an exporter and an importer.
enum StartCases {
  private static func row(
    _ name: String, _ title: String, _ requires: [String], binding: InstanceCase.Binding = .base,
    target: InstanceCase.Target = .exporter,
    act: Misbehaviour? = nil, plan: ChumProbe.Plan, patience: Double = 2_000, kills: [TargetVariant],
    _ judge: @escaping @Sendable (ChumLook) -> CaseOutcome
  ) -> ChumRow {
    var row = ChumRow(
      name: name, title: title, requires: requires, target: target, binding: binding, plan: { _ in plan }, kills: kills,
      judge: judge)
    row.act = act
    row.patience = patience
    return row
  }

  private static func burst(_ script: [ChumAct]) -> ChumProbe.Plan { ChumProbe.Plan(script: script, bursts: true) }
  private static let good = ChumProbe.Plan(shelf: ProbeShelf(.nested))

  static let rows: [ChumRow] = [
    row(
      "control-text", "the control text comes once, and before everything else of CHUM", ["CF-001", "CHUM-001"],
      plan: good, patience: 6_000,
      kills: [.instance(.startsWithoutSynchronisation), .chum(.controlTextTwice)]
    ) { look in
      CaseOutcome.all([
        .check(look.exchange.count(.synchronisation) == 1, "it came \(look.exchange.count(.synchronisation)) times"),
        .check(look.seen.invalid.isEmpty, "it said \(look.seen.invalid.first ?? "")"), look.open(),
      ])
    },
    row(
      "version-first", "service 1 is called before any other", ["CF-006", "CHUM-005"], target: .importer, plan: good,
      kills: [.chum(.versionNotAsked)]
    ) { look in
      .check(
        look.seen.requests.first?.service == 1 && look.seen.requests.count > 3,
        "first: \(look.seen.requests.first?.service ?? -1)")
    },
    row(
      "ids", "requests are numbered 0, 1, 2 and so on", ["CF-011", "CHUM-002"], target: .importer, plan: good,
      patience: 12_000, kills: [.chum(.idsFromOne)]
    ) { look in
      .check(
        look.seen.requests.map(\.id) == Array(0..<look.seen.requests.count) && look.seen.requests.count > 6,
        "\(look.seen.requests.map(\.id))")
    },
    row(
      "args", "every request has args, and it is an array", ["CF-012"], target: .importer, plan: good,
      kills: [.chum(.argsOmitted)]
    ) { look in
      .check(look.seen.requestTexts.allSatisfy { $0.contains(#""args":["#) } && look.seen.requests.count > 3, "not all")
    },
    row(
      "both-directions", "both directions run at the same time", ["CF-073", "CF-010"],
      plan: {
        var plan = good
        plan.script = [.version, .roots, .wait(5_500), .roots]
        return plan
      }(), patience: 9_000, kills: [.chum(.neverAsks), .chum(.silentExporter)]
    ) { look in
      CaseOutcome.all([
        look.data(0, 8), look.served(1), look.served(2),
        .check(look.seen.count(2) >= 2, "\(look.seen.count(2)) rounds of its own"),
        .check(look.seen.count(6) >= 3, "\(look.seen.count(6)) objects asked for"),
      ])
    },
    row(
      "other-text", "another text in the place of the control text starts a deployed peer, and closes a strict one",
      ["CF-002", "PR-029"], binding: .hardening,
      act: .otherThanSynchronisation, plan: ChumProbe.Plan(script: [.version]),
      kills: [.instance(.acceptsAnySynchronisation)]
    ) { look in
      look.isStrict
        ? .check(!look.isOpen && look.seen.requests.isEmpty, "it started")
        : CaseOutcome.all([look.open(), look.data(0, 8)])
    },
    row(
      "json-text", "JSON in the place of the control text likewise", ["CF-002", "PR-029"], binding: .hardening,
      act: .jsonSynchronisation,
      plan: ChumProbe.Plan(script: [.version]), kills: [.instance(.acceptsAnySynchronisation)]
    ) { look in
      look.isStrict
        ? .check(!look.isOpen && look.seen.requests.isEmpty, "it started")
        : CaseOutcome.all([look.open(), look.data(0, 8)])
    },
    row(
      "burst-version", "a request in the same burst as the control text is answered", ["CF-003", "CHUM-004"],
      binding: .hardening, plan: burst([.version]),
      kills: [.deployedChum, .instance(.losesEarlyMessages), .chum(.earlyMessagesLost)]
    ) { look in
      look.isStrict ? CaseOutcome.all([look.open(), look.data(0, 8)]) : look.open()
    },
    row(
      "burst-roots", "so is service 2", ["CF-003", "CF-010"], binding: .hardening, plan: burst([.roots, .version]),
      kills: [.deployedChum, .chum(.earlyMessagesLost)]
    ) { look in
      look.isStrict ? CaseOutcome.all([look.served(0), look.data(1, 8)]) : look.open()
    },
    row(
      "burst-of-twelve", "twelve messages in the burst are all answered", ["CF-003", "CF-010"], binding: .hardening,
      plan: burst((0..<12).map { _ in .request(1, []) } + [.wait(100)]),
      kills: [.deployedChum, .chum(.earlyMessagesLost)]
    ) { look in
      look.isStrict ? CaseOutcome.all([look.open(), look.once(0..<12)]) : look.open()
    },
    row(
      "burst-of-rubbish", "messages of no meaning in the burst are ignored", ["CF-003", "CF-017"], binding: .hardening,
      plan: burst([.text("[]"), .text("rubbish"), .version]), kills: [.deployedChum, .chum(.closesOnInvalid)]
    ) { look in
      look.isStrict ? CaseOutcome.all([look.open(), look.data(0, 8)]) : look.open()
    },
    row(
      "polite", "a request some time behind both control texts is answered in either profile", ["CF-005", "CF-010"],
      plan: ChumProbe.Plan(script: [.version, .roots]),
      kills: [.chum(.silentExporter), .chum(.answersVersionSeven)]
    ) { look in CaseOutcome.all([look.data(0, 8), look.served(1)]) },
  ]
}

/// Rounds, ends and records (chum.md 6.5).
enum SessionCases {
  private static func row(
    _ name: String, _ title: String, _ requires: [String], binding: InstanceCase.Binding = .base,
    subject: ProbeShelf.Subject = .nested,
    act: ChumMisbehaviour? = nil, script: [ChumAct] = [], patience: Double,
    configure: (@Sendable (inout SyncSettings) -> Void)? = nil,
    content: Bool = false, kills: [ChumFault], deployed: Bool = false,
    _ judge: @escaping @Sendable (ChumLook) -> CaseOutcome
  ) -> ChumRow {
    var row = ChumRow(
      name: name, title: title, requires: requires, target: .importer, binding: binding,
      plan: { _ in ChumProbe.Plan(shelf: ProbeShelf(subject), misbehaviour: act, script: script) },
      kills: TargetVariant.chum(kills) + (deployed ? [.deployedChum] : []), judge: judge)
    row.patience = patience
    row.configure = configure
    row.needsContent = content
    return row
  }

  /// The stored record of the session that is over.
  private static func record(_ look: ChumLook) -> OneObject? {
    guard let repository = look.sync?.host.repository else { return nil }
    var found: ObjectHash?
    _ = try? repository.store.forEachEntry { hash, entry in
      if entry.type == "Chum", entry.kind == .object { found = hash }
      return true
    }
    return found.flatMap { try? repository.object($0) }
  }

  private static let once: @Sendable (inout SyncSettings) -> Void = { $0.keepsRunning = false }

  static let rows: [ChumRow] = [
    row(
      "polls", "the next round comes five seconds after the end of one, with one request", ["CF-068", "CHUM-056"],
      patience: 22_000,
      kills: [.neverPolls, .pollsAtOnce]
    ) { look in
      let times = look.seen.requests.filter { $0.service == 2 }.map(\.time)
      let gaps = zip(times, times.dropFirst()).map { $1 - $0 }
      return CaseOutcome.all([
        .check(times.count >= 4, "\(times.count) rounds"),
        .check(gaps.allSatisfy { $0 >= 4_900 && $0 <= 6_000 }, "gaps of \(gaps)"),
      ])
    },
    row(
      "quiet", "nothing is transferred in the second round", ["CF-077", "CHUM-059"], patience: 12_000,
      kills: [.knownObjectsFetched]
    ) { look in
      let second = look.seen.requests.lastIndex { $0.service == 2 } ?? 0
      let times = look.seen.requests.filter { $0.service == 2 }.map(\.time)
      let late = look.seen.requests.count { $0.service > 2 && times.count > 1 && $0.time >= times[1] }
      return .check(second > 0 && late == 0, "\(late) requests behind the first round")
    },
    row(
      "quiet-blob", "nor a BLOB again", ["CF-077", "CHUM-059"], subject: .blob, patience: 12_000,
      kills: [.knownObjectsFetched]
    ) { look in
      .check(look.seen.count(8) == 1 && look.seen.count(2) >= 2, "\(look.seen.count(8)) times")
    },
    row(
      "quiet-history", "a history comes to rest within three rounds", ["CF-078", "CHUM-060"], subject: .nodes,
      patience: 27_000, kills: [.knownObjectsFetched, .pollsAtOnce]
    ) { look in
      let times = look.seen.requests.filter { $0.service == 2 }.map(\.time)
      let late = look.seen.requests.count { $0.service > 2 && times.count > 3 && $0.time >= times[3] }
      return .check(
        times.count >= 4 && times.count < 10 && late == 0, "\(late) requests behind the third of \(times.count) rounds")
    },
    row(
      "round-trip", "what was imported is not offered back without a grant", ["CHUM-012", "CF-032"],
      subject: .unversioned,
      script: [.wait(2_000), .roots], patience: 4_000, kills: [.rootsWithSecrets]
    ) { look in
      let mine = ProbeShelf(.unversioned).subject
      return .check(look.roots(0)?.contains { $0.key == mine } == false, "offered back; \(look.seen.words(0))")
    },
    row(
      "fin", "without keepRunning one round is followed by FIN, its answer and nothing more", ["CF-069", "CHUM-057"],
      patience: 9_000, configure: once, content: true,
      kills: [.finNotSent, .asksBehindFin]
    ) { look in
      let services = look.seen.requests.map(\.service)
      return .check(
        services.last == 10 && services.count { $0 == 10 } == 1 && services.count { $0 == 2 } == 1, "asked: \(services)"
      )
    },
    row(
      "fin-both", "when both sides have finished the session closes normally", ["CF-069", "CF-074"],
      script: [.wait(500), .ask(10, [])], patience: 4_000, configure: once,
      content: true, kills: [.finIgnored]
    ) { look in
      CaseOutcome.all([
        .check(!look.isOpen, "still open"),
        .check(look.closeReason.contains("Chum ended [") || look.isStrict, "reason \(look.closeReason)"),
        .check(look.sync == nil || look.ending != nil && look.ending?.failure == nil, "a failure"),
      ])
    },
    row(
      "reason", "a session that CHUM ends says so in the close reason", ["CF-074", "CHUM-070"], subject: .unversioned,
      act: .versionSeven, patience: 2_000, kills: [.versionNotChecked]
    ) { look in
      // Reason texts never decide in strict, where they are short and neutral (decisions.md 10).
      CaseOutcome.all([
        .check(!look.isOpen, "still open"),
        .check(
          look.isStrict ? !look.closeReason.isEmpty : look.closeReason.hasPrefix("Close called: Chum ended ["),
          "reason \(look.closeReason)"),
      ])
    },
    row(
      "record", "the Chum object tells what came, and has the identity that both sides compute",
      ["CF-075", "CHUM-071"], subject: .blob, script: [.wait(2_000), .close],
      patience: 3_000, content: true, kills: [.recordIncomplete, .noRecord]
    ) { look in
      guard let record = record(look) else { return .failed("no Chum object") }
      let shelf = ProbeShelf(.blob)
      return CaseOutcome.all([
        .check(record.hashes("BtoAObjects").contains { $0.hex == shelf.subject }, "the object is not listed"),
        .check(record.hashes("BtoABlob").map(\.hex) == [shelf.dependency], "the BLOB is not listed"),
        .check(record.text("name") == "chum", "name"),
        .check(record["instance"]?.elements == [.text("probe-device"), .text("target-device")], "instances"),
        .check(record["person"]?.elements?.count == 2, "persons"),
      ])
    },
    row(
      "record-sent", "and what was sent", ["CF-075", "CHUM-071"], subject: .unversioned,
      script: [.roots, .arrange { _ in }, .ask(6, []), .close], patience: 3_000, content: true,
      kills: [.noRecord]
    ) { look in
      guard let record = record(look) else { return .failed("no Chum object") }
      return .check(record.hashes("AtoBObjects").isEmpty && record.hashes("BtoAObjects").count == 2, "lists")
    },
    row(
      "record-errors", "errors are recorded with their codes, without traces and paths", ["CF-063", "CF-076"],
      subject: .unversioned, act: .objectOtherBytes, script: [.wait(2_000), .close],
      patience: 3_000, content: true, kills: [.noRecord, .failuresNotRecorded, .recordsPaths]
    ) { look in
      guard let record = record(look), let errors = record["errors"] else {
        return .failed("no Chum object with errors")
      }
      let text = "\(errors)"
      return CaseOutcome.all([
        .check(text.contains("CIEC-FO2"), "no code"),
        .check(!text.contains("stack") && !text.contains("/usr/"), "a trace or path"),
      ])
    },
    reconnect,
  ]

  private static let reconnect: ChumRow = {
    var reconnect = row(
      "reconnect", "a new session begins with nothing named", ["CF-051", "CF-036"], subject: .unversioned,
      script: [.roots, .close], patience: 2_500, content: true, kills: [.setsKept]
    ) { look in
      CaseOutcome.all([
        .check(look.first?.data(0) != nil, "the first session had no list"), look.refused(0, "CES-GO1"),
        .check(look.seen.data(2) != nil, "not served behind the list: \(look.seen.words(2))"),
      ])
    }
    reconnect.again = { ChumProbe.Plan(script: [.ask(6, $0.hex("open")), .roots, .ask(6, $0.hex("open"))]) }
    return reconnect
  }()
}
