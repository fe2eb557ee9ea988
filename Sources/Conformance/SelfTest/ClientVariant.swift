public import ClientMachines
public import Scenario
public import WebSocketWire

/// A broken variant of the embedded listener or requester, by name.
public enum ClientVariant: Sendable, Equatable {
  case none
  case listener(ListenerFault)
  case requester(RequesterFault)
  case handshake(HandshakeFault)
  case frames(Endpoint.Fault)

  /// Nil when the role has no variant of that name.
  public init?(name: String, role: TargetRole) {
    if role == .listener, let fault = ListenerFault(rawValue: name) {
      self = .listener(fault)
    } else if role == .requester, let fault = RequesterFault(rawValue: name) {
      self = .requester(fault)
    } else if let fault = HandshakeFault(rawValue: name) {
      self = .handshake(fault)
    } else if let fault = Endpoint.Fault(rawValue: name) {
      self = .frames(fault)
    } else {
      return nil
    }
  }

  public var name: String {
    switch self {
    case .none: "none"
    case .listener(let fault): fault.rawValue
    case .requester(let fault): fault.rawValue
    case .handshake(let fault): fault.rawValue
    case .frames(let fault): fault.rawValue
    }
  }

  public var summary: String {
    switch self {
    case .none: "does what it should"
    case .listener(let fault): fault.summary
    case .requester(let fault): fault.summary
    case .handshake(let fault): fault.summary
    case .frames(let fault): fault.summary
    }
  }

  public static func all(_ role: TargetRole) -> [ClientVariant] {
    (role == .listener ? ListenerFault.allCases.map { .listener($0) } : RequesterFault.allCases.map { .requester($0) })
      + HandshakeFault.allCases.map { .handshake($0) } + Endpoint.Fault.allCases.map { .frames($0) }
  }

  func apply(to settings: inout ClientSettings) {
    switch self {
    case .none: break
    case .listener(let fault): settings.listener.faults.insert(fault)
    case .requester(let fault): settings.requester.faults.insert(fault)
    case .handshake(let fault):
      settings.handshakeFaults.insert(fault)
      settings.requester.handshakeFaults.insert(fault)
    case .frames(let fault): settings.layer.insert(fault)
    }
  }
}
