public import Chum
public import Instance
public import Store
public import Wire

/// CHUM above an instance: one session a connection over one store.
public struct ChumSide {
  public var host: ChumHost<MemoryStore>
  public private(set) var sessions: [SocketID: ChumSession] = [:]
  /// Sessions that are over, oldest first.
  public private(set) var ended: [ChumSession] = []
  public private(set) var logs: [ChumLog] = []
  private var peers: [SocketID: ProvenPeer] = [:]
  private let make: (ProvenPeer, PeerRecord) -> ChumConfiguration?

  public init(
    _ repository: Repository<MemoryStore>, make: @escaping (ProvenPeer, PeerRecord) -> ChumConfiguration?
  ) {
    host = ChumHost(repository)
    self.make = make
  }

  /// What the target did that closes or sends.
  public enum Want {
    case send(SocketID, WireMessage)
    case close(SocketID, String)
  }

  public mutating func heard(_ report: InstanceReport, at now: Double) -> [Want] {
    switch report {
    case .identified(let id, _, let peer): peers[id] = peer
    case .ready(let id, let record):
      guard let peer = peers[id], let configuration = make(peer, record) else { return [] }
      var session = ChumSession(configuration)
      // The instance has exchanged the control texts already.
      _ = session.start(at: Int(now), host: &host)
      let actions = session.receive(text: ChumMessage.controlText, at: Int(now), host: &host)
      sessions[id] = session
      return wants(id, actions, now)
    case .application(let id, let message):
      guard var session = sessions[id] else { return [] }
      let actions =
        switch message {
        case .text(let text): session.receive(text: text, at: Int(now), host: &host)
        case .binary(let bytes): session.receive(binary: bytes, at: Int(now), host: &host)
        }
      sessions[id] = session
      return wants(id, actions, now)
    case .ended(let id, _, _):
      peers[id] = nil
      sessions[id]?.connectionClosed(at: Int(now), host: &host)
      retire(id, now)
    default: break
    }
    return []
  }

  public var nextDeadline: Double? { sessions.values.compactMap { $0.deadline.map(Double.init) }.min() }

  public mutating func advance(to now: Double) -> [Want] {
    var out: [Want] = []
    for id in sessions.keys.sorted() where sessions[id]?.deadline.map({ Double($0) <= now }) ?? false {
      out += wants(id, sessions[id]?.advance(to: Int(now), host: &host) ?? [], now)
    }
    return out
  }

  private mutating func wants(_ id: SocketID, _ actions: [ChumAction], _ now: Double) -> [Want] {
    var out: [Want] = []
    for action in actions {
      switch action {
      case .sendText(let text): out.append(.send(id, .text(text)))
      case .sendBinary(let bytes): out.append(.send(id, .binary(bytes)))
      case .sendEmptyFragments: out.append(.send(id, .binary([])))
      case .close(let reason): out.append(.close(id, reason))
      }
    }
    logs += sessions[id]?.takeLogs() ?? []
    if sessions[id]?.isOver == true { retire(id, now) }
    return out
  }

  private mutating func retire(_ id: SocketID, _ now: Double) {
    guard var session = sessions.removeValue(forKey: id) else { return }
    logs += session.takeLogs()
    _ = try? host.storeChumObject(of: session, now: now)
    ended.append(session)
  }
}
