import CSodium

/// Thirty-two secret bytes in memory of their own, wiped when the last owner lets go.
///
/// A class, so that keys can stand in dictionaries and be shared without copies of the bytes.
@safe final class SecretBytes: Sendable {
  static let count = 32
  /// Written once, in `init`, before anybody else holds a reference; hence safe to read from any thread.
  private nonisolated(unsafe) let memory: UnsafeMutablePointer<UInt8>

  init(_ bytes: some Collection<UInt8>) {
    precondition(bytes.count == Self.count)
    unsafe memory = .allocate(capacity: Self.count)
    for (offset, byte) in bytes.enumerated() { unsafe (memory + offset).initialize(to: byte) }
  }

  deinit {
    unsafe sodium_memzero(memory, Self.count)
    unsafe memory.deallocate()
  }

  func withPointer<Result>(_ body: (UnsafePointer<UInt8>) -> Result) -> Result {
    unsafe body(UnsafePointer(memory))
  }

  /// A copy that nobody wipes: for writing keys out, and for tests.
  var copy: [UInt8] { unsafe Array(UnsafeBufferPointer(start: memory, count: Self.count)) }

  func isEqual(_ other: SecretBytes) -> Bool { unsafe sodium_memcmp(memory, other.memory, Self.count) == 0 }
}
