/// Texts that must never show in a frame on an encrypted connection (chum.md 5.9, SEC-002).
enum Plaintext {
  /// All of eight bytes or more, so that no ciphertext holds one by chance.
  private static let markers: [[UInt8]] = [
    "itemscope", "\"command\":\"", "synchronisation", "\"requestId\":", "\"responseId\":", "keepalive",
    "fragmentation_",
  ].map { Array($0.utf8) }

  /// The first marker that stands in the bytes.
  static func marker(in bytes: [UInt8]) -> String? {
    markers.first { contains(bytes, $0) }.map { String(decoding: $0, as: UTF8.self) }
  }

  private static func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
    guard bytes.count >= part.count else { return false }
    return unsafe bytes.withUnsafeBufferPointer { buffer in
      for start in 0...(buffer.count - part.count) where unsafe buffer[start] == part[0] {
        if unsafe buffer[start..<(start + part.count)].elementsEqual(part) { return true }
      }
      return false
    }
  }
}
