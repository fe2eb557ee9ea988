import Foundation
import Trace
import WireBytes

extension Plants {
  static let channels: [Plant] = updates + oneToOne + lists + topics

  private static func entries(_ log: LogEditor, _ position: Int) -> [JSONValue] {
    log.lines[position]["entries"]?.array ?? []
  }

  private static let updates: [Plant] = [
    .log("CHN-001", "an update without entries") { log in
      log.set(log.index("channelUpdated", "bob", ("origin", "local")), ("entries", 0), ("newEntries", 0))
    },
    .log("CHN-002", "an update at creation") { log in
      log.insert(
        log.time(log.index("channelCreated", "alice", ("id", .string(log.chatID)))) + 1, "channelUpdated", "alice",
        ("channel", .string(log.chat)), ("entries", 1))
    },
    .log("CHN-003", "a message without an event", at: .earlier) { log in
      log.remove(log.index("channelUpdated", "bob", ("origin", "local")))
    },
    .log("CHN-003", "an event that tells of another message", at: .earlier) { log in
      let event = log.index("channelUpdated", "bob", ("origin", "local"))
      log.set(event, ("entries", [["data": .string(String(repeating: "1", count: 64))]]))
    },
    .log("CHN-004", "an import that nobody is told of", at: .earlier) { log in
      log.remove(log.index("channelUpdated", "alice", ("origin", "import")))
    },
    .log("CHN-005", "a channel that the own devices do not get", at: .earlier) { log in
      log.remove(log.grant("bob", log.chat, naming: log.group("bob", "iom")))
    },
  ]

  private static let oneToOne: [Plant] = [
    .log("CHN-006", "a first message that the other may not read", at: .later) { log in
      let grant = log.grant("alice", log.chat, naming: log.identity("bob", "person"))
      let own = JSONValue.array([.string(log.identity("alice", "person"))])
      log.set(grant, ("persons", own), ("resultPersons", own))
    },
    .log("CHN-007", "a first message that the other cannot see coming", at: .later) { log in
      log.removeAll { $0["log"] == "channelVisible" && $0["peer"] == "bob" }
    },
    .log("CHN-008", "the greater person first") { log in
      let id = log.chatID
      log.set(
        log.index("topicCreated", "alice", ("id", .string(id))), ("id", .string(id.suffix(64) + "<->" + id.prefix(64))))
    },
    .log("CHN-009", "a private chat for everyone") { log in
      let everyone = JSONValue.string(log.group("bob", "everyone"))
      log.set(log.grant("bob", log.chat, naming: log.group("bob", "iom")), ("groups", [everyone]))
    },
    .log("CHN-010", "one side sets an owner") { log in
      let created = log.index("channelCreated", "bob")
      log.set(
        created, ("owner", .string(log.identity("bob", "person"))),
        ("channel", .string(String(repeating: "2", count: 64))))
    },
  ]

  private static let lists: [Plant] = [
    .log("CHN-011", "an older entry on top") { log in
      let head = log.index("headSet", "alice", ("idHash", .string(log.chat)), ("depth", 0), ("via", "chum"), from: 100)
      log.set(head, ("entries", .array(entries(log, head).reversed())))
    },
    .log("CHN-012", "a message that disappears") { log in
      let head = log.index("headSet", "bob", ("idHash", .string(log.chat)), ("depth", 3))
      log.set(head, ("entries", .array(Array(entries(log, head).dropLast()))))
    },
    .log("CHN-013", "a message on one side only", at: .changed(0)) { log in
      let head = log.index("headSet", "alice", ("idHash", .string(log.chat)), ("depth", 0), ("via", "chum"), from: 100)
      log.set(head, ("entries", .array(Array(entries(log, head).dropFirst()))))
      let last = log.index("headSet", "bob", ("idHash", .string(log.chat)), ("via", "chum"), ("depth", 0), from: head)
      log.remove(last)
    },
    .log("CHN-014", "a message twice") { log in
      let head = log.index("headSet", "bob", ("idHash", .string(log.chat)), ("depth", 3))
      let list = entries(log, head)
      log.set(head, ("entries", .array(list.prefix(1) + list)))
    },
  ]

  private static let topics: [Plant] = [
    .log("CHN-015", "a channel without its topic", at: .earlier) { log in
      let topic = log.grant("bob", log.topic, naming: log.identity("alice", "person"))
      let own = JSONValue.array([.string(log.identity("bob", "person"))])
      log.set(topic, ("persons", own), ("resultPersons", own))
    },
    .log("CHN-016", "an append to a channel that is not there") { log in
      log.set(log.index("messageAppended", "bob"), ("channel", .string(String(repeating: "3", count: 64))))
    },
    .log("CHN-017", "a received topic that names a private channel", at: .changed(1)) { log in
      let attacker = String(repeating: "0", count: 64)
      let journal = log.text(log.index("channelCreated", "alice", ("id", "journal")), "channel")
      let topic = String(repeating: "4", count: 64)
      log.insert(
        20_000, "grantCreated", "alice", ("by", "LeuteAccessRightsManager"), ("subject", .string(journal)),
        ("subjectKind", "id"), ("persons", [.string(attacker)]), ("mode", "add"), ("because", .string(topic)))
      log.insert(
        19_990, "topicCreated", "alice", ("topic", .string(topic)),
        ("id", .string(attacker + "<->" + log.identity("alice", "person"))), ("channel", .string(journal)),
        ("origin", "import"), ("sender", .string(attacker)))
    },
    .log("CHN-017", "a topic from somebody who is none of the two", at: .later) { log in
      let topic = log.index("topicCreated", "bob")
      log.set(topic, ("origin", "import"), ("sender", .string(String(repeating: "0", count: 64))))
    },
  ]
}
