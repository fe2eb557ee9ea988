import Chum
import Instance
import Store
import SyncInstance
import Wire
import WireBytes

/// The importer against an exporter that deviates (chum.md 6.4, 8.1): what it takes, what it goes on with, and whether
/// the session ends. It is seen from outside by what is asked for again in the next round.
enum ImporterCases {
  /// What becomes of a session.
  struct Fate: Sendable {
    enum End: Sendable { case open, closed, either }
    enum Kept: Sendable { case kept, refused, either }
    var end: End = .open
    var subject: Kept = .refused
    /// The good root behind the subject.
    var innocent: Kept = .kept

    static let taken = Fate(subject: .kept)
    /// One root lost, and nothing else.
    static let refused = Fate()
    static let ends = Fate(end: .closed, subject: .refused, innocent: .refused)
    static let anything = Fate(end: .either, subject: .either, innocent: .either)
  }

  static let rows: [ChumRow] = good + versions + roots + children + objects + contents + files + nodes + answers

  static func row(
    _ act: ChumMisbehaviour?, _ subject: ProbeShelf.Subject = .unversioned, _ title: String, _ requires: [String],
    _ strict: Fate, deployed: Fate? = nil, script: [ChumAct] = [], patience: Double = 11_000,
    configure: (@Sendable (inout SyncSettings) -> Void)? = nil, _ kills: [ChumFault] = [],
    also: (@Sendable (ChumLook, ProbeShelf) -> CaseOutcome)? = nil
  ) -> ChumRow {
    let name =
      (act.map { ExchangeRow.dashed($0.rawValue) } ?? "good") + (subject == .unversioned ? "" : "-" + subject.rawValue)
    let shelf: ProbeShelf = {
      var shelf = ProbeShelf(subject)
      if let act { shelf.spoil(act) }
      return shelf
    }()
    let fallsBehind = deployed.map { "\($0)" != "\(strict)" } ?? false
    var row = ChumRow(
      name: name, title: title, requires: requires, target: .importer, binding: deployed == nil ? .base : .hardening,
      plan: { _ in
        var plan = ChumProbe.Plan(shelf: ProbeShelf(subject), misbehaviour: act, script: script)
        plan.delay = 0
        return plan
      },
      kills: TargetVariant.chum(kills) + (fallsBehind ? [.deployedChum] : []),
      judge: { look in
        let fate = look.isStrict ? strict : deployed ?? strict
        return CaseOutcome.all([judge(look, shelf, fate), also?(look, shelf) ?? .passed])
      })
    row.patience = patience
    row.configure = configure
    return row
  }

  // MARK: Judging

  private static func judge(_ look: ChumLook, _ shelf: ProbeShelf, _ fate: Fate) -> CaseOutcome {
    if let broken = look.isBroken { return .failed("the stock is broken: \(broken)") }
    switch fate.end {
    case .open: if !look.isOpen { return .failed("the connection was closed: \(look.closeReason)") }
    case .closed: if look.isOpen { return .failed("the connection is still open") }
    case .either: break
    }
    return CaseOutcome.all([
      kept(look, shelf.subject, "the subject", fate.subject),
      kept(look, shelf.innocent, "the root behind it", fate.innocent),
      unasked(look, shelf),
    ])
  }

  /// From outside: what was stored is asked for once; what was not is asked for in every round, or never.
  private static func kept(_ look: ChumLook, _ hash: String, _ name: String, _ due: Fate.Kept) -> CaseOutcome {
    let fetched = look.seen.fetched(hash)
    switch due {
    case .either: return .passed
    case .kept:
      return CaseOutcome.all([
        .check(fetched == 1, "\(name) was asked for \(fetched) times"),
        .check(look.stores(hash) != false, "\(name) is not stored"),
      ])
    case .refused:
      return CaseOutcome.all([
        .check(look.stores(hash) != true, "\(name) is stored"),
        .check(look.seen.count(2) < 2 || fetched != 1, "\(name) was taken: nobody asks for it again"),
      ])
    }
  }

