import Foundation
import Trace
import Wire
import WireBytes

extension Plants {
  private static let stranger = String(repeating: "5a", count: 32)

  private static func texts(_ texts: String...) -> JSONValue { .array(texts.map { .string($0) }) }

  static let access: [Plant] = grantForms + grantWrites + offers + revocations + authority

  private static let grantForms: [Plant] = [
    .log("ACC-001", "an Access grant on an ID hash") { log in
      log.set(log.grant("alice", log.chat, naming: log.identity("bob", "person")), ("subjectKind", "object"))
    },
    .log("ACC-001", "neither object nor id") { log in
      log.set(log.grant("bob", log.chat, naming: log.identity("bob", "person")), ("subjectKind", nil))
    },
    .log("ACC-001", "a person that is a Topic") { log in
      let grant = log.grant("bob", log.chat, naming: log.identity("bob", "person"))
      log.set(grant, ("persons", texts(log.topic)))
    },
    .log("ACC-002", "a grant on nothing") { log in
      log.set(log.grant("alice", log.chat, naming: log.identity("bob", "person")), ("subject", .string(stranger)))
    },
    .log("ACC-002", "a channel granted before it is created, in a log without a snapshot", at: .later) { log in
      log.removeAll { $0["log"] == "storeSnapshot" && $0["when"] == "start" }
      let grant = log.grant("bob", log.chat, naming: log.identity("alice", "person"))
      log.move(grant, to: log.time(log.index("channelCreated", "bob")) - 200)
    },
    .log("ACC-003", "a grant by the CommServerManager") { log in
      log.set(log.grant("alice", log.chat, naming: log.identity("bob", "person")), ("by", "CommServerManager"))
    },
    .log("ACC-009", "no mode") { log in
      log.set(log.grant("alice", log.chat, naming: log.identity("bob", "person")), ("mode", nil))
    },
    .log("ACC-027", "an add for nobody") { log in
      let time = log.time(log.index("channelUpdated", "alice"))
      log.insert(
        time + 0.2, "grantCreated", "alice", ("by", "LeuteAccessRightsManager"), ("subject", .string(log.chat)),
        ("subjectKind", "id"), ("persons", []), ("groups", []), ("mode", "add"))
    },
    .log("ACC-028", "a person cut out of a topic id") { log in
      let grant = log.grant("alice", log.chat, naming: log.identity("bob", "person"))
      log.set(grant, ("persons", texts(String(log.identity("bob", "person").prefix(60)))))
    },
    .log("ACC-028", "a group that is not there") { log in
      log.set(log.grant("bob", log.chat, naming: log.group("bob", "iom")), ("groups", texts(stranger)))
    },
  ]

  private static let grantWrites: [Plant] = [
    .log("ACC-004", "the same IdAccess twice", at: .changed(0)) { log in
      let grant = log.grant("bob", log.chat, naming: log.identity("alice", "person"))
      log.repeat(grant)
      log.set(grant + 1, ("status", "exists"), ("by", "ChatModel"))
    },
    .log("ACC-005", "two adds at once") { log in
      let grant = log.grant("bob", log.identity("bob", "profile"), naming: log.identity("alice", "person"))
      log.set(
        grant,
        (
          "started",
          .number(
            log.time(
              log.grant(
                "bob", log.identity("bob", "profile"),
                naming: log.group("bob", "everyone"))) - 0.3)
        ))
    },
    .log("ACC-006", "an add that loses a principal") { log in
      let grant = log.grant("alice", log.chat, naming: log.group("alice", "iom"))
      log.set(grant, ("resultPersons", texts(log.identity("alice", "person"))))
    },
    .log("ACC-007", "a replace that leaves somebody") { log in
      let grant = log.index("grantCreated", "alice", ("mode", "replace"))
      log.set(grant, ("resultPersons", texts(log.identity("bob", "person"))))
    },
    .log("ACC-008", "a second add that writes a version") { log in
      let grant = log.grant("bob", log.chat, naming: log.identity("alice", "person"))
      log.repeat(grant)
      log.set(grant + 1, ("versions", 2), ("status", "exists"))
    },
    .log("ACC-017", "a group that an import changes") { log in
      log.set(log.index("groupChanged", "bob"), ("cause", "chum"))
    },
    .log("ACC-017", "a Group object that an import stores") { log in
      log.set(log.index("objectStored", "bob", ("via", "chum")), ("type", "Group"))
    },
    .log("ACC-018", "a grant that an import makes") { log in
      log.set(log.grant("bob", log.chat, naming: log.identity("alice", "person")), ("cause", "chum"))
    },
  ]

