public import CommServer
public import WebSocketWire
import Wire

/// A broken variant of the embedded server, by name: one planted fault of one of its layers.
public enum Variant: Sendable, Equatable {
  case none
  case machine(Fault)
  case frames(Endpoint.Fault)
  case side(SideFault)
  case meddling(Meddling)
  /// The strict server where the deployed one is asked for: breaks the habits of the latter.
  case profileStrict

  /// The variant that scenario files call by this name; nil when there is none.
  public init?(name: String) {
    if name == "profileStrict" {
      self = .profileStrict
    } else if let fault = Fault(rawValue: name) {
      self = .machine(fault)
    } else if let fault = Endpoint.Fault(rawValue: name) {
      self = .frames(fault)
    } else if let fault = SideFault(rawValue: name) {
      self = .side(fault)
    } else if let fault = Meddling(rawValue: name) {
      self = .meddling(fault)
    } else {
      return nil
    }
  }

  public var name: String {
    switch self {
    case .none: "none"
    case .machine(let fault): fault.rawValue
    case .frames(let fault): fault.rawValue
    case .side(let fault): fault.rawValue
    case .meddling(let fault): fault.rawValue
    case .profileStrict: "profileStrict"
    }
  }

  /// What the broken server does, in words.
  public var summary: String {
    switch self {
    case .none: "does what it should"
    case .machine(let fault): fault.summary
    case .frames(let fault): fault.summary
    case .side(let fault): fault.summary
    case .meddling(let fault): fault.summary
    case .profileStrict: "behaves as the strict server"
    }
  }

  /// All that have a name.
  public static var all: [Variant] {
    Fault.allCases.map { .machine($0) } + Endpoint.Fault.allCases.map { .frames($0) }
      + SideFault.allCases.map { .side($0) } + Meddling.allCases.map { .meddling($0) } + [.profileStrict]
  }

  func apply(to settings: inout CommServerSettings) {
    switch self {
    case .machine(let fault): settings.faults.insert(fault)
    case .profileStrict:
      var strict = CommServerSettings(profile: .strict)
      strict.pingInterval = settings.pingInterval
      strict.pongTimeout = settings.pongTimeout
      strict.socketsPerSecond = nil
      settings = strict
    default: break
    }
  }

  var layer: Set<Endpoint.Fault> { if case .frames(let fault) = self { [fault] } else { [] } }
  var side: Set<SideFault> { if case .side(let fault) = self { [fault] } else { [] } }
  var meddling: Set<Meddling> { if case .meddling(let fault) = self { [fault] } else { [] } }
}
