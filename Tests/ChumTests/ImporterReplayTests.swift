import Chum
import Store
import Testing
import Wire
import WireBytes

/// Our importer in the place of every recorded one (issue 6, replay against ourselves).
@Suite struct ImporterReplayTests {
  /// Recordings in which the surplus at the end is explained by what the recorded importer lost (F11).
  private static func legs(_ recording: RecordedChum) -> [RecordedLeg] {
    recording.legs.filter { $0.ownRequestCount > 0 && !$0.isByHand }
  }

  @Test(arguments: RecordedChum.names)
  func `asks what the recorded importer asked, in its order and with its numbers`(_ name: String) throws {
    let recording = try RecordedChum(name)
    for leg in Self.legs(recording) {
      let replay = try ImporterReplay(leg, in: recording)
      #expect(replay.differences == [], "\(name) \(leg.conn)")
      #expect(replay.reordered == 0, "\(name) \(leg.conn)")
      #expect(replay.surplus == [], "\(name) \(leg.conn)")
      #expect(replay.matched == leg.ownRequestCount, "\(name) \(leg.conn)")
    }
  }

  @Test func `the recordings hold importers to stand in for`() throws {
    let recordings = try RecordedChum.names.map { try RecordedChum($0) }
    let requests = recordings.flatMap(Self.legs).map(\.ownRequestCount).reduce(0, +)
    #expect(recordings.count > 20)
    #expect(requests > 250)
  }

  /// The recorded importer closed with a reason of its own: ours says the same, cut to 123 bytes as below us.
  @Test(arguments: RecordedChum.names)
  func `closes when the recorded importer did, with its words`(_ name: String) throws {
    let recording = try RecordedChum(name)
    for leg in Self.legs(recording) {
      let recorded = leg.closes.first { $0.isOwn }?.reason ?? ""
      let replay = try ImporterReplay(leg, in: recording)
      guard recorded.contains("Chum ended [") || recorded.contains("onMsgHandler") else {
        #expect(replay.closeReason == nil, "\(name) \(leg.conn)")
        continue
      }
      let own = "Close called: \(replay.closeReason ?? "")"
      #expect(String(decoding: own.utf8.prefix(123), as: UTF8.self) == recorded, "\(name) \(leg.conn)")
    }
  }

  /// Everything that was sent with the right hash and not refused is stored; and nothing else came in.
  @Test(arguments: RecordedChum.names)
  func `ends with the store of the recorded importer`(_ name: String) throws {
    let recording = try RecordedChum(name)
    for leg in Self.legs(recording) {
      let replay = try ImporterReplay(leg, in: recording)
      let rejected = Set(replay.logs.compactMap { if case .rejected(let hash, _) = $0 { hash } else { nil } })
      for (hash, kind) in Self.delivered(to: leg) where !rejected.contains(hash.hex) {
        #expect(replay.host.repository.store.entry(hash)?.kind == kind, "\(name) \(leg.conn) \(hash)")
      }
      if !leg.recording.hasPrefix("fail-"), !leg.recording.hasPrefix("chum-blob-") || leg.recording.contains("fixed") {
        #expect(rejected == [], "\(name) \(leg.conn)")
      }
    }
  }

  /// Edges, merges, depths, times and merged data of our importer hash to what the recorded one announced afterwards.
  @Test func `leads histories to the very nodes that the recorded importers announced`() throws {
    var compared = 0
    var merges = 0
    for recording in try RecordedChum.names.map({ try RecordedChum($0) }) {
      for leg in Self.legs(recording) {
        let replay = try ImporterReplay(leg, in: recording)
        for merge in replay.merges {
          merges += 1
          #expect(merge.isOurs, "\(recording.name) \(leg.conn) \(merge.node)")
        }
        for history in replay.histories {
          compared += 1
          #expect(history.own == history.recorded, "\(recording.name) \(leg.conn)")
        }
      }
    }
    #expect(compared >= 3)
    #expect(merges >= 1)
  }

  /// What reached the importer of a leg whole and under its own hash.
  private static func delivered(to leg: RecordedLeg) -> [(ObjectHash, StoredKind)] {
    var found: [(ObjectHash, StoredKind)] = []
    var asked: [Int: (Int, ObjectHash, isText: Bool)] = [:]
    var streams: [Int: [UInt8]] = [:]
    for message in leg.messages {
      if case .binary(let bytes) = message.payload, !message.isOwn, let chunk = try? ChumBinaryChunk.decode(bytes),
        let id = chunk.request
      {
        streams[id, default: []] += chunk.data
      }
      switch RecordedLeg.decode(message) {
      case .request(let id, let service, let args)? where message.isOwn:
        if let hash = args?.first?.string.flatMap({ ObjectHash(hex: $0) }) {
          asked[id] = (service, hash, (args?.count ?? 0) > 1 && args?[1] == "utf8")
        }
      case .data(let id, .string(let text))? where !message.isOwn:
        if let (service, hash, _) = asked[id], service == 6 || service == 7, ObjectHash.of(Array(text.utf8)) == hash {
          found.append((hash, service == 6 ? .object : .idObject))
        }
      case .stream(let id, let chunk, _)? where !message.isOwn: streams[id, default: []] += Array(chunk.utf8)
      case .streamEnd(let id)? where !message.isOwn:
        if let (_, hash, isText) = asked[id], ObjectHash.of(streams[id] ?? []) == hash {
          found.append((hash, isText ? .clob : .blob))
        }
      default: break
      }
    }
    return found
  }

  /// The header of such a recording says of every case whether the real importer stored it.
  @Test(arguments: RecordedChum.names.filter { $0.hasPrefix("fail-chum-answer") })
  func `stores and refuses what the real importer stored and refused`(_ name: String) throws {
    let recording = try RecordedChum(name)
    let leg = try #require(Self.legs(recording).max { $0.ownRequestCount < $1.ownRequestCount })
    let replay = try ImporterReplay(leg, in: recording)
    let cases = try #require(recording.header["result"]?["cases"]?.array)
    let roots = try #require(Self.firstRoots(leg))
    try #require(cases.count == roots.count && !cases.isEmpty)
    for (root, verdict) in zip(roots, cases) {
      let hash = try #require(ObjectHash(hex: root.key))
      let isStored = replay.host.repository.store.knows(hash)
      #expect(isStored == verdict["stored"]?.bool, "\(verdict["case"]?.string ?? "?")")
    }
    let recorded = recording.header["result"]?["chumObjectOfAlice"]?["errors"]?.array?.compactMap(\.string) ?? []
    let own = replay.session.errors.map { $0.code ?? $0.name }
    let codes = recorded.map { String($0.prefix { $0 != " " && $0 != ":" }) }
    #expect(own == codes)
    // And its texts, as far as they are CHUM's own: the codec words its errors itself, and objects are shown shorter.
    for (text, error) in zip(recorded, replay.session.errors) {
      let full = error.code.map { "\($0) | \(error)" } ?? error.description
      if text.contains("{\"$type$\"") || (text.hasPrefix("M2O-") && !text.hasPrefix("M2O-PH1")) || text.hasPrefix("OR-")
      {
        continue
      }
      #expect(full == text)
    }
  }

  private static func firstRoots(_ leg: RecordedLeg) -> [RootEntry]? {
    for message in leg.messages where !message.isOwn {
      if case .data(_, .string(let text))? = RecordedLeg.decode(message), let roots = try? RootEntry.decodeList(text),
        !roots.isEmpty
      {
        return roots
      }
    }
    return nil
  }
}
