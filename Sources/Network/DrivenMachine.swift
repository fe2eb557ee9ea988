public import Cryptobox
public import Instance
public import SyncInstance
public import Trace
import Wire

/// What happens to a machine that a ``MachineDriver`` runs.
public enum DriverInput<Command: Sendable>: Sendable {
  case event(InstanceEvent)
  case command(Command)
  /// The socket took so much that only this many bytes wait.
  case drained(SocketID, unsent: Int)
}

/// What a machine wants done.
public enum DriverOutput<Report: Sendable>: Sendable {
  case action(InstanceAction)
  case report(Report)
}

/// A value machine whose connections are those of an instance.
public protocol DrivenMachine: SendableMetatype {
  associatedtype Report: Sendable
  associatedtype Command: Sendable

  mutating func take(
    _ input: DriverInput<Command>, at now: Double, random: inout some RandomSource,
    into outputs: inout [DriverOutput<Report>])
  /// So many bytes wait in the socket; told before each of its messages.
  mutating func note(unsent: Int, on id: SocketID)
  var nextDeadline: Double? { get }
  /// The report of a connection in the machine's own terms; nil when it is not told.
  static func report(_ report: InstanceReport) -> Report?
}

extension Instance: DrivenMachine {
  public mutating func take(
    _ input: DriverInput<InstanceCommand>, at now: Double, random: inout some RandomSource,
    into outputs: inout [DriverOutput<InstanceReport>]
  ) {
    var actions: [InstanceAction] = []
    switch input {
    case .event(let event): handle(event, at: now, random: &random, into: &actions)
    case .command(let command): handle(.command(command), at: now, random: &random, into: &actions)
    case .drained: return
    }
    outputs += actions.map { .action($0) }
  }

  public mutating func note(unsent: Int, on id: SocketID) {}
  public static func report(_ report: InstanceReport) -> InstanceReport? { report }
}

/// What a driven ``SyncInstance`` tells.
public enum SyncOutput: Sendable {
  case connection(InstanceReport)
  case sync(SyncReport)
  case log(SocketID?, LogFact)
}

extension SyncInstance: DrivenMachine {
  public mutating func take(
    _ input: DriverInput<SyncCommand>, at now: Double, random: inout some RandomSource,
    into outputs: inout [DriverOutput<SyncOutput>]
  ) {
    var actions: [SyncAction] = []
    switch input {
    case .event(let event): handle(event, at: now, random: &random, into: &actions)
    case .command(let command): run(command, at: now, random: &random, into: &actions)
    case .drained(let id, let unsent):
      guard hasPendingFiles(on: id) else { return }
      drained(id, unsent: unsent, at: now, random: &random, into: &actions)
    }
    for action in actions {
      switch action {
      case .instance(let action): outputs.append(.action(action))
      case .report(let report): outputs.append(.report(.sync(report)))
      case .log(let id, let fact): outputs.append(.report(.log(id, fact)))
      }
    }
  }

  public static func report(_ report: InstanceReport) -> SyncOutput? { .connection(report) }
}
