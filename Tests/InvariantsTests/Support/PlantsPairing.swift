import Foundation
import Trace
import Wire

extension Plants {
  static let pairing: [Plant] = [
    .leg("PA-001", "no token", "iop-pair-1", "c5", at: .later) { $0.drop("authentication_token") },
    .leg("PA-003", "identity for nothing", "iop-pair-1", "c5") { $0.drop("authentication_token") },
    .leg("SEC-012", "a token refused", "iop-pair-1", "c5", at: .earlier) { editor in
      let token = editor.index("authentication_token")
      editor.items.removeSubrange((token + 1)...)
      editor.insert(.close(code: 1000, reason: "Close called: no", echo: false), .fromServer, after: token)
    },
    .leg("PA-004", "a token without an answer", "iop-pair-1", "c5", at: .earlier) { editor in
      editor.delay(9_000, from: editor.index("\"identity\"", .fromServer))
    },
    .file("SEC-009", "a token that pairs twice", "iop-pair-1", at: .later, also: ["INV-013"]) { renamed(&$0, "c5") },
    .file("INV-012", "a used token accepted", "iop-pair-1", at: .later) { lines in
      renamed(&lines, "c5")
      for index in lines.indices where lines[index].contains("\"c99\"") {
        if let t = lines[index].range(of: "\"t\":") { lines[index].replaceSubrange(t, with: "\"t\":9") }
      }
    },
    .leg("SEC-013", "the token in a close reason", "iop-pair-1", "c5", also: ["INV-019"]) { editor in
      guard case .sealed(.text(let text)) = editor.items[editor.index("authentication_token")].content,
        case .authenticationToken(let token)? = try? PeerMessage.decode(text)
      else { return }
      editor.items[editor.index("Close called.")].content = .close(code: 1000, reason: "used " + token, echo: false)
    },
    .leg("PA-019", "a second token", "iop-pair-1", "c5") { $0.repeat("authentication_token") },
    .leg("PA-005", "a joiner that stays", "iop-pair-1", "c5", at: .earlier) { editor in
      let identity = editor.index("\"identity\"", .fromClient)
      editor.delay(8_000, from: identity + 1)
    },
    .leg("PA-007", "somebody else's identity", "iop-pair-1", "c5") { editor in
      let theirs = editor.items[editor.index("\"identity\"", .fromServer)].content
      editor.items[editor.index("\"identity\"", .fromClient)].content = theirs
    },
    .leg("PR-018", "a source key that nobody claims", "iop-pair-1", "c5", at: .later) { editor in
      // The joiner dials with its person key; with another person key in Q-messages neither key is the dialling one.
      let keys = editor.index("keys_object", .fromClient)
      guard case .sealed(.text(let text)) = editor.items[keys].content,
        case .keysObject(let owner, _, let sign)? = try? PeerMessage.decode(text)
      else { return }
      editor.items[keys].content = .sealed(
        .text(PeerMessage.keysObject(owner: owner, publicKey: sign, publicSignKey: sign).text))
    },
    .leg("PA-007", "another instance key in the inviter's identity", "iop-pair-1", "c5", also: ["PA-008"]) { editor in
      let position = editor.index("\"identity\"", .fromServer)
      guard case .sealed(.text(let text)) = editor.items[position].content,
        case .identity(let file)? = try? PeerMessage.decode(text)
      else { return }
      editor.items[position].content = .sealed(
        .text(text.replacingOccurrences(of: file.instanceKeyPublic, with: file.instanceSignKeyPublic)))
    },
    .leg("PA-010", "an identity of an unknown kind", "iop-pair-1", "c5", also: ["PA-009"]) { editor in
      let position = editor.index("\"identity\"", .fromClient)
      guard case .sealed(.text(let text)) = editor.items[position].content else { return }
      editor.items[position].content = .sealed(
        .text(text.replacingOccurrences(of: "\"type\":\"public\"", with: "\"type\":\"private\"")))
    },
    .leg("PAIR-001", "small talk in a pairing", "iop-pair-1", "c5") { editor in
      editor.insert(PeerMessage.sync.text, .fromClient, after: editor.index("authentication_token"))
    },
  ]
}
