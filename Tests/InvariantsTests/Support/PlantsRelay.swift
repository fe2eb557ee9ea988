import Foundation
import Trace
import Wire

extension Plants {
  static let relay: [Plant] = [
    .leg("RL-001", "something else after the handover", "relay-encrypted-1", "c2", also: ["RL-016"]) { editor in
      editor.insert(.text("{\"command\":\"ping\"}"), .fromServer, after: editor.index("connection_handover"))
    },
    .leg("RL-002", "a forwarded key in upper case", "relay-encrypted-1", "c2") { editor in
      let keys = requestedKeys(editor)
      request(&editor, source: keys.source.uppercased(), target: keys.target)
    },
    .leg("RL-002", "a member of the requester left in", "relay-encrypted-1", "c2") { editor in
      editor.replace("\"sourcePublicKey\"", "\"note\":1,\"sourcePublicKey\"")
    },
    .leg("RL-011", "a source key of two bytes", "relay-encrypted-1", "c3", also: ["HS-001"]) { editor in
      request(&editor, source: "abcd", target: requestedKeys(editor).target)
    },
    .leg("RL-020", "a request for oneself", "relay-encrypted-1", "c3", also: ["HS-018"]) { editor in
      let target = requestedKeys(editor).target
      request(&editor, source: target, target: target)
    },
    .leg("RL-013", "a handover without a request", "relay-encrypted-1", "c2", at: .earlier, also: ["RL-011"]) {
      editor in
      orphan(&editor, for: 9_000)
    },
    .leg("LS-013", "a listener that waits for the request", "relay-encrypted-1", "c2", at: .earlier) { editor in
      orphan(&editor, for: 30_000)
    },
    .leg("SEC-008", "a request for another key", "relay-encrypted-1", "c2") { editor in
      let source = requestedKeys(editor).source
      request(&editor, source: source, target: source)
    },
    .leg("SEC-007", "a handover to a listener without proof", "relay-encrypted-1", "c2", at: .later) { editor in
      flipHex(&editor, "authentication_response", "response")
    },
    .file("RL-006", "the older spare is taken", "relay-encrypted-1") { lines in
      // The spare of c1 was registered before that of c2; the handover moves over to c1.
      for index in lines.indices where lines[index].contains("connection_handover") {
        lines[index] = lines[index].replacingOccurrences(of: "\"conn\":\"c2\"", with: "\"conn\":\"c1\"")
        if let t = lines[index].range(of: "\"t\":") { lines[index].replaceSubrange(t, with: "\"t\":1000") }
        break
      }
    },
    .file("RL-008", "a relayed message changed by the server", "relay-plain-1") { lines in
      guard
        let last = lines.lastIndex(where: {
          $0.contains("\"dir\":\"s2c\"") && $0.contains("\"kind\":\"text\"") && $0.contains("\"c2\"")
        })
      else { return }
      lines[last] = lines[last].replacingOccurrences(of: "\"data\":\"", with: "\"data\":\"changed ")
    },
    .file("RL-008", "a word of the server itself to the requester", "relay-encrypted-1", also: ["RL-003"]) { lines in
      guard let last = lines.lastIndex(where: { $0.contains("\"conn\":\"c3\"") && $0.contains("\"kind\":\"binary\"") })
      else { return }
      lines.insert(
        lines[last].replacingOccurrences(of: "\"c2s\"", with: "\"s2c\"").replacingOccurrences(
          of: "\"data\":\"", with: "\"data\":\"AAAA"), at: last + 1)
    },
    .file("RL-008", "a frame before the splice swallowed", "relay-plain-1", also: ["RL-012"]) { lines in
      // Said between the request and the listener's first word, and never heard of again.
      guard let request = lines.firstIndex(where: { $0.contains("\"c2s\"") && $0.contains("communication_request") })
      else { return }
      let conn =
        lines[request].range(of: "\"conn\":\"c[0-9]+\"", options: .regularExpression).map { lines[request][$0] } ?? ""
      let time = lines[request].prefix { $0 != "," }
      lines.insert("\(time),\(conn),\"dir\":\"c2s\",\"kind\":\"text\",\"data\":\"early bird\"}", at: request + 1)
    },
    .file("RL-009", "another reason on the other leg", "relay-encrypted-1") { lines in
      for index in lines.indices
      where lines[index].contains("\"kind\":\"close\"") && lines[index].contains("\"dir\":\"s2c\"")
        && !lines[index].contains("echo")
      {
        lines[index] = lines[index].replacingOccurrences(of: "listener is done", with: "something else")
      }
    },
    .file("RL-009", "the other leg left open", "relay-encrypted-1", at: .earlier) { lines in
      guard let close = lines.firstIndex(where: { $0.contains("listener is done") && $0.contains("\"conn\":\"c3\"") })
      else { return }
      lines.removeAll { $0.contains("listener is done") && $0.contains("\"conn\":\"c3\"") }
      _ = close
      lines.append("{\"t\":60000,\"conn\":\"c9\",\"dir\":\"c2s\",\"kind\":\"open\",\"data\":\"{}\"}")
    },
  ]

  private static func orphan(_ editor: inout SessionEditor, for time: Double) {
    let handover = editor.index("connection_handover")
    editor.cut(from: handover + 1)
    editor.insert(.close(code: 1000, reason: "", echo: false), .fromClient, after: handover)
    editor.items[handover + 1].time += time
  }

