import Testing
import Trace
import WireBytes

@testable import Recording

@Suite("Instance logs are read alone, among frames and beside a session")
struct LogTests {
  private static let hash = String(repeating: "ab", count: 32)
  private static let header = #"{"type":"header","format":"one-ws-recording/1","started":"2026-11-22T22:23:34.250Z"}"#

  private static let facts: [LogFact] = [
    .identityReady(
      LogIdentity(person: hash, instance: "a", profile: hash, authority: "X", groups: ["iom": hash])),
    .encrypted(role: "accepts"), .personVerified(person: hash, key: "k", ok: false),
    .invitationCreated(token: "t", expiresAt: 900), .invitationEnded(token: "t", why: "used"),
    .pairingAccepted(token: "t"), .pairingRefused(token: nil, reason: "no"),
    .pluginAttached(plugin: "statistics", index: 1),
    .pluginPassed(LogPluginPass(plugin: "p", isIncoming: false, before: .text("x"), after: nil)),
    .pluginPassed(LogPluginPass(plugin: "p", isIncoming: true, before: .text("dropped"), after: .text("dropped"))),
    .pluginPassed(LogPluginPass(plugin: "p", isIncoming: true, before: nil, after: .binary(length: 3))),
    .handlerGotText("synchronisation"),
    .chumStarted(
      LogChumStart(
        localPerson: hash, remotePerson: hash, localInstance: "a", remoteInstance: "b", importer: true, exporter: false,
        keepRunning: true, pollMs: 5_000, groupPolicy: "evaluated")),
    .objectReceived(kind: .clob, requestedHash: hash, actualHash: "other"),
    .objectStored(
      LogStoredObject(
        kind: .object, hash: hash, viaChum: true, status: "new", type: "Person", idHash: hash, references: [hash])),
    .objectRejected(hash: hash, code: "CI-1"),
    .headSet(
      LogHead(
        idHash: hash, node: "n", nodeType: "VersionNodeEdge", depth: 4, data: "d", viaChum: false,
        entries: [LogEntry(entry: "e", creationTime: "c", timestamp: 1e12, data: "d")])),
    .firstFullSync, .chumEnded(outcome: "failed", error: "x"),
    .chumStored(
      LogChumObject(idHash: hash, hash: "h", lists: ["AtoBBlob": [hash]], statistics: ["x": 1], errors: ["e"])),
    .grantCreated(
      LogGrant(
        by: "X", subject: hash, subjectKind: .id, persons: [hash], groups: ["g"], mode: "add", resultPersons: [hash],
        resultGroups: ["g"], status: "new", started: 17, versions: 2, isByChum: false, because: "t")),
    .groupChanged(group: "g", persons: [hash], cause: "local"),
    .channelCreated(LogChannel(by: "X", channel: hash, id: "i", owner: hash)),
    .topicCreated(LogTopic(topic: "t", id: "i", channel: hash, isImported: true, sender: hash)),
    .messageAppended(LogMessage(channel: hash, entry: LogEntry(entry: "e", timestamp: 5))),
    .channelUpdated(LogUpdate(channel: hash, id: "i", owner: hash, count: 7, newEntries: 2, isImport: true)),
    .channelUpdated(LogUpdate(channel: hash, count: 1, entries: [LogEntry(data: "d")], isImport: false)),
    .channelVisible(channel: hash),
    .storeSnapshot(
      LogSnapshot(
        when: "end", inventory: [.init(hash: hash, kind: .blob, length: 3, sha256: hash)],
        heads: [LogHead(idHash: "i", node: "n", data: "d")],
        grants: [.init(subject: hash, subjectKind: .id, persons: [hash], groups: [])], groups: ["g": [hash]])),
  ]

  @Test(arguments: facts)
  func `an event comes back as it was written`(_ fact: LogFact) throws {
    let object = LogEvent(peer: "alice", conn: "c5", fact).json(time: 12.5)
    let line = JSONValue.object(object).compact
    guard case .object(let again) = try JSONValue.parse(line) else { return }
    let event = try #require(try LogEvent.read(again))
    #expect(event.fact == fact)
    #expect(event.peer == "alice" && event.conn == "c5")
  }

  @Test func `every event has a line here`() {
    #expect(Set(Self.facts.map(\.name)).count == 26)
  }

  private func read(_ text: String, logs: [String] = []) throws -> (
    events: [Event], reader: SessionReader<MemorySource>
  ) {
    var reader = try SessionReader(
      MemorySource(Array(text.utf8)),
      logs: logs.enumerated().map { ("log\($0.offset)", MemorySource(Array($0.element.utf8))) })
    var events: [Event] = []
    while try reader.next() { events += reader.analyzer.events }
    return (events, reader)
  }

  private static func visible(_ time: String, _ peer: String = "alice", _ extra: String = "") -> String {
    #"{\#(time),"log":"channelVisible","peer":"\#(peer)","channel":"\#(hash)"\#(extra)}"#
  }

