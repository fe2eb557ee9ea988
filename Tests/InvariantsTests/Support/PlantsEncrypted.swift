import Foundation
import Trace
import Wire

extension Plants {
  /// Violations inside the encryption: frames, keep-alive, fragments, establishment, pairing.
  static let encrypted: [Plant] = frames + fragments + establishment

  private static let frames: [Plant] = [
    .leg("ENC-010", "a frame of garbage", "iop-pair-1", "c9") { editor in
      editor.items[editor.index("person_id_object")].content = .broken([UInt8](repeating: 7, count: 99))
    },
    .leg("ENC-010", "a frame lost", "iop-pair-1", "c9", also: ["SEC-004"]) { editor in
      // Its counter is used up all the same.
      editor.items[editor.index("person_id_object", .fromClient)].content = .lost
    },
    .leg("ENC-010", "an empty frame", "iop-pair-1", "c9", also: ["ENC-014"]) { editor in
      editor.items[editor.index("person_id_object")].content = .broken([])
    },
    .leg("ENC-011", "a receiver that stays after garbage", "iop-pair-1", "c9") { editor in
      let position = editor.index("person_id_object", .fromServer)
      editor.items[position].content = .broken([UInt8](repeating: 7, count: 99))
      editor.delay(9_000, from: position + 1)
    },
    .leg("SEC-005", "a receiver that talks on after garbage", "iop-pair-1", "c9", at: .later, also: ["ENC-023"]) {
      editor in
      let position = editor.index("person_id_object", .fromServer)
      editor.items[position].content = .broken([UInt8](repeating: 7, count: 99))
      editor.delay(500, from: position + 1)
    },
    .leg("SEC-002", "a message in clear in a binary frame", "iop-pair-1", "c9") { editor in
      editor.items[editor.index("person_id_object")].content = .broken(Array("{\"command\":\"sync\"}".utf8))
    },
    .leg("SEC-001", "a text in clear", "iop-pair-1", "c9") { editor in
      editor.items[editor.index("person_id_object")].content = .text("synchronisation")
    },
    .leg("ENC-016", "padding beyond the end", "iop-pair-1", "c9") { editor in
      editor.items[editor.index("person_id_object")].content = .padded([0x11, 200, 1, 2])
    },
    .leg("ENC-017", "nine length bytes", "iop-pair-1", "c9") { editor in
      editor.items[editor.index("person_id_object")].content = .padded(
        [0x19] + [UInt8](repeating: 0, count: 9) + Array("{}".utf8))
    },
    .leg("ENC-018", "a reserved flag", "iop-pair-1", "c9") { editor in
      editor.items[editor.index("person_id_object")].content = .padded([0x30] + Array("{}".utf8))
    },
    .leg("TR-013", "a frame of 70,000 bytes", "iop-pair-1", "c9") { editor in
      editor.items[editor.index("person_id_object")].content = .padded([0x10] + [UInt8](repeating: 65, count: 70_000))
    },
    .leg("ENC-008", "always the same padding", "iop-pair-1", "c9", at: .later) { editor in
      let position = editor.index("person_id_object")
      for _ in 0..<80 { editor.insert(.padded([0x10] + Array("{}".utf8)), .fromClient, after: position) }
    },
    .leg("KA-101", "half a minute of silence", "iop-pair-1", "c9", at: .earlier) { editor in
      editor.delay(30_000, from: editor.index("\"serviceId\":2"))
    },
    .leg("KA-103", "a pulse without need", "iop-pair-1", "c9") { editor in
      editor.insert(KeepAlive.pulse, .fromClient, after: editor.index("person_id_object", .fromClient))
    },
    .leg("KA-102", "a dead peer kept for a minute", "keepalive-1", "c2", at: .earlier) { editor in
      let close = editor.items.indices.filter { if case .close = editor.items[$0].content { true } else { false } }
      editor.delay(60_000, from: close[0])
    },
    .leg("KA-109", "a step that never comes", "iop-pair-1", "c9", at: .earlier) { editor in
      editor.delay(60_000, from: editor.index("keys_object", .fromServer))
    },
  ]

  private static let fragments: [Plant] = [
    .leg("FR-002", "a long text in one frame", "iop-pair-1", "c9") { editor in
      editor.items[editor.index("person_id_object")].content = .sealed(.text(String(repeating: "x", count: 20_000)))
    },
    .leg("FR-004", "an empty message in fragments", "iop-pair-1", "c9", at: .changed(1)) { editor in
      let position = editor.index("person_id_object", .fromClient)
      editor.insert(Fragmentation.end, .fromClient, after: position)
      editor.insert(Fragmentation.startBinary, .fromClient, after: position)
    },
    .leg("FR-007", "an end without a start", "iop-pair-1", "c9") { editor in
      editor.insert(Fragmentation.end, .fromClient, after: editor.index("person_id_object", .fromClient))
    },
    .leg("FR-007", "a text between the pieces", "chum-clob-1", "c4") { editor in
      editor.insert(
        "{}", editor.items[editor.index(Fragmentation.startText)].direction,
        after: editor.index(Fragmentation.startText))
    },
    .leg("FR-009", "a piece of 70,000 bytes", "chum-clob-1", "c4") { editor in
      let start = editor.index(Fragmentation.startText)
      editor.items[start + 1].content = .sealed(.binary([UInt8](repeating: 65, count: 70_000)))
    },
  ]

