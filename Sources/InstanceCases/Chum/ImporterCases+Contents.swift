import Chum
import Instance
import Store
import SyncInstance
import Wire
import WireBytes

/// Objects, files, version nodes, and answers out of place.
extension ImporterCases {
  private static func bad(
    _ act: ChumMisbehaviour, _ subject: ProbeShelf.Subject, _ title: String, _ requires: [String],
    code: String? = nil, _ kills: [ChumFault]
  ) -> ChumRow {
    row(act, subject, title, requires, .refused, kills) { look, _ in
      for other in [ProbeShelf.name("other bytes"), ProbeShelf.personId("other@bytes")]
      where look.stores(ProbeShelf.hash(Array(other.utf8))) == true { return .failed("what came is stored") }
      // A code stands in the Chum object of an embedded target (CF-063).
      guard let code, look.sync != nil else { return .passed }
      return .check(look.codes.contains(code), "recorded: \(Array(Set(look.codes)).sorted())")
    }
  }

  private static func bad(
    _ act: ChumMisbehaviour, _ title: String, _ requires: [String], code: String? = nil, _ kills: [ChumFault]
  ) -> ChumRow { bad(act, .unversioned, title, requires, code: code, kills) }

  static let objects: [ChumRow] = [
    bad(
      .objectOtherBytes, "bytes of another hash are refused", ["CF-056", "CHUM-028"], code: "CIEC-FO2",
      [.hashNotChecked, .stopsAtFailure]),
    bad(
      .objectOtherBytes, .id, "an ID object of another hash is refused", ["CF-056", "CHUM-029"], code: "CIEC-FIDO2",
      [.hashNotChecked]),
    bad(
      .objectOtherForm, "an ID object in the place of an object is refused", ["CF-056", "CHUM-030"], [.storesAnything]),
    bad(
      .objectOtherForm, .id, "an object in the place of an ID object is refused", ["CF-056", "CHUM-031"],
      [.storesAnything]),
    bad(
      .objectNumber, "a number in the place of an object is refused", ["CF-062", "CHUM-026"], code: "CIEC-FO1",
      [.stopsAtFailure, .failuresNotRecorded]),
    bad(
      .objectList, "a list in the place of an object is refused", ["CF-062", "CHUM-026"], code: "CIEC-FO1",
      [.stopsAtFailure, .failuresNotRecorded]),
    bad(
      .objectAbsent, "the absent value in the place of an object is refused", ["CF-062", "CHUM-026"], code: "CIEC-FO1",
      [.stopsAtFailure, .failuresNotRecorded]),
    bad(
      .objectNumber, .id, "a number in the place of an ID object is refused", ["CF-062", "CHUM-026"],
      code: "CIEC-FIDO1", [.stopsAtFailure, .failuresNotRecorded]),
    bad(
      .objectError, "an error in the place of an object costs one root", ["CF-062", "CF-063"], code: "WSRQ-JRMH1",
      [.stopsAtFailure, .failuresNotRecorded]),
    row(
      .objectHugeError, .unversioned, "an error of 250 kB is survived, and kept short", ["CF-062", "CF-049"], .refused,
      [.stopsAtFailure, .errorsKeptWhole]
    ) { look, _ in
      let longest =
        look.sync?.sessions.values.flatMap(\.chum.errors).compactMap { $0.cause?.message.utf8.count }.max() ?? 0
      return .check(longest <= 20_000, "\(longest) bytes are kept")
    },
    row(
      .objectErrorOnce, .unversioned, "a root that failed is tried again in the next round, and taken",
      ["CF-064", "CHUM-023"], Fate(subject: .either), [.failedRootsForgotten]
    ) { look, shelf in
      CaseOutcome.all([
        .check(look.seen.fetched(shelf.subject) == 2, "asked for \(look.seen.fetched(shelf.subject)) times"),
        .check(look.stores(shelf.subject) != false, "not stored"),
      ])
    },
    row(
      .objectError, .nested, "a failing root is tried once a round", ["CF-064", "CHUM-023"], .refused,
      [.failedRootsForgotten, .failedRootsHammered]
    ) { look, shelf in
      let rounds = look.seen.count(2)
      let tries = look.seen.fetched(shelf.subject)
      return .check(tries == rounds || tries == rounds - 1, "\(tries) tries in \(rounds) rounds")
    },
    row(
      .objectStream, .unversioned, "a stream in the place of an object is refused", ["CF-057"], .refused,
      deployed: Fate(subject: .either), [.streamsTakenAsData]),
    row(
      .objectStream, .id, "a stream in the place of an ID object is refused", ["CF-057"], .refused,
      deployed: Fate(subject: .either), [.streamsTakenAsData]),
    row(.objectTwice, .unversioned, "a second answer is dropped", ["CF-019"], .taken, [.closesOnStray]) { look, _ in
      .check(look.stores(ProbeShelf.hash(Array(ProbeShelf.name("other bytes").utf8))) != true, "it is stored")
    },
    row(
      .objectSilent, .unversioned, "an object that never comes is closed in bounded time", ["CF-072"],
      .ends, deployed: Fate(end: .open, subject: .refused, innocent: .refused), patience: 135_000, [.waitsForEver]),
  ]

