import Cryptobox
import Foundation
import Trace
import Wire
import WireBytes

@testable import Recording

/// Planted violations of the rules over repetitions, stores, heads, sessions, offers and tokens.
extension Plants {
  static let chumLog: [Plant] = repetitions + stores + heads + sessions + chumObjects + offered + rest + tokens

  private static let other = String(repeating: "cd", count: 32)
  private static func list(_ texts: String...) -> JSONValue { .array(texts.map { .string($0) }) }

  // MARK: On the wire alone

  /// Repeats the last tree of the client behind its next list of roots.
  static func fetchAgain(_ editor: inout SessionEditor) {
    let request = editor.index("\"serviceId\":6", .fromClient)
    let answered = answer(editor, request)
    guard case .request(_, _, let args)? = try? ChumMessage.decode(text(editor, request)),
      case .data(_, let value)? = try? ChumMessage.decode(text(editor, answered))
    else { return }
    let list = answer(editor, editor.index("\"serviceId\":2", .fromClient, from: answered))
    editor.insert(ChumMessage.request(id: 950, service: 6, args: args).text, .fromClient, after: list)
    editor.insert(ChumMessage.data(id: 950, value).text, .fromServer, after: list + 1)
  }

  private static let repetitions: [Plant] = [
    .leg("CHUM-021", "an object once more in the next round", "iop-chum-1", "c9") { fetchAgain(&$0) },
    .leg("CHUM-022", "an object sent in two rounds", "iop-chum-1", "c9", at: .changed(1)) { fetchAgain(&$0) },
    .leg("CHUM-019", "a root passed over and asked for later", "iop-chum-1", "c9", at: .later) { editor in
      eachRoots(&editor) { $0 + [.unversioned(hash: foreign, type: "Keys")] }
      let first = editor.index("\"serviceId\":2", .fromClient)
      let second = editor.index("\"serviceId\":2", .fromClient, from: first + 1)
      let list = answer(editor, second)
      editor.insert(ChumMessage.request(id: 960, service: 4, args: [.string(foreign)]).text, .fromClient, after: list)
      editor.insert(ChumMessage.data(id: 960, "[]").text, .fromServer, after: list + 1)
    },
    .leg("CHUM-056", "a round of eleven minutes", "iop-chum-1", "c9", at: .earlier) { editor in
      let round = editor.index("\"serviceId\":2", .fromClient)
      editor.delay(660_000, from: answer(editor, editor.index("\"serviceId\":6", .fromClient, from: round)))
    },
    .leg("CHUM-059", "the same list, and again its contents", "chum-clob-1", "c9", at: .changed(3), also: ["CF-077"]) {
      editor in
      let request = editor.index("\"serviceId\":6", .fromServer)
      let answered = answer(editor, request)
      let first = editor.index("\"serviceId\":2", .fromServer)
      let list = answer(editor, editor.index("\"serviceId\":2", .fromServer, from: first + 1))
      guard case .request(_, _, let args)? = try? ChumMessage.decode(text(editor, request)),
        case .data(_, let value)? = try? ChumMessage.decode(text(editor, answered)),
        case .data(_, let roots)? = try? ChumMessage.decode(text(editor, list))
      else { return }
      editor.insert(ChumMessage.request(id: 940, service: 2, args: []).text, .fromServer, after: answered)
      editor.insert(ChumMessage.data(id: 940, roots).text, .fromClient, after: answered + 1)
      editor.insert(ChumMessage.request(id: 950, service: 6, args: args).text, .fromServer, after: answered + 2)
      editor.insert(ChumMessage.data(id: 950, value).text, .fromClient, after: answered + 3)
      editor.delay(5_100, from: answered + 1)
    },
    .leg("CF-016", "an unknown service with an answer", "fail-chum-request-1", refusalLeg) { editor in
      let request = editor.index("\"serviceId\":99")
      set(&editor, answer(editor, request), .data(id: id(editor, request), "x"))
    },
    .leg("CF-039", "a name for a hash, and an answer that tells what exists", "fail-chum-request-1", refusalLeg) {
      $0.replace("UTC-EHASH", "SB-READ2")
    },
    .leg("CF-043", "base64 is served", "fail-chum-request-1", refusalLeg) { editor in
      let refusal = editor.index("CES-GBL2")
      guard case .error(let id, _, _, _)? = try? ChumMessage.decode(text(editor, refusal)) else { return }
      set(&editor, refusal, .stream(id: id, chunk: "eA==", encoding: "base64"))
    },
    .leg("CF-036", "an object before the list", "fail-chum-request-1", refusalLeg) { editor in
      let refusal = editor.index("CES-GO1")
      guard case .error(let id, _, _, _)? = try? ChumMessage.decode(text(editor, refusal)) else { return }
      set(&editor, refusal, .data(id: id, "<div itemscope itemtype=\"//refin.io/X\"></div>"))
    },
    .leg("SEC-003", "a session key of zeros", "iop-chum-1", "c9", at: .earlier) { editor in
      editor.seal(with: SharedKey(bytes: [UInt8](repeating: 0, count: 32)))
    },
    .leg("SEC-003", "the target's public key as session key", "iop-chum-1", "c9", at: .earlier) { editor in
      let request = editor.index("communication_request")
      guard case .text(let text) = editor.items[request].content,
        let key = (try? JSONValue.parse(text))?["targetPublicKey"]?.string
      else { return }
      editor.seal(with: SharedKey(hex: key))
    },
    .leg("SEC-015", "answers, and then a refusal", "iop-chum-1", "c9", at: .changed(0)) {
      $0.replace("Corresponding route was stopped", "Unable to start chum because you are unknown")
    },
  ]

