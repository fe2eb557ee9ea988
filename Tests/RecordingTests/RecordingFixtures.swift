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

/// SplitMix64: the same seed gives the same mutations on every machine.
struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