  static let contents: [ChumRow] = [
    bad(
      .contentNotMicrodata, "a text that is no microdata is refused", ["CF-062", "CHUM-030"], code: "M2O-PH1",
      [.storesAnything]),
    bad(.contentEmpty, "the empty text is refused", ["CF-062", "CHUM-030"], [.storesAnything]),
    bad(
      .contentTrailingNewline, "a line feed behind the object is refused", ["CF-062", "CHUM-033"], [.storesAnything]),
    bad(
      .contentUnknownType, "an object of an unknown type is refused", ["CF-062", "CHUM-032"], code: "OR-ET1",
      [.storesAnything]),
    bad(.contentMissingProperty, "an object without a property is refused", ["CF-062", "CHUM-032"], [.storesAnything]),
    bad(
      .contentExtraProperty, "an object with an unknown property is refused", ["CF-062", "CHUM-032"], [.storesAnything]),
    bad(.contentUnescaped, "an unescaped < is refused", ["CF-062", "CHUM-033"], [.storesAnything]),
    bad(.contentUnbalanced, "an object that does not end is refused", ["CF-062", "CHUM-033"], [.storesAnything]),
    bad(
      .contentOtherOrder, .nested, "properties in another order are refused", ["CF-062", "CHUM-033"], [.storesAnything]),
    row(
      .contentEntity, .unversioned, "an entity that nobody writes is refused in strict", ["CF-062", "CHUM-033"],
      .refused, deployed: Fate(subject: .either), [.storesAnything]),
    row(
      .contentNumberSpelling, .nested, "a number written as 05 is refused in strict", ["CF-062", "CHUM-033"], .refused,
      deployed: .taken, [.storesAnything]),
    bad(
      .contentIdWithMore, .id, "an ID object with a property that is none of its identity is refused",
      ["CF-062", "CHUM-032"], [.storesAnything]),
    bad(.contentAccess, "an Access object is refused", ["CF-058", "ACC-019"], code: "CIEC-FO3", [.refusedTypesTaken]),
    bad(
      .contentIdAccess, "an IdAccess object is refused", ["CF-058", "ACC-019"], code: "CIEC-FO3", [.refusedTypesTaken]),
    bad(.contentGroup, "a Group object is refused", ["CF-058", "ACC-019"], code: "CIEC-FO3", [.refusedTypesTaken]),
    row(.contentRecipe, .unversioned, "a Recipe is data: it makes no type known", ["CF-058"], .taken, [.neverAsks]),
    bad(
      .contentOtherType, "an object of another type than announced is refused", ["CF-059", "CHUM-034"],
      code: "CIEC-FOWT1", [.storesAnything]),
    row(
      .contentForeignIdHash, .versioned, "a version of another ID hash than announced is refused",
      ["CF-061", "CHUM-035"], .refused, deployed: .taken, [.storesAnything]),
  ]

  // MARK: Service 8

  private static func file(
    _ act: ChumMisbehaviour, _ subject: ProbeShelf.Subject, _ title: String, _ requires: [String], _ strict: Fate,
    deployed: Fate? = nil,
    patience: Double = 11_000, configure: (@Sendable (inout SyncSettings) -> Void)? = nil, _ kills: [ChumFault]
  ) -> ChumRow {
    let others: [ChumMisbehaviour: String] = [
      .fileOtherBytes: "another content", .fileEmpty: "", .fileAsText: "text instead of bytes",
    ]
    return row(
      act, subject, title, requires, strict, deployed: deployed, patience: patience, configure: configure, kills
    ) { look, _ in
      // Nothing of another hash is kept (deployed stores it under its own, F8).
      if look.isStrict, let other = others[act], look.stores(ProbeShelf.hash(Array(other.utf8))) == true {
        return .failed("what came is stored")
      }
      let left = look.sync?.host.repository.store.openFileCount ?? 0
      return .check(!look.isStrict || left == 0 || strict.end == .open && left <= 1, "\(left) files are left open")
    }
  }