  // MARK: The store

  private static let stores: [Plant] = [
    .log("CHUM-024", "a node without its data") { log in
      let stored = log.index("objectStored", "bob", ("type", "VersionNodeEdge"))
      log.set(stored, ("references", list(foreign)))
    },
    .log("CHUM-038", "a Group of a peer") { log in
      log.set(log.index("objectStored", "bob", ("type", "ChatMessage"), ("via", "chum")), ("type", "Group"))
    },
    .log("CHUM-047", "other bytes under the hash", at: .changed(1)) { log in
      let received = log.index("objectReceived", "alice")
      log.set(received, ("actualHash", .string(foreign)))
    },
    .log("CHUM-047", "a BLOB that nobody asked for", at: .changed(1)) { log in
      let received = log.index("objectReceived", "alice")
      log.set(received, ("requestedHash", .string(foreign)))
    },
    .log("CHUM-048", "received and forgotten", at: .earlier) { log in
      log.remove(log.index("objectStored", "bob", ("type", "ChatMessage"), ("via", "chum")))
    },
    .log("CHUM-049", "an object that is gone") { log in
      let end = log.index("storeSnapshot", "bob", ("when", "end"))
      let hash = log.text(log.index("objectStored", "bob", ("type", "ChatMessage"), ("via", "chum")), "hash")
      guard let inventory = log.lines[end]["inventory"]?.object else { return }
      var fewer = JSONObject()
      for member in inventory.members where member.name != hash { fewer.append(member.name, member.value) }
      log.set(end, ("inventory", .object(fewer)))
    },
    .log("CHUM-050", "a file that came from nowhere") { log in
      let end = log.index("storeSnapshot", "alice", ("when", "end"))
      guard var inventory = log.lines[end]["inventory"]?.object else { return }
      inventory.append(foreign, ["kind": "blob"])
      log.set(end, ("inventory", .object(inventory)))
    },
  ]

  // MARK: Heads