  /// CHUM-020: only what was announced is asked for, by the service of its kind.
  private static func unasked(_ look: ChumLook, _ shelf: ProbeShelf) -> CaseOutcome {
    for request in look.seen.requests where request.service >= 4 && request.service <= 8 {
      let isText = request.args?.count == 2 && request.args?[1] == "utf8"
      if request.service == 6, shelf.idHashes.contains(request.hash) {
        return .failed("an ID object was asked for by service 6")
      }
      if request.service == 8, shelf.files[request.hash] != nil,
        isText != (shelf.dependency == request.hash && shelf.idHash != "")
      {
        return .failed("a file was asked for with args \(JSONValue.array(request.args ?? []).compact)")
      }
    }
    return .passed
  }

  // MARK: Good exporters

  private static func order(_ look: ChumLook, _ hashes: [String]) -> CaseOutcome {
    let places = hashes.map { hash in look.seen.requests.firstIndex { $0.service >= 6 && $0.hash == hash } ?? -1 }
    return .check(!places.contains(-1) && places == places.sorted(), "asked for in the order \(places)")
  }

  private static let good: [ChumRow] = [
    row(
      nil, .unversioned, "an object is taken, once, and nothing is asked for again", ["CF-077", "CF-071"], .taken,
      [.knownObjectsFetched, .neverAsks]
    ) { look, _ in
      .check(look.seen.count(2) >= 3, "\(look.seen.count(2)) rounds")
    },
    row(
      nil, .versioned, "a version is taken with its ID object", ["CF-055", "CF-067"], .taken,
      [.neverAsks, .idObjectsByObjectService]
    ) { look, shelf in
      CaseOutcome.all([
        order(look, [shelf.idHash, shelf.subject]), .check(look.stores(shelf.idHash) != false, "no ID object"),
      ])
    },
    row(nil, .id, "an ID object is taken by services 5 and 7", ["CF-055"], .taken, [.idObjectsByObjectService]) {
      look, shelf in
      .check(
        look.seen.requests.contains { $0.service == 5 && $0.hash == shelf.subject }, "its children were not asked for")
    },
    row(
      nil, .nested, "children are asked for before the object, the last of the list first", ["CF-054", "CHUM-024"],
      .taken,
      [.childrenNotFetched, .knownObjectsFetched]
    ) { look, shelf in
      CaseOutcome.all([
        order(look, [shelf.dependency, shelf.subject]),
        .check(look.seen.requests.first { $0.service >= 4 }?.service == 4, "the children were not asked for first"),
      ])
    },
    row(
      nil, .blob, "a BLOB is asked for by service 8 with the sentinel, and taken", ["CF-012", "CF-055"], .taken,
      [.sentinelOmitted, .filesRefused]
    ) { look, shelf in
      CaseOutcome.all([
        .check(
          look.seen.requests.contains {
            $0.service == 8 && $0.args == [.string(shelf.dependency), .string(ChumMessage.undefined)]
          },
          "not asked for so"), .check(look.stores(shelf.dependency) != false, "the BLOB is not stored"),
      ])
    },
    row(
      nil, .clob, "a CLOB is asked for by service 8 with utf8, and taken", ["CF-055", "CF-026"], .taken,
      [.filesRefused, .sentinelOmitted]
    ) { look, shelf in
      CaseOutcome.all([
        .check(
          look.seen.requests.contains { $0.service == 8 && $0.args == [.string(shelf.dependency), "utf8"] },
          "not asked for so"),
        .check(look.stores(shelf.dependency) != false, "the CLOB is not stored"),
      ])
    },
    row(
      nil, .nodes, "a history is taken, oldest first, and gets a head", ["CF-067", "CF-054", "CF-066"], .taken,
      [.headNotMerged, .neverAsks]
    ) { look, shelf in
      guard let head = look.head(shelf.idHash) else { return .check(look.sync == nil, "no head") }
      return CaseOutcome.all([
        order(look, [shelf.dependency, shelf.subject]),
        .check(!look.isStrict || head == shelf.subject, "the head is not the remote node (CF-066)"),
        .check(
          look.headData(shelf.idHash) == shelf.children[shelf.subject]?.first?.hash, "the head says something else"),
      ])
    },
    row(
      .nodeChangeOnly, .nodes, "a change whose edge is announced by nobody comes with it", ["CF-054", "CF-067"], .taken,
      [.headNotMerged, .childrenNotFetched]
    ) { look, shelf in
      .check(
        look.stores(shelf.dependency) != false && (look.sync == nil || look.head(shelf.idHash) != nil), "not whole")
    },
    row(
      .newVersionLater, .nodes, "a version that comes later is taken alone, and becomes the head",
      ["CF-078", "CF-077"],
      Fate(subject: .kept), [.headNotMerged, .knownObjectsFetched]
    ) { look, shelf in
      var later = shelf
      later.addVersion()
      return CaseOutcome.all([
        .check(look.seen.fetched(later.subject) == 1, "asked for \(look.seen.fetched(later.subject)) times"),
        .check(
          look.sync == nil || look.headData(shelf.idHash) == later.children[later.subject]?.first?.hash,
          "the head says something else"),
      ])
    },
    row(
      .membersReordered, .nested, "answers with white space, another order and unknown members are understood",
      ["CF-017"], .taken, [.wantsExactText]),
  ]