  private static func file(
    _ act: ChumMisbehaviour, _ title: String, _ requires: [String], _ strict: Fate, deployed: Fate? = nil,
    patience: Double = 11_000, configure: (@Sendable (inout SyncSettings) -> Void)? = nil, _ kills: [ChumFault]
  ) -> ChumRow {
    file(act, .blob, title, requires, strict, deployed: deployed, patience: patience, configure: configure, kills)
  }

  static let files: [ChumRow] = [
    file(
      .fileOtherBytes, "a BLOB of another hash is refused, and nothing of it is kept", ["CF-056", "CHUM-031"], .refused,
      [.filesNotChecked]),
    file(.fileOtherBytes, .clob, "a CLOB of another hash is refused", ["CF-056"], .refused, [.filesNotChecked]),
    file(
      .fileEmpty, "an empty stream for a BLOB that is not empty is refused", ["CF-056", "CF-024"], .refused,
      [.filesNotChecked]),
    row(
      .fileZeroLength, .blob, "the end of a stream without a chunk is the empty BLOB", ["CF-024"], .taken,
      [.emptyFilesRefused]),
    file(.fileOfOneByteChunks, "chunks of one byte are taken", ["CF-023"], .taken, [.filesRefused]),
    file(.fileEmptyChunkBetween, "an empty chunk between others is taken", ["CF-023"], .taken, [.emptyChunksFatal]),
    file(
      .fileOddIds, "chunks with ids that are none are dropped, the file is taken", ["CF-020"], .taken, [.filesRefused]),
    file(
      .fileEmptyMessage, "an empty binary message fails its file and nothing else", ["CF-081"], .refused,
      deployed: Fate(end: .closed, subject: .refused, innocent: .either), [.stopsAtFailure]),
    file(
      .fileShortMessage, "a binary message of three bytes fails its file and nothing else", ["CF-021", "CF-081"],
      .refused,
      deployed: Fate(end: .closed, subject: .refused, innocent: .either), [.stopsAtFailure]),
    file(.fileAsData, "data in the place of a BLOB are refused", ["CF-062"], .refused, [.stopsAtFailure]),
    file(.fileDataBehindChunks, "data behind chunks fail the file", ["CF-062"], .refused, [.stopsAtFailure]),
    file(.fileStreamError, "a stream error fails the file and nothing else", ["CF-062"], .refused, [.stopsAtFailure]),
    file(.fileError, "an error in the place of a BLOB costs one root", ["CF-062"], .refused, [.stopsAtFailure]),
    file(
      .fileAsText, "a text stream in the place of a BLOB is refused by its hash", ["CF-056"], .refused,
      [.filesNotChecked]),
    file(.fileAsBase64, "a BLOB in base64 is taken", ["CF-023"], .taken, [.filesRefused]),
    file(.fileOfTwoKinds, "chunks of two kinds fail the file", ["CF-062"], .refused, [.stopsAtFailure]),
    file(.fileTwice, "a file that comes twice is taken once", ["CF-019"], .taken, [.closesOnStray]),
    file(.clobEncodingAbsent, .clob, "a chunk of text without encoding is UTF-8", ["CF-026"], .taken, [.filesRefused]),
    file(
      .clobEncodingRepeated, .clob, "the encoding may stand in every chunk", ["CF-026"], .taken, [.encodingOnceOnly]),
    file(
      .fileEndless, "more bytes than a file may have stop the stream", ["CF-030"], .refused,
      configure: { $0.limits.file = 1 << 18 }, [.filesUnlimited]),
    file(
      .fileStalls, "a stream that stalls is closed in bounded time", ["CF-072"], .ends,
      deployed: Fate(end: .open, subject: .refused, innocent: .refused), patience: 135_000, [.waitsForEver]),
  ]

  // MARK: Version nodes

  /// Strict loses the node; deployed ends the session (F10).
  private static func badNode(
    _ act: ChumMisbehaviour, _ title: String, _ requires: [String],
    deployed: Fate = Fate(end: .closed, subject: .refused, innocent: .kept), code: String? = nil,
    _ kills: [ChumFault]
  ) -> ChumRow {
    row(act, .nodes, title, requires, .refused, deployed: deployed, kills) { look, shelf in
      guard look.isStrict else { return .passed }
      if let code, look.sync != nil, !look.codes.contains(code) { return .failed("recorded: \(look.codes)") }
      return .check(look.seen.fetched(shelf.innocentNode) == 1, "the other history did not come")
    }
  }