  private static let heads: [Plant] = [
    .beside("CHUM-017", "a head that no list holds") { log in
      let profile = log.identity("alice", "profile")
      let head = log.index("headSet", "alice", ("idHash", .string(profile)))
      log.insert(
        log.time(head) + 1, "headSet", "alice", ("idHash", .string(profile)), ("node", .string(foreign)),
        ("nodeType", "VersionNodeMerge"), ("depth", 1), ("data", .string(other)), ("via", "local"))
    },
    .log("CHUM-051", "a version without a head", at: .earlier) { log in
      let profile = JSONValue.string(log.identity("alice", "profile"))
      log.removeAll { $0["log"] == "headSet" && $0["peer"] == "bob" && $0["idHash"] == profile }
      let end = log.index("storeSnapshot", "bob", ("when", "end"))
      log.set(end, ("heads", .object(JSONObject())))
    },
    .log("CHUM-052", "two branches, and a head of one", at: .later) { log in
      let stored = log.index("objectStored", "bob", ("type", "VersionNodeEdge"), ("via", "chum"))
      let data = log.lines[stored]["references"]?.array?.first ?? nil
      let version = log.index("objectStored", "bob", ("hash", data))
      let time = log.time(version) - 0.1
      // Another version and its node, in the same round.
      log.insert(
        time, "objectStored", "bob", ("kind", "object"), ("hash", .string(other)), ("via", "chum"), ("type", "Profile"),
        ("idHash", .string(log.text(version, "idHash"))))
      log.insert(
        time + 0.05, "objectStored", "bob", ("kind", "object"), ("hash", .string(foreign)), ("via", "chum"),
        ("type", "VersionNodeEdge"), ("references", list(other)))
    },
    .log("CHUM-053", "a head that goes back") { log in
      let head = log.index("headSet", "bob", ("nodeType", "VersionNodeChange"), ("via", "chum"))
      let stored = log.index("objectStored", "bob", ("hash", .string(log.text(head, "node"))))
      guard let before = log.lines[stored]["references"]?.array?.first?.string else { return }
      log.insert(
        log.time(head) + 1, "headSet", "bob", ("idHash", .string(log.text(head, "idHash"))), ("node", .string(before)),
        ("nodeType", "VersionNodeEdge"), ("via", "chum"))
    },
    .log("CHUM-053", "a local version beside the head") { log in
      let head = log.index("headSet", "alice", ("idHash", .string(log.chat)), ("nodeType", "VersionNodeChange"))
      log.set(head, ("nodeType", "VersionNodeEdge"))
    },
    .log("CHUM-054", "two merges of the same nodes", at: .later) { log in
      let time = log.time(log.index("storeSnapshot", "alice", ("when", "end"))) - 50
      for (peer, node) in [("alice", foreign), ("bob", other)] {
        log.insert(
          time, "objectStored", peer, ("kind", "object"), ("hash", .string(node)), ("via", "local"),
          ("type", "VersionNodeMerge"), ("references", list(log.chat, log.topic)))
        log.insert(
          time + 1, "headSet", peer, ("idHash", .string(log.identity("alice", "profile"))), ("node", .string(node)),
          ("nodeType", "VersionNodeMerge"), ("depth", 9), ("via", "local"))
      }
    },
    .log("CHUM-055", "the same head twice") { log in
      let head = log.index("headSet", "bob")
      log.repeat(head)
    },
  ]

  // MARK: Sessions

  private static let sessions: [Plant] = [
    .log("CHUM-010", "a session for another person") { log in
      log.set(log.index("chumStarted", "bob"), ("remotePerson", .string(foreign)))
    },
    .beside("CHUM-066", "no FIN without keepRunning") { log in
      log.set(log.index("chumStarted", "bob"), ("keepRunning", false))
    },
    .log("CHUM-069", "the first full sync a second time") { log in log.repeat(log.index("firstFullSync", "bob")) },
    .beside("CHUM-069", "the first full sync before any list", at: .changed(0)) { log in
      log.move(log.index("firstFullSync", "bob"), to: log.time(log.index("chumStarted", "bob")) + 1)
    },
    .log("CHUM-071", "a session that ends for a bad root", at: .later) { log in
      let ended = log.index("chumEnded", "bob")
      log.insert(log.time(ended) - 1, "objectRejected", "bob", ("hash", .string(foreign)), ("code", "CI-CCI1"))
      log.set(log.index("chumEnded", "bob"), ("error", "CI-CCI1: Expected ID hash"))
    },
    .log("CHUM-072", "a rejection that nobody recorded", at: .later) { log in
      let ended = log.index("chumEnded", "bob")
      log.insert(log.time(ended) - 1, "objectRejected", "bob", ("hash", .string(foreign)), ("code", "CIEC-FO2"))
    },
    .log("CHUM-076", "a session without its Chum object", at: .earlier) { log in
      log.remove(log.index("chumStored", "bob"))
    },
    .log("CHUM-083", "the end of the connection as an error") { log in
      let lost: JSONValue = ["code": "WSP-ONCL0", "message": "WSP-ONCL0: closed"]
      log.set(log.index("chumStored", "alice"), ("errors", .array([lost])))
    },
  ]

