import Chum
import Instance
import Microdata
import Store
import SyncInstance
import Wire
import WireBytes

/// Changes in mid-session, grants that cannot be read, files, and the end.
extension ExporterServiceCases {
  private static func row(
    _ name: String, _ title: String, _ requires: [String], binding: InstanceCase.Binding = .base,
    stock: (@Sendable (inout ChumStock) -> Void)? = nil, patience: Double = 2_000,
    configure: (@Sendable (inout SyncSettings) -> Void)? = nil, _ kills: [ChumFault], deployed: Bool = false,
    _ script: @escaping @Sendable (ChumStock) -> [ChumAct], _ judge: @escaping @Sendable (ChumLook) -> CaseOutcome
  ) -> ChumRow {
    .asking(
      name, title, requires, binding: binding, stock: stock, patience: patience, configure: configure,
      kills: TargetVariant.chum(kills) + (deployed ? [.deployedChum] : []), script: script, judge: judge)
  }

  static let changes: [ChumRow] = [
    row(
      "revoked-root", "a grant that was revoked in mid-session is not announced any more", ["CF-034", "CHUM-012"],
      [.announcedAfterRevoke],
      { [.roots, .arrange { $0.revoke(.object($0["open"])) }, .roots, .ask(6, $0.hex("picture"))] },
      {
        CaseOutcome.all([$0.lists(0, "open"), $0.doesNotList(1, "open"), $0.served(2)])
      }),
    row(
      "revoked-fetch", "what was named and then revoked is refused at once", ["CF-045", "CHUM-042"],
      binding: .hardening, [.revokedServed], deployed: true,
      { [.roots, .arrange { $0.revoke(.object($0["open"])) }, .ask(6, $0.hex("open"))] },
      {
        $0.isStrict ? $0.refused(1, "CES-GO1") : $0.served(1)
      }),
    row(
      "revoked-child", "so is the child of a revoked root", ["CF-045"], binding: .hardening, [.revokedServed],
      deployed: true,
      { [.roots, .ask(4, $0.hex("time")), .arrange { $0.revoke(.object($0["time"])) }, .ask(6, $0.hex("message"))] },
      {
        $0.isStrict ? $0.refused(2, "CES-GO1") : $0.served(2)
      }),
    row(
      "revoked-blob", "and the BLOB below it", ["CF-045"], binding: .hardening, [.revokedServed], deployed: true,
      {
        [
          .roots, .ask(4, $0.hex("picture")), .arrange { $0.revoke(.object($0["picture"])) },
          .ask(8, $0.hex("picture/blob")),
        ]
      },
      {
        $0.isStrict ? $0.refused(2, "CES-GBL1") : .check($0.seen.file(2) != nil, "refused: \($0.seen.words(2))")
      }),
    row(
      "new-grant", "a new grant is in the next list, not before", ["CF-032"], [.rootsOnlyOnce],
      {
        [
          .roots, .ask(6, $0.hex("secret")), .arrange { $0.grant(.object($0["secret"]), to: [$0.probe]) },
          .ask(6, $0.hex("secret")), .roots,
          .ask(6, $0.hex("secret")),
        ]
      },
      {
        CaseOutcome.all([
          $0.refused(1, "CES-GO1"), $0.refused(2, "CES-GO1"), $0.lists(3, "secret"), $0.served(4),
        ])
      }),
    row(
      "new-version", "a new version's node is in the next list", ["CF-033"], [.rootsOnlyOnce],
      { _ in [.roots, .arrange { $0.friend("friend", called: "Third") }, .roots] },
      { look in
        .check(
          (look.roots(1)?.count ?? 0) == (look.roots(0)?.count ?? 0) + 1
            && look.roots(1)?.contains { $0.key == look.stock?.hex("friend/node") } == true, "\(look.seen.words(1))")
      }),
    row(
      "new-member", "a new member of a group sees its grants in the next list", ["CF-035"], binding: .hardening,
      stock: {
        $0.phrase("shared")
        $0.group("friends", [$0.other])
        $0.grant(.object($0["shared"]), to: [], groups: [$0["friends"]])
      }, [.groupsIgnored, .rootsOnlyOnce], deployed: true,
      { _ in [.roots, .arrange { $0.group("friends", [$0.other, $0.probe]) }, .roots] },
      {
        CaseOutcome.all([
          $0.doesNotList(0, "shared"), $0.isStrict ? $0.lists(1, "shared") : $0.doesNotList(1, "shared"),
        ])
      }),
  ]

  // MARK: Unreadable grants (F40)

  /// One grant that cannot be read: strict leaves it out, deployed answers with an error and serves nobody.
  private static func dangling(
    _ name: String, _ title: String, _ subject: @escaping @Sendable (ChumStock) -> Subject
  ) -> ChumRow {
    row(
      "roots-\(name)", title, ["CF-048", "ACC-021"], binding: .hardening,
      stock: { $0.grant(subject($0), to: [$0.probe]) }, [], deployed: true,
      { _ in [.roots, .version] },
      { look in
        CaseOutcome.all([
          look.isStrict
            ? look.lists(0, "open") : .check(look.seen.code(0) != nil, "a list came: \(look.seen.words(0))"),
          look.alive(1),
          look.isStrict ? look.lists(0, "time") : .passed,
        ])
      })
  }

