import Chum
import Instance
import Microdata
import Store
import SyncInstance
import Wire
import WireBytes

/// What the exporter gives to whom (chum.md 6.3, 8.2).
enum ExporterServiceCases {
  static let rows: [ChumRow] =
    beforeRoots + refusals + formats + lists + contents + children + changes + unreadable + files + ends

  private static func row(
    _ name: String, _ title: String, _ requires: [String], binding: InstanceCase.Binding = .base,
    stock: (@Sendable (inout ChumStock) -> Void)? = nil, content: Bool = true, patience: Double = 2_000,
    configure: (@Sendable (inout SyncSettings) -> Void)? = nil, _ kills: [ChumFault], deployed: Bool = false,
    _ script: @escaping @Sendable (ChumStock) -> [ChumAct], _ judge: @escaping @Sendable (ChumLook) -> CaseOutcome
  ) -> ChumRow {
    .asking(
      name, title, requires, binding: binding, stock: stock, content: content, patience: patience, configure: configure,
      kills: TargetVariant.chum(kills) + (deployed ? [.deployedChum] : []), script: script, judge: judge)
  }

  private static let codes = [4: "CES-GOC1", 5: "CES-GIDOC1", 6: "CES-GO1", 7: "CES-GIDO1", 8: "CES-GBL1"]
  private static func code(_ service: Int) -> String { codes[service] ?? "" }
  private static let names = [4: "open", 5: "friend", 6: "open", 7: "friend", 8: "picture/blob"]

  // MARK: Access

  private static let beforeRoots: [ChumRow] = [4, 5, 6, 7, 8].map { service in
    row(
      "\(service)-before-roots", "service \(service) of what is granted is refused before service 2 named it",
      ["CF-036", "CHUM-040"], [.accessNotChecked], { [.ask(service, $0.hex(names[service] ?? ""))] }
    ) { $0.refused(0, code(service)) }
  }

  private static let secrets = [4: "secret", 5: "secretFriend", 6: "secret", 7: "secretFriend", 8: "attachment/blob"]

  private static let refusals: [ChumRow] =
    [4, 5, 6, 7, 8].map { service in
      row(
        "\(service)-secret", "service \(service) of what was not named is refused behind service 2, too",
        ["CF-037", "CHUM-040"], [.accessNotChecked],
        { [.roots, .ask(service, $0.hex(secrets[service] ?? "")), .version] }
      ) { CaseOutcome.all([$0.refused(1, code(service)), $0.alive(2)]) }
    }
    + [4, 5, 6, 7, 8].map { service in
      row(
        "\(service)-missing", "service \(service) refuses what exists and what does not by the same words",
        ["CF-038"], [.tellsWhatExists],
        { [.roots, .ask(service, $0.hex(secrets[service] ?? "")), .ask(service, String(repeating: "a", count: 64))] }
      ) { look in
        let hash = look.stock?.hex(secrets[service] ?? "") ?? ""
        let one = look.seen.errorText(1)?.replacingOccurrences(of: hash, with: "H")
        let other = look.seen.errorText(2)?.replacingOccurrences(of: String(repeating: "a", count: 64), with: "H")
        return CaseOutcome.all([
          .check(one != nil && one == other, "\(one ?? "-") and \(other ?? "-")"), look.refused(2, code(service)),
        ])
      }
    }
    + [
      row(
        "8-before-children", "a BLOB is refused before the children of its parent were asked for", ["CF-037"],
        [.accessNotChecked],
        { [.roots, .ask(8, $0.hex("picture/blob")), .ask(4, $0.hex("picture")), .ask(8, $0.hex("picture/blob"))] },
        {
          CaseOutcome.all([
            $0.refused(1, "CES-GBL1"),
            .check($0.seen.file(3)?.count == 100, "not served behind them: \($0.seen.words(3))"),
          ])
        })
    ]

  // MARK: Hashes

  private static func format(_ name: String, _ service: Int, _ argument: JSONValue?) -> ChumRow {
    let due = service == 5 || service == 7 ? "UTC-EIDHASH" : "UTC-EHASH"
    return row(
      "\(service)-hash-\(name)",
      "service \(service): a hash that is \(name.replacingOccurrences(of: "-", with: " ")) is refused for its form",
      ["CF-039"], content: false, [.hashFormNotChecked],
      { _ in [.ask(service, argument.map { [$0] } ?? []), .version] },
      { CaseOutcome.all([$0.refused(0, due), $0.alive(1)]) })
  }