  private static let establishment: [Plant] = [
    .leg("PR-001", "sync first", "iop-pair-1", "c9") {
      $0.items[$0.index("connection_group")].content = .sealed(.text(PeerMessage.sync.text))
    },
    .leg("PR-001", "no JSON first, and a close", "iop-pair-1", "c9") { editor in
      let group = editor.index("connection_group")
      editor.items[group].content = .sealed(.text("hello"))
      editor.items.removeSubrange((group + 1)...)
      editor.insert(.close(code: 1000, reason: "Close called: x", echo: false), .fromServer, after: group)
    },
    .leg("PR-021", "an unknown group", "iop-pair-1", "c9") { $0.replace("\"chum\"", "\"gossip\"") },
    .leg("PR-002", "no sync", "iop-pair-1", "c9") { $0.drop("\"sync\"") },
    .leg("PR-004", "no patience for sync", "iop-pair-1", "c9") { editor in
      editor.swap(editor.index("\"sync\""), editor.index("person_id_object", .fromClient))
    },
    .leg("PR-005", "keys before person", "iop-pair-1", "c9") { editor in
      editor.swap(editor.index("keys_object", .fromClient), editor.index("person_id_object", .fromClient))
    },
    .leg("PR-006", "another person's keys", "iop-pair-1", "c9") { editor in
      owner(&editor, "keys_object")
    },
    .leg("PR-009", "a response echoed", "iop-pair-1", "c9") { editor in
      let challenge = editor.sealedBinary(0, .fromServer)
      editor.items[editor.sealedBinary(0, .fromClient)].content = editor.items[challenge].content
    },
    .leg("PR-010", "a challenge of garbage", "iop-pair-1", "c9") { editor in
      editor.items[editor.sealedBinary(0, .fromServer)].content = .sealed(.binary([UInt8](repeating: 3, count: 104)))
    },
    .leg("PR-017", "another person's instance", "iop-pair-1", "c9") { owner(&$0, "instance_id_object") },
    .leg("PR-005", "a person again behind the instance", "iop-pair-1", "c5", also: ["PR-019"]) { editor in
      let person = editor.items[editor.index("person_id_object", .fromClient)].content
      editor.insert(person, .fromClient, after: editor.index("instance_id_object", .fromClient))
    },
    .leg("PR-035", "going on with a liar", "iop-pair-1", "c9", at: .later) { editor in
      owner(&editor, "keys_object")
      editor.delay(1_000, from: editor.index("keys_object", .fromClient) + 1)
    },
    .leg("PR-036", "an acceptor that stays after a wrong first message", "iop-pair-1", "c9") { editor in
      let group = editor.index("connection_group")
      editor.items[group].content = .sealed(.text(PeerMessage.sync.text))
      editor.items.removeSubrange((group + 1)..<(editor.items.count - 2))
      editor.delay(9_000, from: group + 1)
    },
    .leg("PR-019", "an acceptor that stays with a liar", "iop-pair-1", "c9", also: ["PR-006"]) { editor in
      owner(&editor, "keys_object")
    },
    .file("PR-026", "two connections of the same keys", "iop-chum-1", at: .later) { lines in
      // The session that stands is written once more, a second later and for as long.
      let mark = "\"conn\":\"c9\""
      var copies: [String] = []
      for line in lines where line.contains(mark) {
        copies.append(line.replacingOccurrences(of: mark, with: "\"conn\":\"c99\""))
      }
      guard let close = lines.firstIndex(where: { $0.contains(mark) && $0.contains("\"kind\":\"close\"") }) else {
        return
      }
      lines.insert(contentsOf: copies.filter { !$0.contains("\"kind\":\"close\"") }.prefix(40), at: close - 60)
    },
  ]

  /// Changes one digit of a message's owner.
  static func owner(_ editor: inout SessionEditor, _ command: String) {
    let position = editor.index(command, .fromClient)
    guard case .sealed(.text(let text)) = editor.items[position].content, let start = text.range(of: "\"owner\":\"")
    else { return }
    var characters = Array(text)
    let offset = text.distance(from: text.startIndex, to: start.upperBound)
    characters[offset] = characters[offset] == "0" ? "1" : "0"
    editor.items[position].content = .sealed(.text(String(characters)))
  }
}