  static let unreadable: [ChumRow] = [
    dangling("access-on-id-hash", "an Access grant on an ID hash stops nothing else") { .object($0["friend"]) },
    dangling("access-on-blob", "an Access grant on a BLOB stops nothing else") { .object($0["picture/blob"]) },
    dangling("access-on-nothing", "an Access grant on what is not stored stops nothing else") { _ in
      .object(ObjectHash.of([1]))
    },
    dangling("id-access-on-object", "an IdAccess grant on a version stops nothing else") { .id($0["friend/data"]) },
    dangling("id-access-on-nothing", "an IdAccess grant on an unknown ID hash stops nothing else") { _ in
      .id(ObjectHash.of([2]))
    },
  ]

  // MARK: Files

  private static func sized(_ size: Int) -> ChumRow {
    row(
      "8-of-\(size)-bytes", "a BLOB of \(size) bytes arrives whole, in chunks with an id and at least a byte",
      ["CF-080", "CF-022"],
      stock: {
        $0.picture("file", size: size)
        $0.grant(.object($0["file"]), to: [$0.probe])
      }, patience: 4_000, [.emptyChunks, .idsBigEndian],
      { [.roots, .ask(4, $0.hex("file")), .ask(8, [.string($0.hex("file/blob")), .string(ChumMessage.undefined)])] },
      { look in
        let chunks = look.seen.answers[2]?.binaryChunks ?? []
        return CaseOutcome.all([
          .check(look.seen.file(2) == ProbeShelf.bytes(size), "not the file: \(look.seen.words(2))"),
          .check(chunks.allSatisfy { $0 > 0 }, "an empty chunk"), look.open(),
        ])
      })
  }

  private static func clob(_ stock: inout ChumStock) {
    let text = String(repeating: "漢字かな", count: 8_000) + "ende"
    let clob = stock.file("text", Array(text.utf8), .clob)
    stock.version(
      "clob",
      OneObject([
        "$type$": "Chum", "name": "n", "instance": ["a", "b"],
        "person": [.text(String(repeating: "1", count: 64)), .text(String(repeating: "2", count: 64))],
        "highestRemoteTimestamp": 0, "AtoBObjects": [], "AtoBIdObjects": [], "AtoBBlob": [],
        "AtoBClob": .array([.reference(clob)]),
        "BtoAObjects": [], "BtoAIdObjects": [], "BtoABlob": [], "BtoAClob": [], "BtoAExists": 0,
      ]))
    stock.grant(.object(stock["clob/data"]), to: [stock.probe])
  }