  private static let offers: [Plant] = [
    .beside("ACC-015", "a group's subject that its member does not get") { log in
      log.insert(
        4_200, "grantCreated", "alice", ("by", "LeuteAccessRightsManager"), ("subject", .string(stranger)),
        ("subjectKind", "id"), ("groups", texts(log.group("alice", "everyone"))), ("mode", "add"))
    },
    .log("ACC-016", "no word of groups") { log in log.set(log.index("chumStarted", "bob"), ("groupPolicy", "dunno")) },
    .beside("ACC-019", "a person without any grant") { log in
      let bob = JSONValue.string(log.identity("bob", "person"))
      log.removeAll { line in
        guard line["peer"] == "alice" else { return false }
        if line["log"] == "groupChanged" { return true }
        return line["log"] == "grantCreated" && line["persons"]?.array?.contains(bob) == true
      }
      for index in log.lines.indices where log.lines[index]["peer"] == "alice" {
        if log.lines[index]["log"] == "grantCreated" { log.set(index, ("resultPersons", [])) }
      }
    },
    .events("ACC-020", "an own device that gets what is not granted", "iop-chum-1", "c8", at: .later) { events in
      // Both ends say that they are the same person, and its log knows of no grant.
      let person = stranger
      events = events.map { event in
        switch event.kind {
        case .peer(.keysObject(_, let key, let signKey)):
          event.with(.peer(.keysObject(owner: person, publicKey: key, publicSignKey: signKey)))
        case .peer(.instanceIdObject(let name, _)): event.with(.peer(.instanceIdObject(name: name, owner: person)))
        default: event
        }
      }
      guard let start = events.firstIndex(where: { if case .encrypted = $0.kind { true } else { false } }) else {
        return
      }
      let facts: [LogFact] = [
        .storeSnapshot(LogSnapshot(when: "start")), .identityReady(LogIdentity(person: person)),
      ]
      let logged = facts.map { events[start].with(.logged(LogEvent(peer: "alice", conn: "c8", $0))) }
      events.insert(contentsOf: logged, at: start + 1)
    },
    .leg("ACC-021", "one broken grant stops all", "iop-chum-1", "c9") { editor in
      let request = editor.index("\"serviceId\":2", .fromClient)
      set(
        &editor, answer(editor, request),
        .error(id: id(editor, request), name: "Error", message: "no such file", code: "SB-READ2"))
    },
    .beside("ACC-022", "a node of the history that is not offered") { log in
      log.insert(
        14_000, "headSet", "alice", ("idHash", .string(log.identity("alice", "profile"))), ("node", .string(stranger)),
        ("nodeType", "VersionNodeChange"))
    },
    .beside("ACC-023", "a history by a grant on one version") { log in
      let profile = JSONValue.string(log.identity("alice", "profile"))
      let version = log.text(log.index("objectStored", "alice", ("type", "Profile")), "hash")
      let grant = log.grant("alice", log.identity("alice", "profile"), naming: log.identity("bob", "person"))
      log.set(grant, ("subject", .string(version)), ("subjectKind", "object"), ("resultGroups", []))
      log.removeAll { $0["log"] == "grantCreated" && $0["peer"] == "alice" && $0["subject"] == profile }
    },
    .leg("ACC-024", "a child that is listed and refused", "iop-chum-1", "c9", at: .changed(1)) { editor in
      let list = editor.index("\"serviceId\":4", .fromClient)
      guard case .data(_, .string(let text))? = try? ChumMessage.decode(Plants.text(editor, answer(editor, list))),
        let child = try? ChildEntry.decodeList(text).last
      else { return }
      let request = editor.index("\"serviceId\":6", .fromClient, from: list)
      hash(&editor, request, child.hash)
      set(
        &editor, answer(editor, request),
        .error(id: id(editor, request), name: "Error", message: "Unauthorized", code: "CES-GO1"))
    },
  ]

  private static let revocations: [Plant] = [
    .beside("ACC-010", "what is revoked for all is announced") { log in
      log.move(log.index("grantCreated", "alice", ("mode", "replace")), to: 24_700)
    },
    .beside("ACC-011", "sent after the revocation") { log in
      log.move(log.index("grantCreated", "alice", ("mode", "replace")), to: 24_540)
    },
    .log("ACC-012", "a receiver that forgets") { log in
      let profile = log.identity("alice", "profile")
      let end = log.index("storeSnapshot", "bob", ("when", "end"))
      var inventory = JSONObject()
      let stored = Set(
        log.lines.filter { $0["log"] == "objectStored" && $0["peer"] == "bob" && $0["idHash"] == .string(profile) }
          .compactMap { $0["hash"]?.string })
      for member in log.lines[end]["inventory"]?.object?.members ?? [] where !stored.contains(member.name) {
        inventory.append(member.name, member.value)
      }
      log.set(end, ("inventory", .object(inventory)))
    },
    .beside("ACC-013", "an older grant counts") { log in
      let grant = log.index("grantCreated", "alice", ("mode", "replace"))
      let persons = texts(log.identity("alice", "person"))
      log.set(grant, ("persons", persons), ("resultPersons", persons))
      log.move(grant, to: 24_700)
    },
    .beside("ACC-014", "an older group counts") { log in
      let profile = log.identity("alice", "profile")
      let grant = log.grant("alice", profile, naming: log.identity("bob", "person"))
      log.remove(grant)
      log.insert(
        24_700, "groupChanged", "alice", ("group", .string(log.group("alice", "everyone"))), ("persons", []),
        ("cause", "local"))
    },
  ]

  private static let authority: [Plant] = [
    .log("ACC-025", "a message of a granted channel is granted too") { log in
      let message = log.index("messageAppended", "bob")
      log.insert(
        log.time(message) + 5, "grantCreated", "bob", ("by", "LeuteAccessRightsManager"),
        ("subject", .string(log.text(message, "data"))), ("subjectKind", "object"),
        ("persons", texts(log.identity("alice", "person"))), ("mode", "add"))
    },
    .log("ACC-026", "the first message first, the grant later", at: .later) { log in
      let chat = log.chat
      log.removeAll { $0["log"] == "grantCreated" && $0["peer"] == "alice" && $0["subject"] == .string(chat) }
    },
    .log("ACC-029", "a profile for nobody", at: .earlier) { log in
      log.remove(log.grant("bob", log.identity("bob", "profile"), naming: log.group("bob", "everyone")))
      let later = log.grant("bob", log.identity("bob", "profile"), naming: log.identity("alice", "person"))
      log.set(later, ("resultGroups", []))
    },
  ]
}

extension Event {
  /// The same place with another content.
  fileprivate func with(_ kind: Kind) -> Event {
    Event(seq: seq, time: time, line: line, leg: leg, conn: conn, direction: direction, kind: kind)
  }
}