  // MARK: Service 1

  private static func mismatch(_ act: ChumMisbehaviour, _ what: String) -> ChumRow {
    row(
      act, .unversioned, "the version \(what) is a mismatch: nothing more is asked, the session closes",
      ["CF-007", "CHUM-007"], .ends,
      patience: 3_000, [.versionNotChecked]
    ) { look, _ in
      .check(look.seen.requests.allSatisfy { $0.service == 1 }, "more was asked")
    }
  }

  private static let versions: [ChumRow] = [
    mismatch(.versionSeven, "7"), mismatch(.versionNine, "9"), mismatch(.versionText, "\"8\" as a text"),
    mismatch(.versionNull, "null"),
    mismatch(.versionAbsent, "that is absent"), mismatch(.versionObject, "as an object"),
    mismatch(.versionList, "as a list"),
    mismatch(.versionHuge, "1e300"), mismatch(.versionStream, "as a stream"),
    row(
      .versionError, .unversioned, "another error than UNKNOWN-SERVICE is final: no repeat", ["CF-009", "CHUM-008"],
      .ends, patience: 3_000,
      [.repeatsAnyVersionError]
    ) { look, _ in .check(look.seen.count(1) == 1, "\(look.seen.count(1)) tries") },
    row(
      .versionUnknownThrice, .unversioned, "UNKNOWN-SERVICE is asked again after 300 ms", ["CF-008", "CHUM-008"],
      .taken, [.versionNotRepeated]
    ) { look, _ in
      let times = look.seen.requests.filter { $0.service == 1 }.map(\.time)
      let gaps = zip(times, times.dropFirst()).map { $1 - $0 }
      return .check(times.count == 4 && gaps.allSatisfy { $0 >= 290 && $0 < 1_000 }, "tries \(gaps)")
    },
    row(
      .versionUnknownAlways, .unversioned, "after sixteen tries the session closes", ["CF-008", "CHUM-008"], .ends,
      patience: 20_000,
      [.versionNotRepeated, .repeatsVersionForEver]
    ) { look, _ in .check(look.seen.count(1) == 16, "\(look.seen.count(1)) tries") },
    row(.versionTwice, .unversioned, "a second answer to service 1 is dropped", ["CF-019"], .taken, [.closesOnStray]),
    row(
      .versionSilent, .unversioned, "an exporter that never answers is closed in bounded time", ["CF-072"],
      .ends, deployed: Fate(end: .open, subject: .refused, innocent: .refused), patience: 135_000, [.waitsForEver]),
  ]