  static let files: [ChumRow] =
    [1, 100, 65_528, 65_529, 150_000].map(sized) + [
      row(
        "8-empty", "an empty BLOB is the end of the stream and nothing else", ["CF-024"],
        stock: {
          $0.picture("file", size: 0)
          $0.grant(.object($0["file"]), to: [$0.probe])
        }, [.noStreamEnd], { [.roots, .ask(4, $0.hex("file")), .ask(8, $0.hex("file/blob"))] },
        {
          .check($0.seen.file(2) == [] && $0.seen.answers[2]?.binaryChunks.isEmpty == true, "\($0.seen.words(2))")
        }),
      row(
        "8-clob", "a CLOB comes in texts cut between characters, the encoding in the first one only",
        ["CF-025", "CF-026"],
        stock: { clob(&$0) }, patience: 4_000, [.chunksCutCharacters, .encodingInEveryChunk],
        { [.roots, .ask(4, $0.hex("clob/data")), .ask(8, $0.hex("text"), "utf8")] },
        { look in
          let answer = look.seen.answers[2]
          let later = answer?.encodings.dropFirst() ?? []
          return CaseOutcome.all([
            .check(look.seen.file(2).map(ObjectHash.of) == look.stock?["text"], "not the text: \(look.seen.words(2))"),
            .check(answer?.encodings.first == "utf8" && later.allSatisfy { $0 == nil }, "encodings"),
            .check((answer?.textChunks.count ?? 0) > 1, "one chunk only"),
            .check(answer?.textChunks.contains { $0.contains("\u{FFFD}") } == false, "a character was cut"),
          ])
        }),
      row(
        "8-two-at-once", "two streams at once arrive whole", ["CF-023"], [.noStreamEnd, .streamsMixed],
        {
          [
            .roots, .ask(4, $0.hex("picture")), .ask(4, $0.hex("time")), .request(8, [.string($0.hex("picture/blob"))]),
            .request(8, [.string($0.hex("attachment/blob"))]), .wait(200),
          ]
        },
        {
          CaseOutcome.all([
            .check($0.seen.file(3) == ProbeShelf.bytes(100), $0.seen.words(3)),
            .check($0.seen.file(4) == ProbeShelf.bytes(30), $0.seen.words(4)),
          ])
        }),
      row(
        "8-stopped", "a write-stream-error stops the stream, which ends with an error or an end", ["CF-027"],
        stock: {
          $0.picture("file", size: 1_000_000)
          $0.grant(.object($0["file"]), to: [$0.probe])
        }, patience: 4_000, [.streamsGoOn],
        {
          [
            .roots, .ask(4, $0.hex("file")), .request(8, [.string($0.hex("file/blob"))]), .wait(50),
            .text(#"{"requestId":2,"type":"write-stream-error"}"#), .wait(1_500), .request(1, []), .wait(50),
          ]
        },
        {
          CaseOutcome.all([
            .check($0.seen.answers[2]?.finals.count == 1, "it did not end: \($0.seen.words(2))"),
            .check(($0.seen.answers[2]?.bytes.count ?? 0) < 900_000, "all of it came"), $0.alive(3),
          ])
        }),
      row(
        "8-id-reused", "a second stream under the id of a running one is refused", ["CF-028"],
        stock: {
          $0.picture("file", size: 600_000)
          $0.grant(.object($0["file"]), to: [$0.probe])
        }, patience: 4_000, [.streamIdsShared],
        {
          [
            .roots, .ask(4, $0.hex("file")), .request(8, [.string($0.hex("file/blob"))]),
            .text(#"{"requestId":2,"type":"request","serviceId":8,"args":["\#($0.hex("file/blob"))"]}"#), .wait(1_000),
          ]
        },
        { look in
          let finals = look.seen.answers[2]?.finals ?? []
          return CaseOutcome.all([
            .check(look.seen.code(2) == "WSRQ-CRSTH1", "not refused: \(look.seen.words(2))"),
            .check(
              finals.contains(.streamEnd) && look.seen.answers[2]?.bytes == ProbeShelf.bytes(600_000),
              "the first did not go on"),
          ])
        }),
      row(
        "8-paused", "a stream pauses while the socket is full", ["CF-031"],
        stock: {
          $0.picture("file", size: 1_000_000)
          $0.grant(.object($0["file"]), to: [$0.probe])
        }, patience: 4_000, [.neverPauses],
        { [.roots, .ask(4, $0.hex("file")), .request(8, [.string($0.hex("file/blob"))]), .wait(40), .close] },
        {
          .check(
            ($0.seen.answers[2]?.bytes.count ?? 0) <= 600_000, "\($0.seen.answers[2]?.bytes.count ?? 0) bytes at once")
        }),
      row(
        "8-seventeen", "the seventeenth stream at once is refused", ["CF-030"], binding: .hardening,
        stock: {
          $0.picture("file", size: 600_000)
          $0.grant(.object($0["file"]), to: [$0.probe])
        }, patience: 4_000, [.unlimitedStreams], deployed: true,
        { stock in
          [.roots, .ask(4, stock.hex("file"))] + (0..<40).map { _ in .request(8, [.string(stock.hex("file/blob"))]) }
            + [.wait(3_500)]
        },
        { look in
          let refused = (2..<42).count { look.seen.code($0) != nil }
          return look.isStrict
            ? .check(refused >= 8, "\(refused) of 40 were refused") : .check(refused == 0, "\(refused) were refused")
        }),
    ]

  // MARK: The end

  static let ends: [ChumRow] = [
    row(
      "fin", "FIN is answered with the absent value, and ends the exporter's services", ["CF-050"],
      [.finIgnored, .finUnanswered],
      { [.roots, .ask(10, []), .ask(2, []), .ask(6, $0.hex("open"))] },
      {
        CaseOutcome.all([
          $0.data(1, .string(ChumMessage.undefined)), $0.refused(2, "UNKNOWN-SERVICE"),
          $0.refused(3, "UNKNOWN-SERVICE"),
        ])
      }),
    row(
      "fin-twice", "a second FIN is an unknown service", ["CF-050"], [.finIgnored],
      { _ in [.ask(10, []), .ask(10, []), .ask(10, [])] },
      {
        CaseOutcome.all([
          $0.data(0, .string(ChumMessage.undefined)), $0.refused(1, "UNKNOWN-SERVICE"),
          $0.refused(2, "UNKNOWN-SERVICE"),
          $0.open(),
        ])
      }),
    row(
      "fin-early", "FIN before anything else leaves the target's own import running", ["CF-050", "CF-073"],
      patience: 6_500, [.finEndsAll], { _ in [.ask(10, [])] },
      {
        CaseOutcome.all([
          $0.data(0, .string(ChumMessage.undefined)), $0.open(),
          .check($0.seen.count(2) >= 2, "\($0.seen.count(2)) rounds"),
        ])
      }),
  ]
}
