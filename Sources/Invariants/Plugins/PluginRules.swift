import Trace
import Wire
import WireBytes

extension RuleBook {
  /// Rules of chum.md 5.8.
  static let plugins: [any Rule.Type] = [
    ControlTextReachesTheHandler.self, NoPluginDropsControlText.self, NoPluginAnswersControlText.self,
    JSONPluginsIgnoreText.self, TextPluginsIgnoreJSON.self, PluginsAreAttached.self, PluginsAreInOrder.self,
    KeepAliveIsInvisible.self, FragmentationIsTransparent.self, PromisePluginIsGone.self,
  ]
}

/// One connection of one instance, as its log names it.
struct PluginSpot: Hashable, Sendable {
  let peer: String
  let conn: String

  init(_ log: LogEvent) {
    peer = log.peer
    conn = log.conn ?? ""
  }
}

enum Plugins {
  static let controlText = "synchronisation"
  /// Layers that change messages by their nature; rules of their own judge these.
  static let layers: Set<String> = ["encryption", "keepalive", "fragmentation"]

  /// The name as the tables have it: lower case, without the word plugin.
  static func name(_ plugin: String) -> String {
    let lower = plugin.lowercased()
    guard lower.hasSuffix("plugin"), lower.utf8.count > 6 else { return lower }
    return lower.dropLast(6).filter { $0 != "-" && $0 != "_" }
  }

  static func isJSON(_ text: String) -> Bool { (try? JSONValue.parse(text)) != nil }

  /// The pass of a plugin that is no layer, over a text from the socket upwards or downwards.
  static func textPass(_ event: Event) -> (log: LogEvent, pass: LogPluginPass, before: String)? {
    guard case .logged(let log) = event.kind, case .pluginPassed(let pass) = log.fact,
      case .text(let before)? = pass.before, !layers.contains(name(pass.plugin))
    else { return nil }
    return (log, pass, before)
  }

  static func what(_ content: LogPluginPass.Content?) -> String {
    switch content {
    case .text(let text): "the text \(JSONText.quoted(excerpt(text, 60)))"
    case .binary(let length): "\(length) bytes"
    case nil: "nothing"
    }
  }
}

/// PLG-001: the control text arrives where it is waited for.
struct ControlTextReachesTheHandler: Rule {
  static let info = RuleInfo(
    id: "PLG-001", statement: "The control text reaches the protocol handler as it was sent.", severity: .major,
    reference: "chum.md 5.8", sight: .decrypted, isSessionWide: true, needsLog: true)
  static let interests: EventSet = [.logged, .controlText]
  private static let capacity = 10_000
  private var owed = Awaited<PluginSpot>()
  /// Instances that write down what their handlers get: others prove nothing by saying nothing.
  private var writers: Set<String> = []
  /// Spots whose handler has had the text already.
  private var done: Set<PluginSpot> = []
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .controlText(let text):
      // To the client of the connection, who writes the log that names it.
      guard event.direction == .fromServer, let name = report.log.client(report.leg)?.name else { return }
      expect(PluginSpot(LogEvent(peer: name, conn: event.conn, .firstFullSync)), text, event)
    case .logged(let log):
      switch log.fact {
      case .pluginPassed(let pass) where pass.isIncoming:
        if pass.before == .text(Plugins.controlText) || pass.after == .text(Plugins.controlText) {
          expect(PluginSpot(log), Plugins.controlText, event)
        }
      case .pluginAttached("handler", _): admit(log.peer)
      case .handlerGotText(let text): got(text, log, event, &report)
      case .chumStarted: done.remove(PluginSpot(log))
      default: break
      }
    default: break
    }
  }

  private mutating func expect(_ spot: PluginSpot, _ text: String, _ event: Event) {
    guard !done.contains(spot) else { return }
    owed.expect(
      spot, Witness(event, "the control text arrives"),
      "\(spot.peer): the handler never gets the control text \(JSONText.quoted(excerpt(text, 40)))")
  }

  private mutating func got(_ text: String, _ log: LogEvent, _ event: Event, _ report: inout Reporter) {
    let spot = PluginSpot(log)
    admit(log.peer)
    if text == Plugins.controlText {
      owed.fulfil(spot)
      if done.count < Self.capacity { done.insert(spot) }
      return
    }
    guard owed.contains(spot) || !done.contains(spot), !Plugins.isJSON(text),
      contains(text.lowercased(), "synchroni") || isPart(text)
    else { return }
    owed.fulfil(spot)
    report.violation(
      at: event, by: .instance,
      "\(log.peer): the handler gets \(JSONText.quoted(excerpt(text, 40))) instead of the control text")
  }

  /// A piece that trimming leaves.
  private func isPart(_ text: String) -> Bool {
    text.utf8.count >= 4 && text.utf8.count < Plugins.controlText.utf8.count && contains(Plugins.controlText, text)
  }

  private mutating func admit(_ peer: String) {
    if writers.count < LogFacts.peerCapacity { writers.insert(peer) }
  }

  mutating func finish(_ end: EndOfWatch, _ report: inout Reporter) {
    for wait in owed.overdue(at: end.time) where writers.contains(wait.key.peer) {
      report.violation(at: wait.since, by: .instance, wait.text)
    }
  }
}