  private static let chumObjects: [Plant] = [
    .beside("FRM-013", "a request too many", at: .changed(0)) { log in
      let stored = log.index("chumStored", "bob")
      let sent = log.lines[stored]["statistics"]?["requestsSentTotal"]?.number ?? 0
      log.set(stored, ("statistics", ["requestsSentTotal": .number(sent + 1)]))
    },
    .beside("CHUM-078", "a file that was never sent", at: .changed(0)) { log in
      edit(&log, "bob", "AtoBBlob") { $0 + [.string(foreign)] }
    },
    .beside("CHUM-078", "an object that was sent and is not listed", at: .changed(0)) { log in
      edit(&log, "bob", "AtoBObjects") { Array($0.dropFirst()) }
    },
    .log("CHUM-077", "two identities of one session", at: .changed(0)) { log in
      log.set(log.index("chumStored", "bob"), ("idHash", .string(foreign)))
    },
    .log("CHUM-079", "sent by one, unknown to the other", at: .changed(0)) { log in
      edit(&log, "bob", "AtoBObjects") { $0 + [.string(foreign)] }
    },
  ]

  private static func edit(
    _ log: inout LogEditor, _ peer: String, _ name: String, _ change: ([JSONValue]) -> [JSONValue]
  ) {
    let stored = log.index("chumStored", peer)
    var lists = JSONObject()
    for member in log.lines[stored]["lists"]?.object?.members ?? [] {
      lists.append(member.name, member.name == name ? .array(change(member.value.array ?? [])) : member.value)
    }
    log.set(stored, ("lists", .object(lists)))
  }

  // MARK: Offers

  private static let offered: [Plant] = [
    .beside("CHUM-012", "a root that nobody granted") { log in
      let subject = JSONValue.string(log.chat)
      log.removeAll { $0["log"] == "grantCreated" && $0["peer"] == "alice" && $0["subject"] == subject }
    },
    .beside("CHUM-013", "a grant that shows in no list") { log in
      let grant = log.grant("alice", log.chat, naming: log.identity("bob", "person"))
      log.insert(
        log.time(grant) + 0.1, "grantCreated", "alice", ("by", "LeuteAccessRightsManager"),
        ("subject", .string(foreign)),
        ("subjectKind", "object"), ("persons", list(log.identity("bob", "person"))), ("groups", []), ("mode", "add"),
        ("status", "new"))
    },
    .beside("CHUM-040", "a message after its channel was revoked") { log in
      let person = log.identity("alice", "person")
      // Whoever had it by any grant of bob's has it no more.
      log.removeAll {
        $0["log"] == "grantCreated" && $0["peer"] == "bob" && ($0["persons"]?.array ?? []).contains(.string(person))
      }
      log.removeAll { $0["log"] == "groupChanged" && $0["peer"] == "bob" }
    },
    .events("CHUM-044", "what exists is refused later", "fail-chum-request-1", "c6") { probes(&$0) },
    .log("CHUM-065", "a grant that never arrives", at: .changed(0)) { log in
      let start = log.index("chumStarted", "alice", from: log.index("chumEnded", "alice"))
      log.insert(
        log.time(start) + 10, "grantCreated", "alice", ("by", "LeuteAccessRightsManager"),
        ("subject", .string(foreign)),
        ("subjectKind", "object"), ("persons", list(log.identity("bob", "person"))), ("groups", []), ("mode", "add"))
      for position in log.lines.indices where log.time(position) > log.time(start) + 100 {
        log.set(position, ("t", .number(log.time(position) + 700_000)))
      }
    },
  ]

  /// A log that knows half of 1,200 hashes, and refusals that take 3 ms longer for those.
  private static func probes(_ events: inout [Event]) {
    guard let last = events.last,
      let exporter = events.first(where: { if case .announced = $0.kind { true } else { false } })
    else { return }
    func hash(_ number: Int) -> String {
      let digits = String(number, radix: 16)
      return String(repeating: "0", count: 64 - digits.count) + digits
    }
    let person = events.compactMap { event -> String? in
      if case .peer(.keysObject(let owner, _, _)) = event.kind, event.direction == exporter.direction { return owner }
      return nil
    }.first
    var seq = last.seq
    var time = last.time
    func emit(_ kind: Event.Kind, _ direction: Direction) {
      seq += 1
      events.append(
        Event(seq: seq, time: time, line: last.line, leg: last.leg, conn: last.conn, direction: direction, kind: kind))
    }
    // The probes come in front of the close, as if the connection had lasted.
    let closing = events.firstIndex { if case .closed = $0.kind { true } else { false } } ?? events.endIndex
    let tail = Array(events[closing...])
    events.removeSubrange(closing...)
    time = events.last?.time ?? time
    let inventory = (1...600).map { LogSnapshot.Item(hash: hash($0), kind: .object) }
    emit(.logged(LogEvent(peer: "exporter", .identityReady(LogIdentity(person: person ?? "")))), .fromClient)
    emit(
      .logged(LogEvent(peer: "exporter", .storeSnapshot(LogSnapshot(when: "start", inventory: inventory)))), .fromClient
    )
    for number in 1...1_200 {
      emit(.requested(id: 5_000 + number, service: 6, args: [.string(hash(number))]), exporter.direction.opposite)
      time += number <= 600 ? 4 : 1
      emit(.responded(id: 5_000 + number, .error(name: nil, message: nil, code: "CES-GO1")), exporter.direction)
      emit(.refused(service: 6, hash: hash(number), code: "CES-GO1"), exporter.direction)
    }
    for event in tail {
      seq += 1
      events.append(
        Event(
          seq: seq, time: time, line: event.line, leg: event.leg, conn: event.conn, direction: event.direction,
          kind: event.kind))
    }
  }

