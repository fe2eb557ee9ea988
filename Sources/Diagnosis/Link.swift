import Store
import Trace
import Wire

/// A request that waits for its answer.
struct Pending {
  let service: Int
  let hash: ObjectHash?
  let evidence: Evidence
  /// It came in the burst of the control text, where the other side may lose it.
  let isEarly: Bool
}

/// What one importer of a connection is doing. Bounded by 50,000 hashes each.
struct ImporterSide {
  static let capacity = 50_000
  var flow: Flow?
  var pending: [Int: Pending] = [:]
  /// The request whose answer came last, for what is said of that answer.
  var answered: Pending?
  /// The roots of the list at hand, in the order in which they are worked through: version nodes come last.
  var list: [ObjectHash] = []
  var position: [ObjectHash: Int] = [:]
  var lastBegun = -1
  /// The root whose child list named it.
  var owner: [ObjectHash: ObjectHash] = [:]
  /// Child lists of the roots in work.
  var listed: [ObjectHash: Set<ObjectHash>] = [:]
  var opened: Set<ObjectHash> = []
  /// Files whose stream held a chunk without anything.
  var emptyChunks: Set<ObjectHash> = []
  var emptyChunk: Evidence?
  var isNewList = true
  var lastAnswer = 0.0
  var rounds: Int32 = 0
  var hasVersion = false

  /// The root that suffers when this hash fails: itself, or the one that named it as a child.
  func root(of hash: ObjectHash) -> ObjectHash { position[hash] != nil ? hash : owner[hash] ?? hash }

  mutating func open(_ hash: ObjectHash) { if opened.count < Self.capacity { opened.insert(hash) } }

  mutating func newList() {
    list.removeAll(keepingCapacity: true)
    position.removeAll(keepingCapacity: true)
    listed.removeAll()
    owner.removeAll(keepingCapacity: true)
    lastBegun = -1
  }
}

/// One recorded connection, while it is open.
final class Link {
  struct Closing {
    let side: Int
    let code: Int
    let reason: String
    let evidence: Evidence
  }
  /// What one end has said of itself.
  struct End {
    var email: String?
    var person: String?
    var instance: String?
    var provedWrong: Evidence?
    var text: Evidence?
    /// A text in place of the control text.
    var otherText: String?
  }

  let conn: String
  /// The other leg of the same relay is followed instead.
  var isMirror = false
  var role = LegRole.undecided
  var source: String?
  var target: String?
  var registered: String?
  var isSpare = false
  var isRegistering: Evidence?
  var isReady = false
  var keys = 0
  var encrypted: Evidence?
  var clientIsInitiator = true
  var isReadable = false
  var group: String?
  var ends = [End(), End()]
  var sides = [ImporterSide(), ImporterSide()]
  var token: Evidence?
  var pairingAccepted = false
  var closing: Closing?
  var fault: (text: String, evidence: Evidence)?
  var first: Evidence?
  var last = 0.0
  var unreadable = false
  var emptyMessages = 0
  /// Time of the last message of the identity exchange.
  var lastSaid = 0.0
  /// A reason was given already why this connection failed.
  var isExplained = false
  var isMidway = false
  var hasChum: Bool { ends[0].text != nil || ends[1].text != nil || sides[0].rounds + sides[1].rounds > 0 }
  var isEstablished: Bool { ends[0].instance != nil && ends[1].instance != nil }

  init(conn: String) { self.conn = conn }

  func party(_ side: Int) -> Party {
    let end = ends[side]
    let role = side == 0 ? "client of \(conn)" : "peer on \(conn)"
    return Party(name: excerpt(end.instance ?? end.email ?? role, 48), person: end.person)
  }

  /// Who closed, and with which words.
  func closingText() -> String? {
    guard let closing else { return nil }
    let who = closing.side == 0 ? party(0).name : party(1).name
    let reason = closing.reason.isEmpty ? "" : " \"\(excerpt(closing.reason, 110))\""
    return closing.code == 1006
      ? "the connection was lost without a close frame" : "\(who) closed with \(closing.code)\(reason)"
  }
}