/// PLG-002: nobody swallows the control text.
struct NoPluginDropsControlText: Rule {
  static let info = RuleInfo(
    id: "PLG-002", statement: "No plugin turns the control text into nothing.", severity: .major,
    reference: "chum.md 5.8", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard case .logged(let log) = event.kind, case .pluginPassed(let pass) = log.fact, pass.isIncoming,
      pass.before == .text(Plugins.controlText), pass.after != pass.before
    else { return }
    report.violation(
      at: event, by: .instance,
      "\(log.peer): \(named(pass.plugin)) makes \(Plugins.what(pass.after)) of the control text")
  }
}

/// PLG-003: nobody answers the control text.
struct NoPluginAnswersControlText: Rule {
  static let info = RuleInfo(
    id: "PLG-003", statement: "No plugin sends a message of its own because of the control text.", severity: .minor,
    reference: "chum.md 5.8", sight: .decrypted, isSessionWide: true)
  static let interests: EventSet = [.controlText, .plain, .logged, .closed]
  private static let capacity = 10_000
  private struct Side: Hashable, Sendable {
    let leg: Int
    let direction: Direction
  }
  /// Directions in which the next message may be an answer to the control text that came the other way.
  private var told: [Side: Witness] = [:]
  private var logged: [PluginSpot: Witness] = [:]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    switch event.kind {
    case .controlText:
      guard told.count < Self.capacity else { return }
      told[Side(leg: event.leg, direction: event.direction.opposite)] = Witness(event, "the control text")
    case .plain(let message, _):
      guard !told.isEmpty, let text = told.removeValue(forKey: Side(leg: event.leg, direction: event.direction)),
        case .text(let answer) = message
      else { return }
      if answer == Plugins.controlText {
        // Its own control text is no answer; what follows may be one.
        told[Side(leg: event.leg, direction: event.direction)] = text
      } else if case .object(let object)? = try? JSONValue.parse(answer), object["command"]?.string != nil {
        if event.sender == .remote, report.remoteIsRecorded { return }
        report.violation(
          at: event, by: event.sender, "the control text is answered with \(JSONText.quoted(excerpt(answer, 60)))",
          because: [text])
      }
    case .closed: if !told.isEmpty { told[Side(leg: event.leg, direction: event.direction)] = nil }
    case .logged(let log): observe(log, event, &report)
    default: break
    }
  }

  private mutating func observe(_ log: LogEvent, _ event: Event, _ report: inout Reporter) {
    let spot = PluginSpot(log)
    switch log.fact {
    case .pluginPassed(let pass):
      if pass.isIncoming, pass.before == .text(Plugins.controlText), logged.count < Self.capacity {
        logged[spot] = logged[spot] ?? Witness(event, "the control text")
      } else if !pass.isIncoming, pass.before == nil, let text = logged[spot], event.time - text.time < 1_000 {
        report.violation(
          at: event, by: .instance,
          "\(log.peer): \(named(pass.plugin)) answers the control text with \(Plugins.what(pass.after))",
          because: [text])
        logged[spot] = nil
      }
    case .chumStarted: logged[spot] = nil
    default: break
    }
  }
}

/// PLG-004: who reads JSON leaves other texts alone.
struct JSONPluginsIgnoreText: Rule {
  static let info = RuleInfo(
    id: "PLG-004", statement: "A plugin that reads JSON passes texts that are none unchanged.", severity: .major,
    reference: "chum.md 5.8", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard let (log, pass, before) = Plugins.textPass(event), pass.after != pass.before, !Plugins.isJSON(before) else {
      return
    }
    report.violation(
      at: event, by: .instance,
      "\(log.peer): \(named(pass.plugin)) makes \(Plugins.what(pass.after)) of \(Plugins.what(pass.before)), no JSON")
  }
}

/// PLG-005: who looks for the control text leaves JSON alone.
struct TextPluginsIgnoreJSON: Rule {
  static let info = RuleInfo(
    id: "PLG-005",
    statement: "A plugin that looks for control texts passes JSON unchanged, even when it holds the word.",
    severity: .minor, reference: "chum.md 5.8", isSessionWide: true, needsLog: true)
  static let interests: EventSet = .logged
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    guard let (log, pass, before) = Plugins.textPass(event), pass.after != pass.before,
      contains(before.lowercased(), Plugins.controlText), Plugins.isJSON(before)
    else { return }
    report.violation(
      at: event, by: .instance,
      "\(log.peer): \(named(pass.plugin)) takes JSON with the word in it for the control text: "
        + "\(Plugins.what(pass.after)) of \(Plugins.what(pass.before))")
  }
}