  // MARK: At rest

  private static let rest: [Plant] = [
    .beside("CHUM-062", "a root that is not there at rest") { log in
      let message = log.index("objectStored", "bob", ("type", "VersionNodeChange"), ("via", "chum"))
      let hash = JSONValue.string(log.text(message, "hash"))
      log.removeAll { line in
        line["peer"] == "bob" && (line["hash"] == hash || line["node"] == hash || line["requestedHash"] == hash)
      }
    },
    .beside("CHUM-063", "two values at rest") { log in
      let chat = JSONValue.string(log.chat)
      guard
        let last = log.lines.lastIndex(where: { $0["log"] == "headSet" && $0["peer"] == "bob" && $0["idHash"] == chat })
      else { return }
      log.set(last, ("data", .string(foreign)))
    },
    .beside("CHUM-064", "a receiver with another value") { log in
      let profile = JSONValue.string(log.identity("alice", "profile"))
      guard
        let last = log.lines.lastIndex(where: {
          $0["log"] == "headSet" && $0["peer"] == "bob" && $0["idHash"] == profile
        })
      else { return }
      log.set(last, ("data", .string(foreign)))
    },
    .events("CHUM-060", "a transfer in the fourth quiet round", "iop-chum-1", "c9") { quiet(&$0, rounds: 4) },
    .events("CHUM-061", "a transfer in the second quiet round", "iop-chum-1", "c9") { quiet(&$0, rounds: 2) },
  ]

  /// Two instances that log nothing but who they are, so many rounds, and an object in the last.
  private static func quiet(_ events: inout [Event], rounds: Int) {
    var persons: [Direction: String] = [:]
    for event in events {
      if case .peer(.keysObject(let owner, _, _)) = event.kind { persons[event.direction] = owner }
    }
    guard
      let start = events.firstIndex(where: {
        if case .roundStarted(1) = $0.kind { $0.direction == .fromClient } else { false }
      }),
      let sent = events.first(where: { if case .objectSent = $0.kind { $0.direction == .fromServer } else { false } })
    else { return }
    var tail: [Event] = []
    var seq = events[start].seq
    func emit(_ kind: Event.Kind, _ direction: Direction) {
      seq += 1
      let place = events[start]
      tail.append(
        Event(
          seq: seq, time: place.time, line: place.line, leg: place.leg, conn: place.conn, direction: direction,
          kind: kind))
    }
    for (direction, person) in persons {
      emit(.logged(LogEvent(peer: direction.name, .identityReady(LogIdentity(person: person)))), .fromClient)
    }
    for round in 1...rounds { emit(.roundStarted(number: round), .fromClient) }
    emit(sent.kind, .fromServer)
    events = Array(events[..<start]) + tail
  }

  // MARK: Tokens

  private static let tokens: [Plant] = [
    .log("SEC-010", "a token after its minute", at: .later) { log in
      let made = log.index("invitationCreated", "alice")
      log.set(made, ("expiresAt", .number(log.time(made) + 100)))
    },
    .log("SEC-011", "a token that was taken back", at: .later) { log in
      let made = log.index("invitationCreated", "alice")
      log.insert(
        log.time(made) + 1, "invitationEnded", "alice", ("token", .string(log.text(made, "token"))), ("why", "revoked"))
    },
    .beside("SEC-014", "a token of another identity") { log in
      let ready = log.index("identityReady", "alice")
      log.set(ready, ("person", .string(foreign)))
    },
    .log("SEC-016", "an invitation for an hour", at: .changed(0)) { log in
      let made = log.index("invitationCreated", "alice")
      log.set(made, ("expiresAt", .number(log.time(made) + 3_600_000)))
    },
  ]
}