  @Test func `lines among frames and two logs beside them come in the order of their times`() throws {
    let open = #"{"t":10,"conn":"c1","dir":"c2s","kind":"open"}"#
    let close = #"{"t":30,"conn":"c1","dir":"c2s","kind":"close","code":1000}"#
    let session = [
      Self.header, open, Self.visible("\"t\":20", "among", ",\"conn\":\"c1\""), close, Self.visible("\"t\":40"),
    ].joined(separator: "\n")
    let one = [
      Self.visible("\"wall\":1795386214260", "one"), Self.visible("\"t\":5", "back"), Self.visible("\"t\":99"),
    ]
    let other = [Self.visible("\"t\":0", "other"), Self.visible("\"t\":30", "tie")]
    let (events, reader) = try read(
      session, logs: [one.joined(separator: "\n"), other.joined(separator: "\n") + "\n"])
    let order = events.map { event in
      if case .logged(let log) = event.kind { "\(log.peer) \(event.leg) \(event.conn) \(event.line)" } else { "frame" }
    }
    #expect(
      order == [
        "other 0 log1 1", "frame", "one 0 log0 1", "back 0 log0 2", "among 1 c1 3", "frame", "tie 0 log1 2",
        "alice 0 alice 5", "alice 0 log0 3",
      ])
    #expect(reader.analyzer.logEventCount == 7)
    #expect(events.map(\.seq) == Array(1...9))
  }

  @Test func `a log alone counts its time from its first line`() throws {
    let (events, reader) = try read(
      [Self.visible("\"wall\":1795386214260"), Self.visible("\"wall\":1795386214270")]
        .joined(separator: "\r\n"))
    #expect(events.map(\.time) == [0, 10])
    #expect(reader.isLogAlone && reader.analyzer.frameCount == 0)
  }

  @Test func `an unknown event is counted by name, and a line that is cut off ends the log`() throws {
    let text = [Self.visible("\"t\":1"), #"{"t":2,"log":"teaServed","peer":"a"}"#, #"{"t":3,"log":"chan"#]
    let (events, reader) = try read(text.joined(separator: "\n"))
    #expect(events.count == 1)
    #expect(reader.analyzer.blindness.unknownLogNames == ["teaServed"])
    #expect(reader.truncation?.line == 3)
  }

  @Test(arguments: [
    (#"{"t":1,"log":"channelVisible","peer":"a"}"#, "line 2: log event channelVisible: channel is missing"),
    (#"{"t":1,"log":"channelVisible","channel":"x"}"#, "line 2: log event peer is not a name of 1 to 200 bytes"),
    (#"{"t":1,"log":7,"peer":"a"}"#, "line 2: log event log is not the name of an event"),
    (#"{"log":"firstFullSync","peer":"a"}"#, "line 2: neither t (ms of the recording) nor wall"),
    (#"{"t":1,"log":"grantCreated","peer":"a","subject":"x","persons":[1]}"#, "persons is not a list of strings"),
    (#"{"t":1,"log":"objectStored","peer":"a","hash":"x","kind":"tea"}"#, "none of object, id, blob, clob"),
    (#"{"t":1,"log":"objectStored","peer":"a","hash":"x","kind":"id","via":"air"}"#, "via is neither chum nor local"),
    (#"{"t":1,"log":"headSet","peer":"a","idHash":"x","depth":1.5}"#, "depth is not an integer"),
    (#"{"t":1,"log":"storeSnapshot","peer":"a","grants":[[]]}"#, "grants holds a JSON array, not an object"),
  ])
  func `a broken event is an error with its line`(_ line: String, _ message: String) {
    let text = [Self.header, line, Self.visible("\"t\":2"), ""].joined(separator: "\n")
    let failure = #expect(throws: RecordingFailure.self) { try read(text) }
    #expect(failure?.description.contains(message) == true, "\(failure?.description ?? "")")
    let beside = #expect(throws: RecordingFailure.self) { try read(Self.header, logs: [line + "\n" + line + "\n"]) }
    #expect(beside?.description.contains("log log0, line 1: ") == true)
  }

  @Test func `wall times without a start are an error`() {
    let header = #"{"type":"header","format":"one-ws-recording/1"}"#
    let failure = #expect(throws: RecordingFailure.self) {
      try read([header, Self.visible("\"wall\":1795386214260"), ""].joined(separator: "\n"))
    }
    #expect(failure?.reason.contains("no started") == true)
  }

  @Test func `a line beyond the bound is refused before it is held`() throws {
    var options = SessionReader<MemorySource>.Options()
    options.limits.logLine = 1_000
    let long = Self.visible("\"t\":1", String(repeating: "x", count: 2_000))
    #expect(throws: RecordingFailure.self) {
      _ = try SessionReader(
        MemorySource(Array(Self.header.utf8)), options: options, logs: [("l", MemorySource(Array(long.utf8)))])
    }
  }
}
