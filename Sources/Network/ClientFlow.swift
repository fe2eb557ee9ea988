import NIOConcurrencyHelpers

/// What waits in a client's socket in either direction, so that neither a slow reader nor a slow network fills memory.
final class ClientFlow: Sendable {
  private struct Counts {
    var unsent = 0
    var unread = 0
    var isPaused = false
  }

  private let counts = NIOLockedValueBox(Counts())
  private let inputLimit: Int?
  private let drained: (@Sendable (Int) -> Void)?

  /// Unsent bytes below which more is welcome.
  private static let lowWater = 65_536

  init(inputLimit: Int?, drained: (@Sendable (Int) -> Void)?) {
    self.inputLimit = inputLimit
    self.drained = drained
  }

  var unsentBytes: Int { counts.withLockedValue { $0.unsent } }

  func sends(_ count: Int) { counts.withLockedValue { $0.unsent += count } }

  /// The system took a message, or never will.
  func taken(_ count: Int) {
    let (before, after) = counts.withLockedValue { counts in
      let before = counts.unsent
      counts.unsent -= count
      return (before, counts.unsent)
    }
    if before >= Self.lowWater, after < Self.lowWater { drained?(after) }
  }

  /// A message came for the reader; true when the socket is to be read no more.
  func arrived(_ count: Int) -> Bool {
    guard let inputLimit else { return false }
    return counts.withLockedValue { counts in
      counts.unread += count
      guard counts.unread > inputLimit, !counts.isPaused else { return false }
      counts.isPaused = true
      return true
    }
  }

  /// The reader took a message; true when the socket is to be read again.
  func consumed(_ count: Int) -> Bool {
    guard let inputLimit else { return false }
    return counts.withLockedValue { counts in
      counts.unread -= count
      guard counts.isPaused, counts.unread < inputLimit / 2 else { return false }
      counts.isPaused = false
      return true
    }
  }
}

extension WebSocketClient.Event {
  /// Bytes of a message; 0 for what is none.
  var size: Int {
    switch self {
    case .text(let text): text.utf8.count
    case .binary(let bytes): bytes.count
    default: 0
    }
  }
}
