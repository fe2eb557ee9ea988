import Trace
import Wire
import WireBytes

/// A request that waits for its answer.
struct OpenRequest: Sendable {
  let id: Int
  let service: Int
  let place: Place
  let seq: Int

  var witness: Witness { Witness(place, "request \(id), service \(service)") }
}

/// What all rules may know of one connection, kept once: its part in the relay, its open requests, its opened hashes.
///
/// The engine notes an event here before it wakes the rules; `request`, `ownRequest`, `key` and `kind` speak of the
/// event at hand. Bounded: 65,536 open requests and 200,000 hashes a direction; `overflowed` says that absence proves
/// nothing any more.
final class LegFacts {
  static let requestCapacity = 65_536
  static let hashCapacity = 200_000

  var role = LegRole.undecided
  var remoteIsRecorded = false
  /// The direction of the initiator's messages, once the connection is encrypted.
  private(set) var initiator: Direction?
  private(set) var closed = [false, false]
  /// The persons at the two sides, as they said themselves; the client's first.
  private(set) var persons: [HashKey?] = [nil, nil]
  /// The logging instance that is the client of this connection.
  var clientPeer: String?
  /// What was offered on it; kept only when the session has a log.
  var offer: OfferFacts?

  /// By direction of the request, then by id.
  private var open: [[Int: OpenRequest]] = [[:], [:]]
  private(set) var requestsOverflowed = false
  /// By direction of the importer.
  private var opened: [[HashKey: ObjectKind]] = [[:], [:]]
  private(set) var hashesOverflowed = [false, false]

  /// The open request that the answer or chunk at hand belongs to.
  private(set) var request: OpenRequest?
  /// An open request of the sender itself under the id at hand: answered by its own asker, or taken a second time.
  private(set) var ownRequest: OpenRequest?
  /// The first hash that the event at hand names; nil when it names none or it is no hash.
  private(set) var key: HashKey?
  /// The `idHash` of a versioned root, or the `dataIdHash` of a version node.
  private(set) var idKey: HashKey?
  /// As what the hash at hand was opened to the importer, before this event.
  private(set) var kind: ObjectKind?

  func isInitiator(_ event: Event) -> Bool { event.direction == initiator }
  func openRequests(askedBy side: Int) -> [OpenRequest] { open[side].values.sorted { $0.id < $1.id } }
  func openCount(askedBy side: Int) -> Int { open[side].count }
  var hasClosed: Bool { closed[0] || closed[1] }
  var isOver: Bool { closed[0] && closed[1] }

  /// True when the event asks, answers or carries a part of an answer of a request.
  func note(_ event: Event) {
    let side = event.side
    switch event.kind {
    case .server(.register) where side == 0: decide(.listener)
    case .server(.communicationRequest) where side == 0: decide(.requester)
    case .server(.connectionHandover) where side == 1: decide(.listener)
    case .encrypted(let channel): initiator = channel.clientIsInitiator ? .fromClient : .fromServer
    case .closed: closed[side] = true
    case .peer(.keysObject(let owner, _, _)), .peer(.instanceIdObject(_, let owner)): persons[side] = HashKey(owner)
    case .logged(let log): note(log)
    case .requested(let id, let service, let args):
      ask(id, service, event)
      key = nil
      kind = nil
      if (4...8).contains(service), let hash = args?.first?.string { look(hash, importer: side) }
    case .requestedBadly(let id, let service): ask(id, service, event)
    case .responded(let id, _), .streamEnded(let id, _):
      request = open[1 - side].removeValue(forKey: id)
      ownRequest = request == nil ? open[side][id] : nil
    case .chunk(let id, _):
      request = open[1 - side][id]
      ownRequest = request == nil ? open[side][id] : nil
    case .announced(let entry, _): announce(entry, importer: 1 - side)
    case .childListed(_, let entry, _):
      look(entry.hash, importer: 1 - side)
      add(key, ObjectKind(entry.kind), importer: 1 - side)
    case .objectRequested(_, let hash, _): look(hash, importer: side)
    case .objectSent(let object): look(object.hash, importer: 1 - side)
    case .refused(_, let hash, _): look(hash, importer: 1 - side)
    default: break
    }
  }

  private func note(_ log: LogEvent) {
    guard case .chumStarted(let start) = log.fact else { return }
    if persons[0] == nil { persons[0] = start.localPerson.flatMap { HashKey($0) } }
    if persons[1] == nil { persons[1] = start.remotePerson.flatMap { HashKey($0) } }
  }

  private func decide(_ part: LegRole) { if role == .undecided { role = part } }

  private func ask(_ id: Int, _ service: Int, _ event: Event) {
    let side = event.side
    ownRequest = open[side][id]
    if ownRequest == nil, open[side].count >= Self.requestCapacity {
      requestsOverflowed = true
    } else {
      open[side][id] = OpenRequest(id: id, service: service, place: Place(event), seq: event.seq)
    }
  }

  private func look(_ hash: String, importer: Int) {
    key = HashKey(hash)
    kind = key.flatMap { opened[importer][$0] }
  }

  private func announce(_ entry: RootEntry, importer: Int) {
    look(entry.key, importer: importer)
    switch entry {
    case .unversioned:
      idKey = nil
      add(key, .object, importer: importer)
    case .versionNode(_, let idHash, _):
      idKey = HashKey(idHash)
      add(key, .object, importer: importer)
    case .id:
      idKey = nil
      add(key, .id, importer: importer)
    case .versioned(_, let idHash, _):
      idKey = HashKey(idHash)
      add(key, .object, importer: importer)
      add(idKey, .id, importer: importer)
    }
  }

  private func add(_ key: HashKey?, _ kind: ObjectKind, importer: Int) {
    guard let key else { return }
    if opened[importer].count < Self.hashCapacity {
      opened[importer][key] = kind
    } else if opened[importer][key] == nil {
      hashesOverflowed[importer] = true
    }
  }
}

extension ObjectKind {
  init(_ kind: ChildEntry.Kind) {
    switch kind {
    case .object: self = .object
    case .id: self = .id
    case .blob: self = .blob
    case .clob: self = .clob
    }
  }
}