  static let nodes: [ChumRow] = [
    badNode(
      .nodeForeignData, "a version node over data of another ID hash is refused; the other history comes",
      ["CF-059", "CF-062", "CHUM-036"], code: "CI-CCI1", [.stopsAtFailure]),
    badNode(
      .nodeOtherType, "a version node over data of another type is refused", ["CF-059", "CF-062"], code: "CI-CCI2",
      [.stopsAtFailure]),
    badNode(.nodeIsNone, "a version node that is none is refused", ["CF-059", "CF-062"], [.stopsAtFailure]),
    badNode(
      .objectOtherBytes, "a version node of another hash is refused; the other history comes", ["CF-056", "CF-062"],
      [.stopsAtFailure]),
    badNode(.objectError, "an error for a version node costs its history and no other", ["CF-062"], [.stopsAtFailure]),
    badNode(
      .childrenNotJSON, "children of a version node that are no JSON cost its history and no other", ["CF-062"],
      [.stopsAtFailure]),
    row(
      .nodeNegativeDepth, .nodes, "a negative depth is refused in strict", ["CF-059"], .refused,
      deployed: Fate(subject: .either), [.stopsAtFailure]),
    row(
      .nodeFractionDepth, .nodes, "a depth that is a fraction is refused in strict", ["CF-059"], .refused,
      deployed: Fate(subject: .either), [.stopsAtFailure]),
    row(
      .nodeGreatestDepth, .nodes, "the greatest depth is data: no crash, and the history gets a head", ["CF-067"],
      .taken, [.headNotMerged]
    ) { look, shelf in
      .check(look.sync == nil || look.head(shelf.idHash) != nil, "no head")
    },
    row(.nodeOfTheFuture, .nodes, "a creation time of the future is data", ["CF-067"], .taken, [.headNotMerged]) {
      look, shelf in
      .check(look.sync == nil || look.head(shelf.idHash) != nil, "no head")
    },
    row(
      .nodeMissingPrevious, .nodes, "a node whose predecessor nobody has is refused in strict", ["CF-060"], .refused,
      deployed: Fate(end: .either, subject: .either, innocent: .either), [.dependenciesNotChecked]),
    row(
      .nodeBranches, .nodes, "of two branches both are merged, not the deepest alone", ["CF-065"], .taken,
      deployed: .taken, [.headNotMerged]
    ) { look, shelf in
      guard look.isStrict, let repository = look.sync?.host.repository, let idHash = ObjectHash(hex: shelf.idHash)
      else { return .passed }
      guard let head = repository.store.head(idHash), let node = try? repository.versionNode(head) else {
        return .failed("no head")
      }
      return .check(
        Set(node.predecessors.map(\.hex)) == [shelf.subject, shelf.innocentNode],
        "the head follows \(node.predecessors)")
    },
  ]

  // MARK: Out of place

  static let answers: [ChumRow] = [
    row(
      .unaskedAnswers, .nested, "answers that nobody asked for, behind every answer, change nothing", ["CF-019"],
      .taken,
      configure: { $0.limits.strayMessages = 100_000 }, [.closesOnStray]),
    row(
      .answersBehindEnd, .nested, "a second answer behind every answer changes nothing", ["CF-019"], .taken,
      configure: { $0.limits.strayMessages = 100_000 }, [.closesOnStray]),
    row(
      .unaskedAnswers, .unversioned, "sixteen messages of no meaning close", ["CF-020"],
      Fate(end: .closed, subject: .either, innocent: .either),
      deployed: .taken, [.toleratesStrays]),
    row(
      .closesInRound, .unversioned, "a close in the middle of a round is an error of the session",
      ["CF-070", "CF-029"],
      Fate(end: .either, subject: .refused, innocent: .refused), patience: 3_000, [.closesForgotten]
    ) { look, _ in
      look.sync == nil
        ? .passed : .check(look.ending?.failure?.code == "WSP-ONCL0", "told: \(String(describing: look.ending))")
    },
    row(
      .rootsSilent, .nested, "a close while the root list is awaited is an error of the session", ["CF-029", "CF-070"],
      Fate(end: .either, subject: .refused, innocent: .refused), script: [.wait(1_000), .close], patience: 3_000,
      [.closesForgotten]
    ) { look, _ in
      look.sync == nil
        ? .passed : .check(look.ending?.failure?.code == "WSP-ONCL0", "told: \(String(describing: look.ending))")
    },
    row(
      .rootsWithWhiteSpace, .id, "a close between two rounds is a normal end", ["CF-070"],
      Fate(end: .either, subject: .kept),
      script: [.wait(2_500), .close], patience: 3_000, [.closesAlwaysFailures]
    ) { look, _ in
      look.sync == nil
        ? .passed
        : .check(look.ending != nil && look.ending?.failure == nil, "told: \(String(describing: look.ending))")
    },
  ]
}
