import Wire
import WireBytes

/// Counts bytes and messages; touches nothing.
public struct StatisticsPlugin: ConnectionPlugin {
  public let name = "statistics"
  public private(set) var received = 0
  public private(set) var sent = 0

  public init() {}

  public mutating func incoming(_ message: PluginMessage) -> PluginMessage? {
    received += message.size
    return message
  }

  public mutating func outgoing(_ message: PluginMessage) -> PluginMessage? {
    sent += message.size
    return message
  }
}

/// Looks at JSON commands; every text that is none, or another command, passes unchanged (PLG-004, PLG-005).
public struct CommandPlugin: ConnectionPlugin {
  public let name: String
  /// The commands that it keeps to itself, such as `comm_pong`.
  private let commands: Set<String>
  public private(set) var taken: [String] = []

  public init(name: String, commands: Set<String>) {
    self.name = name
    self.commands = commands
  }

  public mutating func incoming(_ message: PluginMessage) -> PluginMessage? {
    guard case .text(let text) = message, text.utf8.first == 0x7B, let value = try? JSONValue.parse(text),
      let command = value["command"]?.string, commands.contains(command)
    else { return message }
    if taken.count < 100 { taken.append(command) }
    return nil
  }
}

/// The application's ChumPlugin (chum.md 1.2.1): it logs JSON messages of type `error` and passes everything.
public struct ChumPlugin: ConnectionPlugin {
  public let name = "chum"
  public private(set) var errors: [String] = []
  public private(set) var sawControlText = false

  public init() {}

  public mutating func incoming(_ message: PluginMessage) -> PluginMessage? {
    guard case .text(let text) = message else { return message }
    // Equal, not "contains": a chat text that holds the word is no control text.
    if text == ChumMessage.controlText {
      sawControlText = true
    } else if let value = try? JSONValue.parse(text), value["type"] == "error", errors.count < 100 {
      errors.append(excerpt(text, 500))
    }
    return message
  }
}

/// Queues messages for code that waits for them, and passes them on (chum.md 1.2, 9): the eleventh unread one is
/// refused. It must be taken out when CHUM starts (PLG-010).
public struct PromisePlugin: ConnectionPlugin {
  public let name = "promise"
  public static let limit = 10
  public private(set) var queue: [PluginMessage] = []
  /// The queue ran over: the connection has to close.
  public private(set) var isFull = false

  public init() {}

  public mutating func incoming(_ message: PluginMessage) -> PluginMessage? {
    if queue.count >= Self.limit { isFull = true } else { queue.append(message) }
    return message
  }

  public mutating func next() -> PluginMessage? { queue.isEmpty ? nil : queue.removeFirst() }
}

/// A layer that is carried out elsewhere and stands in the chain for its place: `websocket`, `encryption` and so on.
public struct LayerPlugin: ConnectionPlugin {
  public let name: String
  private let inward: @Sendable (PluginMessage) -> PluginMessage?
  private let outward: @Sendable (PluginMessage) -> PluginMessage?

  public init(
    _ name: String, incoming: @escaping @Sendable (PluginMessage) -> PluginMessage? = { $0 },
    outgoing: @escaping @Sendable (PluginMessage) -> PluginMessage? = { $0 }
  ) {
    self.name = name
    inward = incoming
    outward = outgoing
  }

  public mutating func incoming(_ message: PluginMessage) -> PluginMessage? { inward(message) }
  public mutating func outgoing(_ message: PluginMessage) -> PluginMessage? { outward(message) }
}

extension PluginMessage {
  var size: Int {
    switch self {
    case .text(let text): text.utf8.count
    case .binary(let bytes): bytes.count
    }
  }
}