  // MARK: Service 2

  private static func noList(_ act: ChumMisbehaviour, _ what: String) -> ChumRow {
    row(
      act, .unversioned, "a root list that is \(what) ends the session", ["CF-053", "CHUM-016"], .ends, patience: 8_000,
      [.badListsIgnored])
  }

  /// One entry is wrong: strict drops it, deployed asks for whatever it names.
  private static func entry(
    _ act: ChumMisbehaviour, _ what: String, _ name: String, deployed: Fate? = .taken
  ) -> ChumRow {
    row(
      act, .unversioned, "a root with \(what) is dropped without a request; the others are worked on",
      ["CF-053", "CHUM-017"], .taken,
      deployed: deployed, [.stopsAtBadRoot]
    ) { look, _ in
      let asked = look.seen.requests.contains { $0.service >= 4 && $0.hash == name }
      return .check(!look.isStrict || !asked, "it was asked for")
    }
  }

  private static let roots: [ChumRow] = [
    noList(.rootsError, "an error"), noList(.rootsNumber, "a number"), noList(.rootsArray, "an array and no text"),
    noList(.rootsAbsent, "absent"),
    noList(.rootsNotJSON, "no JSON"), noList(.rootsObject, "a JSON object"),
    noList(.rootsDeep, "nested five thousand deep"),
    row(
      .rootsErrorLater, .unversioned, "an error in a later round ends the session; what was taken stays",
      ["CF-053", "CHUM-016"],
      Fate(end: .closed, subject: .kept), patience: 8_000, [.badListsIgnored]),
    row(
      .rootsStream, .unversioned, "a stream in the place of the root list is refused", ["CF-057"], .ends,
      deployed: .ends, patience: 8_000, [.badListsIgnored, .streamsTakenAsData]),
    row(
      .rootsUnknownType, .unversioned, "a root of an unknown type is dropped", ["CF-053", "CHUM-016"], .taken,
      deployed: .ends, [.stopsAtBadRoot]),
    entry(.rootsNoObject, "a number in its place", "", deployed: .ends),
    entry(.rootsPathHash, "a path for a hash", "../../../etc/passwd"), entry(.rootsEmptyHash, "an empty hash", ""),
    entry(.rootsShortHash, "63 digits", String(repeating: "0", count: 63)),
    entry(.rootsNumberHash, "a number for a hash", "7"), entry(.rootsMissingHash, "no hash", "undefined"),
    entry(.rootsAbsentHash, "the sentinel for a hash", ChumMessage.undefined),
    row(
      .rootsUpperHash, .unversioned, "a root with a hash in upper case is dropped", ["CF-053", "CHUM-017"], .taken,
      deployed: .taken, [.stopsAtBadRoot]
    ) { look, shelf in
      .check(!look.isStrict || look.seen.asked(shelf.subject.uppercased()) == 0, "it was asked for")
    },
    row(
      .rootsMany, .unversioned, "more roots than the limit end the session, and are not kept", ["CF-030", "CF-053"],
      Fate(end: .closed, subject: .either, innocent: .either), patience: 4_000, configure: { $0.limits.roots = 10_000 },
      [.rootsUnlimited]),
    row(
      .rootsDuplicated, .unversioned, "roots that come two hundred times are worked on once", ["CF-064", "CHUM-022"],
      .taken, [.knownObjectsFetched]),
    row(
      .rootsWithExtraMembers, .unversioned, "unknown members of roots are ignored", ["CF-053"], .taken,
      [.wantsExactLists]),
    row(
      .rootsWithWhiteSpace, .unversioned, "white space in the list changes nothing", ["CF-053"], .taken,
      [.wantsExactLists]),
    row(.rootsTwice, .unversioned, "a second answer to service 2 is dropped", ["CF-019"], .taken, [.closesOnStray]),
    row(
      .rootsEmpty, .unversioned, "an empty list is a round with nothing to do; the next one comes", ["CF-068"],
      Fate(subject: .refused, innocent: .refused), [.neverPolls]
    ) { look, _ in
      .check(look.seen.count(2) >= 3 && look.seen.asked("") == 0, "\(look.seen.count(2)) rounds")
    },
    row(
      .rootsSilent, .unversioned, "a root list that never comes is closed in bounded time", ["CF-072"],
      .ends, deployed: Fate(end: .open, subject: .refused, innocent: .refused), patience: 135_000, [.waitsForEver]),
  ]

