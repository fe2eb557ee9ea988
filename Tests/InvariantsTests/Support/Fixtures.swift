import Foundation

/// Where the recordings lie, seen from this file.
enum Fixtures {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures")

  static func recording(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: root.appendingPathComponent("Recordings/\(name).ndjson")))
  }

  static func lines(_ name: String) throws -> [String] {
    String(decoding: try recording(name), as: UTF8.self).split(separator: "\n").map(String.init)
  }

  static let names = [
    "chum-blob-1", "chum-blob-fixed-1", "chum-burst-1", "chum-chat-file-1", "chum-clob-1", "fail-auth-1",
    "fail-chum-answer-1", "fail-chum-request-1", "fail-chum-version-1", "fail-first-message-1", "fail-identity-1",
    "fail-identity-nolistener-1", "fail-pair-token-1", "fail-ping-1", "fail-request-1", "fail-tamper-1",
    "instance-restart-1", "iom-full-1", "iom-groups-1", "iom-light-1", "iop-chum-1", "iop-pair-1", "keepalive-1",
    "ping-pong-1", "reconnect-1", "relay-close-1", "relay-encrypted-1", "relay-fragmentation-1", "relay-order-1",
    "relay-plain-1", "server-stop-1",
  ]
}
