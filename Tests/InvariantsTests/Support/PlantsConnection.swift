import Foundation
import Trace
import Wire

enum Plants {
  private static let low = String(repeating: "0", count: 64)

  /// Violations in clear: registration, pings, relay, handshake, closes.
  static let connection: [Plant] = registration + ping + relay + handshake + closes

  private static let registration: [Plant] = [
    .leg("CS-019", "another first command", "ping-pong-1", "c3") { $0.replace("\"register\"", "\"enrol\"") },
    .leg("CS-014", "a key of 31 bytes", "ping-pong-1", "c3") { editor in
      editor.items[editor.index("register")].content = .text(
        CommServerMessage.register(publicKey: String(repeating: "a", count: 62)).text)
    },
    .leg("CS-001", "a short challenge", "ping-pong-1", "c3") { $0.replace("\"challenge\":\"", "\"challenge\":\"00") },
    .leg("CS-002", "a challenge for somebody else", "ping-pong-1", "c3") { editor in
      flipHex(&editor, "authentication_request", "challenge")
    },
    .file("CS-003", "one challenge twice", "ping-pong-1") { lines in
      let found = lines.indices.filter { lines[$0].contains("authentication_request") }
      let first = value(lines[found[0]], "challenge")
      lines[found[1]] = lines[found[1]].replacingOccurrences(of: value(lines[found[1]], "challenge"), with: first)
    },
    .leg("LS-002", "one bit of the response changed", "ping-pong-1", "c3") { editor in
      flipHex(&editor, "authentication_response", "response")
    },
    .leg("CS-005", "success after a wrong response", "ping-pong-1", "c3") { editor in
      flipHex(&editor, "authentication_response", "response")
    },
    .leg("CS-004", "a ping interval of nothing", "ping-pong-1", "c3") {
      $0.replace("\"pingInterval\":400", "\"pingInterval\":0")
    },
    .leg("LS-011", "success before the response", "ping-pong-1", "c3") { editor in
      editor.drop("authentication_response")
    },
    .leg("CS-025", "chatter on a spare", "ping-pong-1", "c3") { editor in
      editor.insert(.text("{\"command\":\"comm_pong\"}"), .fromClient, after: editor.index("authentication_success"))
    },
  ]

  private static let ping: [Plant] = [
    .leg("KA-001", "a ping after 1 ms", "ping-pong-1", "c1") { editor in
      let pong = editor.index("\"pong\"")
      editor.insert(.text("{\"command\":\"ping\"}"), .fromServer, after: pong)
    },
    .leg("KA-007", "a pong withheld", "ping-pong-1", "c1") { editor in
      editor.drop("\"pong\"")
      let ping = editor.index("\"ping\"")
      editor.delay(3_000, from: ping + 1)
    },
    .leg("KA-003", "a silent listener kept", "ping-pong-1", "c1") { editor in
      let ping = editor.index("\"ping\"")
      editor.cut(from: ping + 1)
      editor.insert(.close(code: 1000, reason: "late", echo: false), .fromClient, after: ping)
      editor.items[ping + 1].time += 5_000
    },
    .leg("KA-005", "handover over an unanswered ping", "ping-pong-1", "c1") { editor in
      let handover = editor.index("connection_handover")
      editor.insert(.text("{\"command\":\"ping\"}"), .fromServer, after: handover - 1)
    },
    .leg("KA-009", "a pong after the handover", "ping-pong-1", "c1") { editor in
      editor.insert(.text("{\"command\":\"pong\"}"), .fromClient, after: editor.index("connection_handover"))
    },
    .leg("KA-008", "a listener that waits for ever", "ping-pong-1", "c3") { editor in
      let success = editor.index("authentication_success")
      editor.items.removeSubrange((success + 1)...)
      editor.insert(.close(code: 1000, reason: "", echo: false), .fromClient, after: success)
      editor.items[success + 1].time += 60_000
    },
  ]

