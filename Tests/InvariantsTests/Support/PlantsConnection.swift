import Foundation
import Trace
import Wire

enum Plants {
  static let low = String(repeating: "0", count: 64)

  /// Violations in clear: registration and pings; relay, handshake and closes stand in their own file.
  static let connection: [Plant] = registration + serverReactions + ping + relay + handshake + freshness + closes

  private static let registration: [Plant] = [
    .leg("LS-001", "another first command", "ping-pong-1", "c3") { $0.replace("\"register\"", "\"enrol\"") },
    .leg("LS-001", "a key of 31 bytes", "ping-pong-1", "c3") { registeredKey(&$0, String(repeating: "a", count: 62)) },
    .leg("CS-014", "a challenge for a key of 31 bytes", "ping-pong-1", "c3", at: .later) {
      registeredKey(&$0, String(repeating: "a", count: 62))
    },
    .leg("CS-015", "a challenge for a key of 64 times z", "ping-pong-1", "c3", at: .later) {
      registeredKey(&$0, String(repeating: "z", count: 64))
    },
    .leg("CS-001", "a short challenge", "ping-pong-1", "c3") { $0.replace("\"challenge\":\"", "\"challenge\":\"00") },
    .leg("CS-002", "a challenge for somebody else", "ping-pong-1", "c3") { editor in
      flipHex(&editor, "authentication_request", "challenge")
    },
    .leg("LS-003", "a response to a challenge that does not open", "ping-pong-1", "c3", at: .later) { editor in
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
    .leg("CS-005", "success after a wrong response", "ping-pong-1", "c3", at: .later, also: ["CS-007", "CS-009"]) {
      flipHex(&$0, "authentication_response", "response")
    },
    .leg("CS-005", "success after a response of two digits", "ping-pong-1", "c3", at: .later) { editor in
      editor.items[editor.index("authentication_response")].content = .text(
        CommServerMessage.authenticationResponse(response: "ab").text)
    },
    .leg("CS-004", "a ping interval of nothing", "ping-pong-1", "c3") {
      $0.replace("\"pingInterval\":400", "\"pingInterval\":0")
    },
    .leg("CS-031", "success before the response", "ping-pong-1", "c3") { editor in
      editor.drop("authentication_response")
    },
    .leg("CS-031", "another registration instead of the response", "ping-pong-1", "c3", also: ["LS-002"]) { editor in
      let again = editor.items[editor.index("\"register\"")].content
      editor.items[editor.index("authentication_response")].content = again
    },
    .leg("CS-025", "chatter on a spare", "ping-pong-1", "c3") { editor in
      editor.insert(.text("{\"command\":\"comm_pong\"}"), .fromClient, after: editor.index("authentication_success"))
    },
    .leg("CS-025", "comm_ping from the server", "ping-pong-1", "c3", also: ["KA-006"]) { editor in
      editor.insert(.text("{\"command\":\"comm_ping\"}"), .fromServer, after: editor.index("authentication_success"))
    },
  ]

  private static let serverReactions: [Plant] = [
    .leg("CS-019", "a server that keeps a client without JSON", "ping-pong-1", "c3", also: ["CS-022"]) { editor in
      let first = editor.index("register")
      editor.items[first].content = .text("hello")
      editor.items.removeSubrange((first + 1)..<(editor.items.count - 2))
      editor.delay(9_000, from: editor.items.count - 2)
    },
    .leg("CS-019", "a server that keeps a client with a wrong response", "ping-pong-1", "c3", also: ["CS-009"]) {
      editor in
      flipHex(&editor, "authentication_response", "response")
      let response = editor.index("authentication_response")
      editor.items.removeSubrange((response + 1)..<(editor.items.count - 2))
      editor.delay(9_000, from: editor.items.count - 2)
    },
    .leg("CS-023", "a client that says nothing for 20 s", "ping-pong-1", "c3", at: .earlier) { editor in
      let first = editor.index("register")
      editor.delay(20_000, from: first)
    },
    .leg("CS-024", "a challenge unanswered for 20 s", "ping-pong-1", "c3", at: .earlier) { editor in
      editor.delay(20_000, from: editor.index("authentication_response"))
    },
    .leg("RL-004", "a requester left alone", "relay-encrypted-1", "c3", at: .earlier) { editor in
      let ready = editor.index("communication_ready")
      editor.items.removeSubrange(ready..<(editor.items.count - 2))
      editor.delay(20_000, from: ready)
    },
  ]

  private static let ping: [Plant] = [
    .leg("KA-001", "a ping after 1 ms", "ping-pong-1", "c1") { editor in
      let pong = editor.index("\"pong\"")
      editor.insert(.text("{\"command\":\"ping\"}"), .fromServer, after: pong)
    },
    .leg("KA-001", "a ping three intervals late", "ping-pong-1", "c1") { editor in
      editor.delay(1_500, from: editor.index("\"ping\""))
    },
    .leg("KA-001", "no ping until the listener leaves", "ping-pong-1", "c3", at: .earlier) { editor in
      let first = editor.index("\"ping\"")
      editor.items.removeSubrange(first..<(editor.items.count - 2))
      editor.delay(3_000, from: first)
    },
    .leg("KA-007", "a pong withheld, with a sign of life", "ping-pong-1", "c1", at: .earlier) { editor in
      let pong = editor.index("\"pong\"")
      editor.items[pong].content = .text("{\"command\":\"comm_pong\"}")
      editor.items.removeSubrange((pong + 1)...)
      editor.insert(.close(code: 1000, reason: "Terminate called: x", echo: false), .fromServer, after: pong)
      editor.items[pong + 1].time += 300
    },
    .leg("KA-007", "a pong after two seconds", "ping-pong-1", "c1") { editor in
      editor.delay(2_000, from: editor.index("\"pong\""))
    },
    .leg("KA-003", "a silent listener kept", "ping-pong-1", "c1", at: .earlier) { editor in
      let ping = editor.index("\"ping\"")
      editor.cut(from: ping + 1)
      editor.insert(.close(code: 1000, reason: "late", echo: false), .fromClient, after: ping)
      editor.items[ping + 1].time += 5_000
    },
    .leg("KA-005", "handover over an unanswered ping", "ping-pong-1", "c1", at: .changed(1)) { editor in
      let handover = editor.index("connection_handover")
      editor.insert(.text("{\"command\":\"ping\"}"), .fromServer, after: handover - 1)
    },
    .leg("KA-009", "a pong after the handover", "ping-pong-1", "c1") { editor in
      editor.insert(.text("{\"command\":\"pong\"}"), .fromClient, after: editor.index("connection_handover"))
    },
    .leg("KA-008", "a listener that waits for ever", "ping-pong-1", "c3", at: .earlier) { editor in
      let success = editor.index("authentication_success")
      editor.items.removeSubrange((success + 1)...)
      editor.insert(.close(code: 1000, reason: "", echo: false), .fromClient, after: success)
      editor.items[success + 1].time += 60_000
    },
    .leg("KA-010", "twenty pongs at once", "ping-pong-1", "c1", at: .later) { editor in
      let success = editor.index("authentication_success")
      for _ in 0..<20 { editor.insert(.text("{\"command\":\"pong\"}"), .fromClient, after: success) }
    },
  ]

  // MARK: Tools

  static func value(_ line: String, _ name: String) -> String {
    guard let start = line.range(of: "\\\"\(name)\\\":\\\"") else { return "" }
    return String(line[start.upperBound...].prefix { $0 != "\\" })
  }

  /// Changes one digit in the middle of a hex member.
  static func flipHex(_ editor: inout SessionEditor, _ command: String, _ member: String) {
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
  static func key(_ editor: inout SessionEditor, _ number: Int, _ change: (inout [UInt8]) -> Void) {
    let found = editor.items.indices.filter { if case .binary = editor.items[$0].content { true } else { false } }
    guard case .binary(var bytes) = editor.items[found[number]].content else { return }
    change(&bytes)
    editor.items[found[number]].content = .binary(bytes)
  }

  static func registeredKey(_ editor: inout SessionEditor, _ key: String) {
    editor.items[editor.index("register")].content = .text(CommServerMessage.register(publicKey: key).text)
  }

  /// The keys of a leg's request.
  static func requestedKeys(_ editor: SessionEditor) -> (source: String, target: String) {
    guard case .text(let text) = editor.items[editor.index("communication_request")].content,
      case .communicationRequest(let source, let target)? = try? CommServerMessage.decode(text)
    else { return ("", "") }
    return (source, target)
  }

  static func request(_ editor: inout SessionEditor, source: String, target: String) {
    editor.items[editor.index("communication_request")].content = .text(
      CommServerMessage.communicationRequest(source: source, target: target).text)
  }

  /// Writes all of one connection a second time, under another name, behind the rest.
  static func renamed(_ lines: inout [String], _ conn: String) {
    lines += lines.filter { $0.contains("\"conn\":\"\(conn)\"") }
      .map { $0.replacingOccurrences(of: "\"conn\":\"\(conn)\"", with: "\"conn\":\"c99\"") }
  }
}