  private static let formats: [ChumRow] = {
    let digits = String(repeating: "0a", count: 32)
    let odd: [(String, JSONValue?)] = [
      ("a-path", "../../../etc/passwd"), ("in-upper-case", .string(digits.uppercased())),
      ("a-digit-short", .string(String(digits.dropLast()))),
      ("a-digit-long", .string(digits + "0")), ("of-full-width-digits", .string(String(repeating: "０", count: 64))),
      ("followed-by-a-line-feed", .string(digits + "\n")), ("empty", ""), ("a-number", 5), ("null", .null),
      ("a-list", [.string(digits)]), ("an-object", ["hash": .string(digits)]), ("absent", nil),
      ("the-sentinel", .string(ChumMessage.undefined)),
    ]
    return odd.map { format($0.0, 6, $0.1) } + [4, 5, 7, 8].map { format("a-path", $0, "../x") }
      + [4, 5, 7, 8].map { format("in-upper-case", $0, .string(digits.uppercased())) }
  }()

  // MARK: Lists

  private static let lists: [ChumRow] = [
    row(
      "roots", "service 2 answers a string of JSON that names every grant once", ["CF-032", "CHUM-013", "CHUM-015"],
      [.rootsIncomplete, .rootsRepeated, .rootsNotText], { _ in [.roots] },
      { look in
        guard let roots = look.roots(0), let stock = look.stock else {
          return .failed("no list: \(look.seen.words(0))")
        }
        let keys = roots.map { "\($0.kindName) \($0.key)" }
        let due = [
          "unversioned \(stock.hex("open"))", "id \(stock.hex("friend"))", "version_node \(stock.hex("friend/node"))",
          "versioned \(stock.hex("oneVersion/data"))", "unversioned \(stock.hex("picture"))",
          "unversioned \(stock.hex("time"))",
        ]
        return CaseOutcome.all([
          .check(Set(keys).count == keys.count, "an entry comes twice"),
          .check(Set(due).isSubset(of: keys), "missing: \(Set(due).subtracting(keys))"),
          .check(!roots.contains { $0.key == stock.hex("secret") }, "a secret is listed"),
        ])
      }),
    row(
      "roots-again", "the list is complete on every call", ["CF-032"], [.rootsOnlyNews], { _ in [.roots, .roots] },
      {
        .check($0.seen.data(0) != nil && $0.seen.data(0) == $0.seen.data(1), "the second list is another one")
      }),
    row(
      "roots-order", "an id stands before its version nodes, and older nodes before newer ones", ["CF-033"],
      [.rootsReversed], { _ in [.roots] },
      { look in
        guard let roots = look.roots(0), let stock = look.stock else {
          return .failed("no list: \(look.seen.words(0))")
        }
        let mine = roots.filter {
          if case .versionNode(_, stock.hex("friend"), _) = $0 { return true }
          return $0.key == stock.hex("friend")
        }
        return CaseOutcome.all([
          .check(mine.first?.kindName == "id", "the id comes late"),
          .check(mine.last?.key == stock.hex("friend/node"), "the head is not last"),
          .check(mine.count == 3, "\(mine.count) entries of the history"),
        ])
      }),
    row(
      "roots-kinds", "a granted version is announced with its ID hash and type", ["CF-032"],
      [.rootsIncomplete, .rootsNotText], { _ in [.roots] },
      { look in
        let due = RootEntry.versioned(
          hash: look.stock?.hex("oneVersion/data") ?? "", idHash: look.stock?.hex("oneVersion") ?? "", type: "Person")
        return .check(look.roots(0)?.contains(due) == true, "not so: \(look.seen.words(0))")
      }),
    row(
      "roots-old-grant", "a grant whose latest version names nobody is not announced", ["CF-034", "CHUM-012"],
      stock: {
        $0.phrase("former")
        $0.grant(.object($0["former"]), to: [$0.probe])
        $0.revoke(.object($0["former"]))
      }, [.rootsWithSecrets], { _ in [.roots] },
      { $0.doesNotList(0, "former") }),
    row(
      "roots-other-person", "what is granted to somebody else is not announced", ["CF-034", "CHUM-012"],
      stock: {
        $0.phrase("foreign")
        $0.grant(.object($0["foreign"]), to: [$0.other])
      }, [.rootsWithSecrets], { [.roots, .ask(6, $0.hex("foreign"))] },
      {
        CaseOutcome.all([$0.doesNotList(0, "foreign"), $0.refused(1, "CES-GO1")])
      }),
    row(
      "roots-group", "a grant to a group of the person counts", ["CF-035"], binding: .hardening,
      stock: {
        $0.phrase("shared")
        $0.group("friends", [$0.probe, $0.other])
        $0.grant(.object($0["shared"]), to: [], groups: [$0["friends"]])
      }, [.groupsIgnored], deployed: true, { _ in [.roots] },
      { $0.isStrict ? $0.lists(0, "shared") : $0.doesNotList(0, "shared") }),
    row(
      "roots-former-member", "only the latest version of a group counts", ["CF-034", "CF-035"],
      stock: {
        $0.phrase("shared")
        $0.group("friends", [$0.probe, $0.other])
        $0.group("friends", [$0.other])
        $0.grant(.object($0["shared"]), to: [], groups: [$0["friends"]])
      }, [.rootsWithSecrets], { _ in [.roots] },
      { $0.doesNotList(0, "shared") }),
    row(
      "roots-merge", "a head that is a merge is announced itself", ["CF-046"], binding: .hardening,
      stock: {
        $0.merged("merged")
        $0.grant(.id($0["merged"]), to: [$0.probe])
      }, [.rootsIncomplete], deployed: true, { _ in [.roots] },
      {
        $0.isStrict ? $0.lists(0, "merged/merge") : $0.doesNotList(0, "merged/merge")
      }),
    row(
      "roots-many-merges", "fourteen merges of shared history are announced once each, without walking them twice",
      ["CF-047"],
      stock: {
        $0.merged("merged", 14)
        $0.grant(.id($0["merged"]), to: [$0.probe])
      }, [.rootsRepeated], { _ in [.roots] },
      { look in
        var nodes: [String] = []
        for case .versionNode(let node, look.stock?.hex("merged") ?? "", _) in look.roots(0) ?? [] {
          nodes.append(node)
        }
        // One base and fourteen times two branches, and in strict the merges.
        let due = look.isStrict ? 43 : 29
        return .check(nodes.count == due && Set(nodes).count == nodes.count, "\(nodes.count) nodes, \(due) are due")
      }),
  ]

