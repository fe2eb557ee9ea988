import WireBytes

/// A message as a plugin sees it.
public enum PluginMessage: Sendable, Equatable {
  case text(String)
  case binary([UInt8])
}

/// One link of the chain around a connection (chum.md 1.1, 1.2.1).
public protocol ConnectionPlugin: Sendable {
  var name: String { get }
  /// What the next plugin upwards gets; nil drops the message.
  mutating func incoming(_ message: PluginMessage) -> PluginMessage?
  /// What the next plugin downwards gets; nil drops the message.
  mutating func outgoing(_ message: PluginMessage) -> PluginMessage?
}

extension ConnectionPlugin {
  public mutating func incoming(_ message: PluginMessage) -> PluginMessage? { message }
  public mutating func outgoing(_ message: PluginMessage) -> PluginMessage? { message }
}

/// What a plugin did with a message: the log events `pluginAttached` and `pluginPassed` of chum.md 5.1.
public struct PluginPass: Sendable, Equatable {
  public enum Way: Sendable, Equatable { case incoming, outgoing }
  public let plugin: String
  public let way: Way
  public let before: PluginMessage
  /// Nil: dropped.
  public let after: PluginMessage?
}

/// The plugins of one connection in the order in which incoming data passes them; outgoing data passes them backwards.
public struct PluginChain: Sendable {
  public enum Position: Sendable, Equatable {
    case first, last
    case before(String)
    case after(String)
  }

  private var plugins: [any ConnectionPlugin] = []
  public private(set) var passes: [PluginPass] = []
  /// Passes that are kept for the log.
  private let logLimit: Int

  public init(logLimit: Int = 1_000) { self.logLimit = logLimit }

  public var names: [String] { plugins.map(\.name) }

  /// Inserts a plugin. A neighbour that is not there has the effect it has in the deployed chain: `before` an absent
  /// plugin lands before the last one present, which put the application's ChumPlugin below the encryption (F12).
  public mutating func insert(_ plugin: any ConnectionPlugin, _ position: Position = .last) {
    switch position {
    case .first: plugins.insert(plugin, at: 0)
    case .last: plugins.append(plugin)
    case .before(let name):
      let index = plugins.firstIndex { $0.name == name } ?? max(0, plugins.count - 1)
      plugins.insert(plugin, at: index)
    case .after(let name):
      let index = plugins.firstIndex { $0.name == name }.map { $0 + 1 } ?? plugins.count
      plugins.insert(plugin, at: index)
    }
  }

  /// Takes a plugin out; false when it is not there.
  @discardableResult
  public mutating func remove(_ name: String) -> Bool {
    guard let index = plugins.firstIndex(where: { $0.name == name }) else { return false }
    plugins.remove(at: index)
    return true
  }

  /// What the protocol handler gets; nil when a plugin dropped the message.
  public mutating func receive(_ message: PluginMessage) -> PluginMessage? {
    var current = message
    for index in plugins.indices {
      let before = current
      let after = plugins[index].incoming(before)
      log(plugins[index].name, .incoming, before, after)
      guard let after else { return nil }
      current = after
    }
    return current
  }

  /// What goes to the socket.
  public mutating func send(_ message: PluginMessage) -> PluginMessage? {
    var current = message
    for index in plugins.indices.reversed() {
      let before = current
      let after = plugins[index].outgoing(before)
      log(plugins[index].name, .outgoing, before, after)
      guard let after else { return nil }
      current = after
    }
    return current
  }

  private mutating func log(
    _ name: String, _ way: PluginPass.Way, _ before: PluginMessage, _ after: PluginMessage?
  ) {
    if passes.count < logLimit { passes.append(PluginPass(plugin: name, way: way, before: before, after: after)) }
  }

  /// What a rule has to say of the chain and of what it did (PLG-001 to PLG-005, PLG-007); empty when all is well.
  public var faults: [String] {
    var faults: [String] = []
    let order = ["websocket", "statistics", "encryption", "keepalive", "fragmentation"]
    let present = names.filter(order.contains)
    if present != order.filter(present.contains) {
      faults.append("PLG-007: the order is \(names.joined(separator: ", "))")
    }
    if let encryption = names.firstIndex(of: "encryption"), let chum = names.firstIndex(of: "chum"), chum < encryption {
      faults.append("PLG-007: chum stands below encryption and sees ciphertext only")
    }
    for pass in passes where pass.way == .incoming {
      guard case .text(let text) = pass.before, pass.after != pass.before else { continue }
      if text == "synchronisation" {
        faults.append("PLG-002: \(pass.plugin) changed or dropped the control text")
      } else if pass.plugin != "keepalive", pass.plugin != "fragmentation", (try? JSONValue.parse(text)) == nil {
        faults.append("PLG-004: \(pass.plugin) touched a text that is no JSON")
      }
    }
    return faults
  }
}