  private static let relay: [Plant] = [
    .leg("RL-001", "something else after the handover", "relay-encrypted-1", "c2") { editor in
      editor.insert(.text("{\"command\":\"ping\"}"), .fromServer, after: editor.index("connection_handover"))
    },
    .leg("RL-002", "a forwarded key in upper case", "relay-encrypted-1", "c2") { editor in
      let position = editor.index("communication_request")
      guard case .text(let text) = editor.items[position].content,
        case .communicationRequest(let source, let target)? = try? CommServerMessage.decode(text)
      else { return }
      editor.items[position].content = .text(
        CommServerMessage.communicationRequest(source: source.uppercased(), target: target).text)
    },
    .leg("RL-011", "a source key of two bytes", "relay-encrypted-1", "c3") { editor in
      let position = editor.index("communication_request")
      guard case .text(let text) = editor.items[position].content,
        case .communicationRequest(_, let target)? = try? CommServerMessage.decode(text)
      else { return }
      editor.items[position].content = .text(
        CommServerMessage.communicationRequest(source: "abcd", target: target).text)
    },
    .leg("LS-013", "a handover without a request", "relay-encrypted-1", "c2") { editor in
      let handover = editor.index("connection_handover")
      editor.cut(from: handover + 1)
      editor.insert(.close(code: 1000, reason: "", echo: false), .fromClient, after: handover)
      editor.items[handover + 1].time += 9_000
    },
    .leg("SEC-008", "a request for another key", "relay-encrypted-1", "c2") { editor in
      let position = editor.index("communication_request")
      guard case .text(let text) = editor.items[position].content,
        case .communicationRequest(let source, _)? = try? CommServerMessage.decode(text)
      else { return }
      editor.items[position].content = .text(
        CommServerMessage.communicationRequest(source: source, target: source).text)
    },
    .file("RL-006", "the older spare is taken", "relay-encrypted-1") { lines in
      // The spare of c1 was registered before that of c2; the handover moves over to c1.
      for index in lines.indices where lines[index].contains("connection_handover") {
        lines[index] = lines[index].replacingOccurrences(of: "\"conn\":\"c2\"", with: "\"conn\":\"c1\"")
        if let t = lines[index].range(of: "\"t\":") { lines[index].replaceSubrange(t, with: "\"t\":1000") }
        break
      }
    },
    .file("RL-008", "a relayed message lost by the server", "relay-plain-1") { lines in
      guard
        let last = lines.lastIndex(where: {
          $0.contains("\"dir\":\"s2c\"") && $0.contains("\"kind\":\"text\"") && $0.contains("\"c2\"")
        })
      else { return }
      lines[last] = lines[last].replacingOccurrences(of: "\"data\":\"", with: "\"data\":\"changed ")
    },
    .file("RL-009", "another reason on the other leg", "relay-encrypted-1") { lines in
      for index in lines.indices
      where lines[index].contains("\"kind\":\"close\"") && lines[index].contains("\"dir\":\"s2c\"")
        && !lines[index].contains("echo")
      {
        lines[index] = lines[index].replacingOccurrences(of: "listener is done", with: "something else")
      }
    },
  ]

  private static let handshake: [Plant] = [
    .leg("HS-002", "data before ready", "relay-encrypted-1", "c3") { editor in
      editor.insert(.text("early"), .fromClient, after: editor.index("communication_request"))
    },
    .leg("HS-003", "another answer than ready", "relay-encrypted-1", "c3") {
      $0.replace("communication_ready", "nope")
    },
    .leg("HS-007", "an initiator's key of 71 bytes", "relay-encrypted-1", "c3") { key(&$0, 0) { $0.removeLast() } },
    .leg("HS-008", "an acceptor's key of 73 bytes", "relay-encrypted-1", "c3") { key(&$0, 1) { $0.append(0) } },
    .leg("HS-011", "an answer to a broken key", "relay-encrypted-1", "c2") { key(&$0, 0) { $0[40] ^= 1 } },
    .file("HS-009", "a handshake replayed on another connection", "iop-pair-1") { renamed(&$0, "c5") },
    .file("SEC-006", "a session key used again", "iop-pair-1") { renamed(&$0, "c5") },
    .leg("HS-016", "the zero key", "relay-encrypted-1", "c3") { editor in
      let position = editor.index("communication_request")
      editor.items[position].content = .text(CommServerMessage.communicationRequest(source: low, target: low).text)
    },
  ]

  private static let closes: [Plant] = [
    .leg("WIRE-001", "the server speaks first", "ping-pong-1", "c3") { editor in
      editor.insert(.text("{\"command\":\"ping\"}"), .fromServer, after: 0)
      editor.items[1].time = editor.items[0].time
    },
    .leg("PATH-001", "a frame marked as altered", "ping-pong-1", "c3") {
      $0.items[$0.index("register")].proxy = "altered"
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
        "{\"t\":9000,\"conn\":\"c9\",\"dir\":\"s2c\",\"kind\":\"error\",\"data\":\"Unexpected server response: 426\"}")
    },
  ]

  // MARK: Tools

  private static func value(_ line: String, _ name: String) -> String {
    guard let start = line.range(of: "\\\"\(name)\\\":\\\"") else { return "" }
    return String(line[start.upperBound...].prefix { $0 != "\\" })
  }

  /// Changes one digit in the middle of a hex member.
  private static func flipHex(_ editor: inout SessionEditor, _ command: String, _ member: String) {
    let position = editor.index(command)
    guard case .text(let text) = editor.items[position].content, let start = text.range(of: "\"\(member)\":\"") else {
      return
    }
    var characters = Array(text)
    let offset = text.distance(from: text.startIndex, to: start.upperBound) + 100
    characters[offset] = characters[offset] == "0" ? "1" : "0"
    editor.items[position].content = .text(String(characters))
  }

  /// Changes the n-th key message of a leg.
  private static func key(_ editor: inout SessionEditor, _ number: Int, _ change: (inout [UInt8]) -> Void) {
    let found = editor.items.indices.filter { if case .binary = editor.items[$0].content { true } else { false } }
    guard case .binary(var bytes) = editor.items[found[number]].content else { return }
    change(&bytes)
    editor.items[found[number]].content = .binary(bytes)
  }

  /// Writes all of one connection a second time, under another name, behind the rest.
  private static func renamed(_ lines: inout [String], _ conn: String) {
    lines += lines.filter { $0.contains("\"conn\":\"\(conn)\"") }
      .map { $0.replacingOccurrences(of: "\"conn\":\"\(conn)\"", with: "\"conn\":\"c99\"") }
  }
}
