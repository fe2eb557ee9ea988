import Trace

/// What all rules may know of the logs of the session's instances, kept once and noted before the rules are woken.
///
/// Bounded: 1,000 instances.
final class LogFacts {
  static let peerCapacity = 1_000

  /// True from the first log event on: rules that need a log sleep until then.
  private(set) var isActive = false
  private(set) var peers: [String: PeerLog] = [:]
  /// The instance whose event is at hand.
  private(set) var peer: PeerLog?

  func note(_ log: LogEvent, _ event: Event, _ leg: LegFacts) {
    isActive = true
    peer = peers[log.peer]
    if peer == nil, peers.count < Self.peerCapacity {
      let new = PeerLog(name: log.peer)
      peers[log.peer] = new
      peer = new
    }
    peer?.note(log, event)
    if event.leg > 0 { leg.clientPeer = log.peer }
  }

  /// The only logging instance of a person; nil when there are several.
  func only(_ person: HashKey) -> PeerLog? {
    var found: PeerLog?
    for peer in peers.values where peer.person == person {
      if found != nil { return nil }
      found = peer
    }
    return found
  }

  /// The logging instance that is the client of a connection. An application may count its connections by itself: a name
  /// that fits another person's connection is no name of this one.
  func client(_ leg: LegFacts) -> PeerLog? {
    guard let peer = leg.clientPeer.flatMap({ peers[$0] }) else { return nil }
    if let person = leg.persons[0], let own = peer.person, person != own { return nil }
    return peer
  }

  /// The instance that sent the message at hand, and the person that it went to; nil when the log does not tell, or when
  /// the same message stands on the sender's own connection.
  func exporter(of event: Event, _ leg: LegFacts) -> (peer: PeerLog, person: HashKey)? {
    parties(event.side, leg)
  }

  /// The instance at a side of a connection, and the person at the other side.
  func parties(_ side: Int, _ leg: LegFacts) -> (peer: PeerLog, person: HashKey)? {
    guard let other = leg.persons[1 - side] else { return nil }
    if side == 1, leg.remoteIsRecorded { return nil }
    var peer = side == 0 ? client(leg) : nil
    if peer == nil, let person = leg.persons[side] { peer = only(person) }
    return peer.map { ($0, other) }
  }

  /// The side of a connection on which an instance stands; nil when nothing tells.
  func side(of name: String, _ leg: LegFacts) -> Int? {
    guard let person = peers[name]?.person else { return nil }
    return (0...1).first { leg.persons[$0] == person && parties($0, leg)?.peer.name == name }
  }
}