  // MARK: Contents

  private static func content(_ look: ChumLook, _ id: Int, _ name: String) -> CaseOutcome {
    guard let hash = look.stock?[name], case .string(let text)? = look.seen.data(id) else {
      return .failed("no content: \(look.seen.words(id))")
    }
    return .check(ObjectHash.of(Array(text.utf8)) == hash, "the answer does not hash to the name")
  }

  private static let contents: [ChumRow] =
    [
      row(
        "6-content", "service 6 gives the stored bytes", ["CF-040", "CHUM-030"], [.contentsTrimmed],
        { [.roots, .ask(6, $0.hex("open"))] },
        {
          content($0, 1, "open")
        }),
      row(
        "7-content", "service 7 gives the stored bytes of the ID object", ["CF-040", "CHUM-031"],
        [.contentsTrimmed, .idObjectSentAsObject],
        { [.roots, .ask(7, $0.hex("friend"))] },
        { content($0, 1, "friend") }),
      row(
        "6-id-hash", "an ID hash by service 6 is refused", ["CF-041"], [.idObjectSentAsObject],
        { [.roots, .ask(6, $0.hex("friend")), .version] },
        {
          CaseOutcome.all([$0.refused(1, "CES-GO2"), $0.alive(2)])
        }),
      row(
        "7-object-hash", "the hash of an object by service 7 is refused", ["CF-041"], [.idObjectSentAsObject],
        { [.roots, .ask(7, $0.hex("open")), .version] },
        { CaseOutcome.all([$0.refused(1, "CES-GIDO2"), $0.alive(2)]) }),
      row(
        "6-blob", "a BLOB by service 6 is refused", ["CF-041"], [.servesAnyKind],
        { [.roots, .ask(4, $0.hex("picture")), .ask(6, $0.hex("picture/blob"))] },
        { $0.refused(2, "CES-GO2") }),
      row(
        "8-object", "a ONE object by service 8 is refused", ["CF-042"], binding: .hardening, [.servesAnyKind],
        deployed: true,
        { [.roots, .ask(8, $0.hex("open"))] },
        { look in
          look.isStrict
            ? .check(look.seen.code(1) != nil, "served: \(look.seen.words(1))")
            : .check(look.seen.file(1)?.isEmpty == false, "not served: \(look.seen.words(1))")
        }),
      row(
        "8-object-as-text", "a ONE object by service 8 as text is refused", ["CF-042"], binding: .hardening,
        [.servesAnyKind], deployed: true,
        { [.roots, .ask(8, $0.hex("open"), "utf8")] },
        { look in
          look.isStrict
            ? .check(look.seen.code(1) != nil, "served: \(look.seen.words(1))")
            : .check(look.seen.file(1)?.isEmpty == false, "not served: \(look.seen.words(1))")
        }),
    ]
    + [("base64", JSONValue.string("base64")), ("null", .null), ("upper-case", "UTF8"), ("a number", 8)].map {
      name, encoding in
      row(
        "8-encoding-\(name.replacingOccurrences(of: " ", with: "-"))", "the encoding \(name) is refused", ["CF-043"],
        [.anyEncoding],
        { [.roots, .ask(4, $0.hex("picture")), .ask(8, [.string($0.hex("picture/blob")), encoding]), .version] }
      ) {
        CaseOutcome.all([$0.refused(2, "CES-GBL2"), $0.alive(3)])
      }
    }