  static let handshake: [Plant] = [
    .leg("HS-002", "data before ready", "relay-encrypted-1", "c3") { editor in
      editor.insert(.text("early"), .fromClient, after: editor.index("communication_request"))
    },
    .leg("HS-003", "something else before ready", "relay-encrypted-1", "c3", at: .changed(1)) { editor in
      editor.insert(.binary([1]), .fromServer, after: editor.index("communication_ready") - 1)
    },
    .leg("HS-003", "another answer than ready", "relay-encrypted-1", "c3") {
      $0.replace("communication_ready", "nope")
    },
    .leg("HS-007", "an initiator's key of 71 bytes", "relay-encrypted-1", "c3") { key(&$0, 0) { $0.removeLast() } },
    .leg("HS-007", "a text instead of the initiator's key", "relay-encrypted-1", "c3") { editor in
      let ready = editor.index("communication_ready")
      editor.items[ready + 1].content = .text("{}")
    },
    .leg("HS-008", "an acceptor's key of 73 bytes", "relay-encrypted-1", "c3") { key(&$0, 1) { $0.append(0) } },
    .leg("HS-011", "an answer to a broken key", "relay-encrypted-1", "c2", at: .later) { key(&$0, 0) { $0[40] ^= 1 } },
    .leg("HS-012", "a requester that stays after nope", "relay-encrypted-1", "c3", also: ["HS-028"]) { editor in
      let ready = editor.index("communication_ready")
      editor.items[ready].content = .text("{\"command\":\"nope\"}")
      editor.items.removeSubrange((ready + 1)..<(editor.items.count - 2))
      editor.delay(9_000, from: ready + 1)
    },
    .leg("HS-012", "an acceptor that stays after a broken key", "relay-encrypted-1", "c2", also: ["HS-011"]) { editor in
      key(&editor, 0) { $0[40] ^= 1 }
      editor.delay(9_000, from: editor.index("communication_ready") + 2)
    },
    .leg("KA-108", "no key for half a minute", "relay-encrypted-1", "c2", at: .earlier) { editor in
      editor.delay(30_000, from: editor.index("communication_ready") + 1)
    },
    .leg("HS-016", "the zero key", "relay-encrypted-1", "c3", also: ["RL-024"]) { editor in
      request(&editor, source: low, target: requestedKeys(editor).target)
    },
    .leg("HS-016", "a person key of zero", "iop-pair-1", "c9", also: ["PR-034"]) { editor in
      let position = editor.index("keys_object", .fromClient)
      guard case .sealed(.text(let text)) = editor.items[position].content,
        case .keysObject(let owner, _, let sign)? = try? PeerMessage.decode(text)
      else { return }
      editor.items[position].content = .sealed(
        .text(PeerMessage.keysObject(owner: owner, publicKey: low, publicSignKey: sign).text))
    },
  ]

  static let freshness: [Plant] = [
    .file("HS-009", "a handshake replayed on another connection", "iop-pair-1", at: .later) { renamed(&$0, "c5") },
    .leg("HS-017", "the initiator's key sent back", "relay-encrypted-1", "c3") { editor in
      let found = editor.items.indices.filter { if case .binary = editor.items[$0].content { true } else { false } }
      editor.items[found[1]].content = editor.items[found[0]].content
    },
    .file("SEC-006", "a session key used again", "iop-pair-1", at: .later) { renamed(&$0, "c5") },
  ]

  static let closes: [Plant] = [
    .leg("WIRE-001", "the server speaks first", "ping-pong-1", "c3") { editor in
      editor.insert(.text("{\"command\":\"ping\"}"), .fromServer, after: 0)
      editor.items[1].time = editor.items[0].time
    },
    .leg("WIRE-001", "a message that the debug protocol does not have", "iop-pair-1", "c9", at: .later) { editor in
      editor.replace("\"chum\"", "\"debug\"")
    },
    .leg("PATH-001", "a frame marked as altered", "ping-pong-1", "c3") {
      $0.items[$0.index("register")].proxy = "altered"
    },
    .leg("PATH-001", "a frame taken out", "iop-pair-1", "c9") {
      $0.items[$0.index("person_id_object", .fromClient)].proxy = "dropped"
    },
    .leg("PATH-002", "a frame marked as dropped", "ping-pong-1", "c3") {
      $0.items[$0.index("register")].proxy = "dropped"
    },
    .leg("TR-006", "a reason of 200 bytes", "ping-pong-1", "c3") { editor in
      editor.replace("Close called.", String(repeating: "é", count: 100))
    },
    .leg("CLOSE-001", "close code 4001", "ping-pong-1", "c3") { editor in
      let position = editor.index("Close called.")
      editor.items[position].content = .close(code: 4001, reason: "", echo: false)
    },
    .leg("TR-015", "an exception text as reason", "ping-pong-1", "c3") { editor in
      editor.items[editor.index("Close called.", .fromClient)].content = .close(
        code: 1000, reason: "Close called: TypeError: x", echo: false)
    },
    .file("TR-001", "an upgrade refused", "ping-pong-1") { lines in
      lines.append(
        "{\"t\":9000,\"conn\":\"c9\",\"dir\":\"s2c\",\"kind\":\"error\",\"data\":\"Unexpected server response: 500\"}")
    },
  ]
}
