import Foundation
import Trace
import Wire
import WireBytes

extension Plants {
  static let plugins: [Plant] = [
    .log("PLG-001", "a handler that never gets the control text", at: .earlier) { log in
      log.remove(log.index("handlerGotText", "bob", ("conn", "c9")))
    },
    .log("PLG-001", "a handler that gets it trimmed") { log in
      log.set(log.index("handlerGotText", "bob", ("conn", "c9")), ("content", "synchronis"))
    },
    .beside("PLG-001", "what came on the wire never arrives") { log in
      log.removeAll { $0["conn"] == "c9" && $0["before"] == "synchronisation" }
      log.remove(log.index("handlerGotText", "bob", ("conn", "c9")))
    },
    .log("PLG-002", "a plugin that swallows the control text") { log in
      log.set(log.index("pluginPassed", "alice", ("plugin", "promise")), ("after", "dropped"))
    },
    .log("PLG-003", "a plugin that answers the control text") { log in
      log.insert(
        14_308.9, "pluginPassed", "alice", ("conn", "c8"), ("plugin", "pingpong"), ("dir", "out"),
        ("after", "{\"command\":\"pong\"}"))
    },
    .leg("PLG-003", "a pong for the control text", "iop-chum-1", "c9") { editor in
      editor.insert("{\"command\":\"pong\"}", .fromServer, after: editor.index("synchronisation", .fromClient))
    },
    .log("PLG-004", "a JSON plugin that fails at plain text") { log in
      log.insert(
        14_250, "pluginPassed", "alice", ("conn", "c8"), ("plugin", "ChumPlugin"), ("dir", "in"), ("before", "hello"),
        ("after", "dropped"))
    },
    .log("PLG-005", "a chat message taken for the control text") { log in
      log.insert(
        14_250, "pluginPassed", "alice", ("conn", "c8"), ("plugin", "ChumPlugin"), ("dir", "in"),
        ("before", "{\"text\":\"synchronisation is fun\"}"), ("after", "synchronisation"))
    },
    .log("PLG-006", "a transport without encryption", at: .later) { log in
      log.remove(log.index("pluginAttached", "bob", ("plugin", "encryption")))
    },
    .log("PLG-006", "a connection without plugins", at: .later) { log in
      log.removeAll { $0["log"] == "pluginAttached" && $0["conn"] == "c12" }
    },
    .log("PLG-007", "ChumPlugin below the encryption", at: .later) { log in
      log.insert(
        14_239.25, "pluginAttached", "bob", ("conn", "c9"), ("plugin", "ChumPlugin"), ("index", 1))
    },
    .log("PLG-007", "keep-alive above fragmentation", at: .later) { log in
      log.set(log.index("pluginAttached", "bob", ("plugin", "keepalive")), ("plugin", "fragmentation"))
      log.set(log.index("pluginAttached", "bob", ("plugin", "fragmentation"), ("index", 4)), ("plugin", "keepalive"))
    },
    .log("PLG-008", "a pulse that the plugin lets pass") { log in
      log.insert(
        20_000, "pluginPassed", "bob", ("conn", "c9"), ("plugin", "keepalive"), ("dir", "in"), ("before", "keepalive"),
        ("after", "keepalive"))
    },
    .log("PLG-008", "a message that is lost as a pulse") { log in
      log.insert(
        20_000, "pluginPassed", "bob", ("conn", "c9"), ("plugin", "keepalive"), ("dir", "in"),
        ("before", "keepalive your mind"), ("after", "dropped"))
    },
    .log("PLG-008", "a pulse at the handler") { log in
      log.insert(20_000, "handlerGotText", "bob", ("conn", "c9"), ("content", "keepalive"))
    },
    .log("PLG-009", "a marker that is sent as it is") { log in
      log.insert(
        20_000, "pluginPassed", "bob", ("conn", "c9"), ("plugin", "fragmentation"), ("dir", "out"),
        ("before", "fragmentation_end"), ("after", "fragmentation_end"))
    },
    .log("PLG-009", "a message that changes on its way") { log in
      log.set(log.index("pluginPassed", "alice", ("plugin", "fragmentation")), ("after", "synchronisatio"))
    },
    .log("PLG-010", "CHUM with the queue attached", at: .later) { log in
      log.remove(log.index("pluginAttached", "bob", ("plugin", "promise"), ("index", -1)))
    },
    .log("PLG-010", "a running CHUM that is queued") { log in
      log.insert(
        20_000, "pluginPassed", "bob", ("conn", "c9"), ("plugin", "promise"), ("dir", "in"), ("before", "{}"),
        ("after", "{}"))
    },
  ]
}