  // MARK: Children

  private static let children: [ChumRow] = [
    row(
      "4-leaf", "an object without references has the empty list of children", ["CF-044"],
      [.childrenIncomplete, .rootsNotText],
      { [.roots, .ask(4, $0.hex("open")), .ask(4, $0.hex("picture"))] },
      {
        CaseOutcome.all([$0.data(1, "[]"), .check($0.children(2)?.count == 1, "the next list: \($0.seen.words(2))")])
      }),
    row(
      "4-tree", "children are complete, of their true kinds, and those that refer come before what they refer to",
      ["CF-044", "CHUM-024"],
      [.childrenIncomplete, .childrenInWrongOrder, .childrenOfOneKind], { [.roots, .ask(4, $0.hex("time"))] },
      { look in
        guard let stock = look.stock, let children = look.children(1) else {
          return .failed("no list: \(look.seen.words(1))")
        }
        let kinds = Dictionary(children.map { ($0.hash, $0.kind) }) { first, _ in first }
        func place(_ name: String) -> Int { children.firstIndex { $0.hash == stock.hex(name) } ?? -1 }
        return CaseOutcome.all([
          .check(children.count == 4, "\(children.count) children"),
          .check(kinds[stock.hex("message")] == .object && kinds[stock.hex("attachment")] == .object, "objects"),
          .check(kinds[stock.hex("attachment/blob")] == .blob && kinds[stock.target.hex] == .id, "BLOB and ID object"),
          .check(place("message") < place("attachment") && place("attachment") < place("attachment/blob"), "order"),
        ])
      }),
    row(
      "4-opens", "a list of children opens what it names", ["CF-037", "CF-044"], [.childrenNotOpened],
      { [.roots, .ask(6, $0.hex("message")), .ask(4, $0.hex("time")), .ask(6, $0.hex("message"))] },
      {
        CaseOutcome.all([$0.refused(1, "CES-GO1"), content($0, 3, "message")])
      }),
    row(
      "5-id", "service 5 lists what an ID object refers to", ["CF-044"],
      stock: {
        $0.version(
          "profile",
          OneObject([
            "$type$": "Profile", "profileId": "p", "personId": .reference($0.other), "owner": .reference($0.target),
            "communicationEndpoint": [], "personDescription": [],
          ]))
        $0.grant(.id($0["profile"]), to: [$0.probe])
      }, [.childrenIncomplete], { [.roots, .ask(5, $0.hex("profile"))] },
      { look in
        let hashes = Set(look.children(1)?.map(\.hash) ?? [])
        return .check(
          hashes == Set([look.stock?.other.hex ?? "", look.stock?.target.hex ?? ""]), "listed: \(look.seen.words(1))")
      }),
    row(
      "4-id-hash", "children of an ID hash by service 4 are an error without its content", ["CF-049"],
      binding: .hardening, [.errorsWithContent],
      deployed: true, { [.roots, .ask(4, $0.hex("friend")), .version] },
      { look in
        CaseOutcome.all([
          .check(look.seen.code(1) != nil, "no error: \(look.seen.words(1))"), look.alive(2),
          .check(
            !look.isStrict || look.seen.errorText(1)?.contains("itemscope") == false, "the content stands in the error"),
        ])
      }),
    row(
      "4-access", "an Access object is not listed as the child of something else", ["CF-052"], binding: .hardening,
      stock: {
        $0.object(
          "holder",
          OneObject([
            "$type$": "CreationTime", "timestamp": 3,
            "data": .reference(
              $0.repository.currentVersion($0.repository.grantIdHash(.object($0["open"]))) ?? $0["open"]),
          ]))
        $0.grant(.object($0["holder"]), to: [$0.probe])
      }, [.childrenWithSecrets], deployed: true, { [.roots, .ask(4, $0.hex("holder"))] },
      { look in
        guard let children = look.children(1) else {
          return .check(look.isStrict && look.seen.code(1) != nil, "no list")
        }
        return .check(children.isEmpty == look.isStrict, "\(children.count) children")
      }),
  ]
}