  // MARK: Services 4 and 5

  private static func badChildren(
    _ act: ChumMisbehaviour, _ what: String, _ requires: [String] = ["CF-062", "CHUM-025"]
  ) -> ChumRow {
    row(
      act, .unversioned, "children that are \(what) cost one root", requires, .refused,
      [.stopsAtFailure, .listsRepaired])
  }

  private static let children: [ChumRow] = [
    badChildren(.childrenError, "an error"), badChildren(.childrenNumber, "a number"),
    badChildren(.childrenAbsent, "absent"),
    badChildren(.childrenNotJSON, "no JSON"), badChildren(.childrenObject, "a JSON object"),
    badChildren(.childrenUnknownType, "of an unknown type"),
    badChildren(.childrenUpperHash, "named in upper case"), badChildren(.childrenNoHash, "without a hash"),
    row(
      .childrenStream, .nested, "children as a stream are refused", ["CF-057"], .refused,
      [.stopsAtFailure, .streamsTakenAsData]),
    row(
      .childrenSelf, .nested, "an object that lists itself is refused", ["CF-062"], .refused,
      deployed: Fate(subject: .either), [.stopsAtFailure]),
    row(
      .childrenRepeated, .nested, "children that come twice are refused, or fetched once", ["CF-062"], .refused,
      deployed: .taken, [.stopsAtFailure]),
    row(
      .childrenWithout, .nested, "an object whose dependency is neither listed nor stored is refused", ["CF-060"],
      .refused, deployed: .taken,
      [.dependenciesNotChecked]),
    row(
      .childrenWithout, .blob, "an object whose BLOB is not listed is refused", ["CF-060", "CHUM-024"], .refused,
      [.dependenciesNotChecked]),
    row(
      .childUnlisted, .clob, "an object whose CLOB is not listed is refused", ["CF-060", "CHUM-024"], .refused,
      [.dependenciesNotChecked]),
    row(
      .childrenBait, .nested, "a listed object that nothing refers to does not keep the root from coming", ["CF-071"],
      .taken, [.childrenNotFetched]),
    row(
      .childrenWithExtraMembers, .nested, "unknown members of children are ignored", ["CF-054"], .taken,
      [.wantsExactLists]),
    row(
      .childAccess, .nested, "a Group object as a child is refused, and its parent with it", ["CF-058"], .refused,
      [.refusedTypesTaken]
    ) { look, shelf in
      .check(look.stores(shelf.dependency) != true, "the Group is stored")
    },
    row(
      .childrenSilent, .unversioned, "children that never come are closed in bounded time", ["CF-072"],
      .ends, deployed: Fate(end: .open, subject: .refused, innocent: .refused), patience: 135_000, [.waitsForEver]),
  ]
}

extension ChumLook {
  func head(_ idHash: String) -> String? {
    ObjectHash(hex: idHash).flatMap { sync?.host.repository.store.head($0)?.hex }
  }

  func headData(_ idHash: String) -> String? {
    ObjectHash(hex: idHash).flatMap { sync?.host.repository.currentVersion($0)?.hex }
  }

  /// Codes that stand in the records of the running sessions.
  var codes: [String] {
    sync?.sessions.values.flatMap { $0.chum.errors.map { $0.code ?? $0.name } } ?? []
  }

  /// How the last session of an embedded target ended; nil while it runs.
  var ending: (errors: Int, failure: SyncError?)? {
    for case .ended(_, _, let errors, let failure) in reports.reversed() { return (errors, failure) }
    return nil
  }
}
