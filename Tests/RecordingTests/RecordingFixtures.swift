import Foundation

/// Where the recordings lie, seen from this file.
enum Fixtures {
  static let recordings = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Fixtures/Recordings")

  /// Every recording, with and without a decrypted twin.
  static let names: [String] = {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: recordings.path)) ?? []
    return files.filter { $0.hasSuffix(".ndjson") && !$0.hasSuffix(".plain.ndjson") }
      .map { String($0.dropLast(".ndjson".count)) }.sorted()
  }()

  static let twins: [String] = names.filter {
    FileManager.default.fileExists(atPath: recordings.appendingPathComponent("\($0).plain.ndjson").path)
  }

  static func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: recordings.appendingPathComponent(name)))
  }
}
