import Trace
import Wire

/// The plugins of connections, from the socket upwards, as `pluginAttached` puts them together. Bounded: 10,000
/// connections of 100 plugins.
struct PluginStacks: Sendable {
  struct Item: Sendable {
    let name: String
    let plugin: String
    let witness: Witness
  }
  private var stacks: [PluginSpot: [Item]] = [:]
  /// Instances that write down their plugins by connection.
  private(set) var namers: Set<String> = []
  /// Instances that do so for several connections without telling them apart.
  private var mixed: Set<String> = []

  /// The plugins of one connection; nil when the log tells none, or does not tell connections apart.
  subscript(spot: PluginSpot) -> [Item]? { spot.conn.isEmpty && mixed.contains(spot.peer) ? nil : stacks[spot] }

  mutating func note(_ log: LogEvent, _ event: Event) {
    guard case .pluginAttached(let plugin, let index) = log.fact else { return }
    let spot = PluginSpot(log)
    if log.conn != nil, namers.count < LogFacts.peerCapacity { namers.insert(log.peer) }
    guard stacks[spot] != nil || stacks.count < 10_000 else { return }
    var stack = stacks[spot] ?? []
    let item = Item(
      name: Plugins.name(plugin), plugin: plugin, witness: Witness(event, "\(excerpt(plugin, 40)) attached"))
    if index < 0 {
      stack.removeAll { $0.name == item.name }
    } else if stack.count < 100 {
      // A websocket at the bottom means a new connection under a used name.
      if item.name == "websocket", index == 0 {
        if !stack.isEmpty, log.conn == nil, mixed.count < LogFacts.peerCapacity { mixed.insert(log.peer) }
        stack = []
      }
      stack.insert(item, at: min(index, stack.count))
    }
    stacks[spot] = stack
  }
}

/// PLG-006: CHUM finds its plugins in place.
struct PluginsAreAttached: Rule {
  static let info = RuleInfo(
    id: "PLG-006",
    statement: "Every connection that reaches CHUM has encryption, keepalive and fragmentation attached.",
    severity: .minor, reference: "chum.md 5.8", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  private static let required = ["encryption", "keepalive", "fragmentation"]
  private var stacks = PluginStacks()
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind else { return }
    stacks.note(log, event)
    // Who writes down plugins by connection has none on another one that it names.
    guard case .chumStarted = log.fact else { return }
    let named: [PluginStacks.Item]? = log.conn != nil && stacks.namers.contains(log.peer) ? [] : nil
    guard let stack = stacks[PluginSpot(log)] ?? named else { return }
    let missing = Self.required.filter { name in !stack.contains { $0.name == name } }
    guard !missing.isEmpty else { return }
    report.violation(
      at: event, by: .instance, "\(log.peer): CHUM starts without \(missing.joined(separator: ", "))")
  }
}

/// PLG-007: plugins stand in their order.
struct PluginsAreInOrder: Rule {
  static let info = RuleInfo(
    id: "PLG-007",
    statement:
      "From the socket: websocket, statistics, encryption, keepalive, fragmentation; what needs plaintext stands "
      + "behind encryption.",
    severity: .minor, reference: "chum.md 5.8", knownDeviation: "F12", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  private static let order = ["websocket", "statistics", "encryption", "keepalive", "fragmentation"]
  /// Below the encryption by design: the socket, its counters, and one that does nothing (chum.md 1.1).
  private static let below: Set<String> = ["websocket", "statistics", "network"]
  private var stacks = PluginStacks()
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind else { return }
    stacks.note(log, event)
    guard case .chumStarted = log.fact, let stack = stacks[PluginSpot(log)] else { return }
    let places = stack.enumerated().compactMap { place, item in
      Self.order.firstIndex(of: item.name).map { (rank: $0, place: place, item: item) }
    }
    for (lower, upper) in zip(places, places.dropFirst()) where lower.rank > upper.rank {
      return report.violation(
        at: event, by: .instance, "\(log.peer): \(lower.item.name) stands below \(upper.item.name)",
        because: [lower.item.witness])
    }
    guard let encryption = stack.firstIndex(where: { $0.name == "encryption" }),
      let blind = stack[..<encryption].first(where: { !Self.below.contains($0.name) })
    else { return }
    report.violation(
      at: event, by: .instance, "\(log.peer): \(excerpt(blind.plugin, 40)) stands below encryption and sees ciphertext",
      because: [blind.witness], deviation: blind.name == "chum" ? "F12" : nil)
  }
}

/// PLG-010: the queue of the establishment is gone when CHUM runs.
struct PromisePluginIsGone: Rule {
  static let info = RuleInfo(
    id: "PLG-010", statement: "After CHUM started no message is queued in the promise plugin.", severity: .major,
    reference: "chum.md 5.8", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  private static let capacity = 10_000
  private var stacks = PluginStacks()
  private var running: [PluginSpot: Witness] = [:]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind else { return }
    stacks.note(log, event)
    let spot = PluginSpot(log)
    switch log.fact {
    case .chumStarted:
      if running.count < Self.capacity { running[spot] = Witness(event, "CHUM starts") }
      guard let promise = stacks[spot]?.first(where: { $0.name == "promise" }) else { return }
      report.violation(
        at: event, by: .instance, "\(log.peer): CHUM starts with the promise plugin attached",
        because: [promise.witness])
    case .pluginPassed(let pass) where Plugins.name(pass.plugin) == "promise" && pass.isIncoming:
      guard !spot.conn.isEmpty, let start = running.removeValue(forKey: spot) else { return }
      report.violation(
        at: event, by: .instance,
        "\(log.peer): the promise plugin queues \(Plugins.what(pass.before)) of a running CHUM",
        because: [start])
    case .chumEnded, .pluginAttached(plugin: _, index: 0): running[spot] = nil
    default: break
    }
  }
}
