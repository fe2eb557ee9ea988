import Store
import Trace
import Wire

/// What passes from one exporter to one importer, over all their connections. Bounded: 50,000 roots, 200 reasons.
final class Flow {
  private static let rootCapacity = 50_000
  private static let causeCapacity = 200

  enum State: UInt8 {
    case announced
    /// Listed, and passed over in a round that ended: the importer had it before.
    case known
    /// The importer began with it and has not got it.
    case asked
    case arrived
    case failed
    /// The connection ended before the importer came to it.
    case notReached
  }

  struct Root {
    let kind: UInt8
    let type: String
    var state = State.announced
    /// Where `causes` holds the reason; −1 for none.
    var cause: Int16 = -1
    var evidence: Evidence?
    /// The importer asked again for what had arrived whole.
    var askedAgain = false
    var lastRound: Int32 = 0
  }

  static let kindNames = ["unversioned", "versioned", "id", "version_node"]

  let exporter: Party
  let importer: Party
  private(set) var roots: [ObjectHash: Root] = [:]
  private(set) var rootsBeyondBound = 0
  private var causes: [Cause] = []
  private var positions: [Cause: Int16] = [:]
  var lists = 0
  var emptyLists = 0
  var lastList: Evidence?
  var asked = 0
  private var sent: [(count: Int, bytes: Int)] = [(0, 0), (0, 0), (0, 0), (0, 0)]
  private var refusals: [FlowDiagnosis.Refusal] = []
  private var remarks: [Remark] = []
  /// ID hashes of channels that Topics refer to; whether they are offered shows at the end.
  private var channels: [ObjectHash: Evidence] = [:]

  init(exporter: Party, importer: Party) {
    self.exporter = exporter
    self.importer = importer
  }

  static func kind(_ entry: RootEntry) -> UInt8 {
    switch entry {
    case .unversioned: 0
    case .versioned: 1
    case .id: 2
    case .versionNode: 3
    }
  }

  // MARK: What happens

  func announce(_ hash: ObjectHash, _ entry: RootEntry) {
    if roots[hash] != nil { return }
    guard roots.count < Self.rootCapacity else {
      rootsBeyondBound += 1
      return
    }
    roots[hash] = Root(kind: Self.kind(entry), type: excerpt(entry.type, 60))
  }

  func type(of hash: ObjectHash) -> String? {
    guard let root = roots[hash], root.kind != 3 else { return nil }
    return root.type
  }

  /// The importer works at a root. `isStart` says that it asked for the children, which comes first.
  func begin(_ hash: ObjectHash, round: Int32, isStart: Bool) {
    guard var root = roots[hash], isStart || root.lastRound != round else { return }
    if root.state == .arrived, root.lastRound != round { root.askedAgain = true }
    root.state = .asked
    root.cause = -1
    root.lastRound = round
    roots[hash] = root
  }

  /// The root itself came, which is the last of its tree; it is whole unless a child failed before.
  func arrive(_ hash: ObjectHash) { if roots[hash]?.state != .failed { roots[hash]?.state = .arrived } }

  /// Something of the root's tree went wrong; the first reason of a round is the real one.
  func fail(_ hash: ObjectHash, _ cause: Cause, _ evidence: Evidence?) {
    guard var root = roots[hash] else { return }
    if root.state == .failed, root.cause >= 0 { return }
    root.state = .failed
    root.cause = position(of: cause)
    root.evidence = evidence
    roots[hash] = root
  }

  /// The round that began with this list is over.
  func endRound(_ list: some Sequence<ObjectHash>, round: Int32) {
    for hash in list {
      guard let root = roots[hash] else { continue }
      switch root.state {
      case .announced, .notReached: roots[hash]?.state = .known
      case .asked: fail(hash, .unexplained, nil)
      case .arrived where root.askedAgain && root.lastRound != round: roots[hash]?.askedAgain = false
      default: break
      }
    }
  }

  /// The connection ended before the importer came to it.
  func leave(_ hash: ObjectHash, _ cause: Cause, _ evidence: Evidence?) {
    guard var root = roots[hash], root.state == .announced || root.state == .asked else { return }
    root.state = .notReached
    root.cause = position(of: cause)
    root.evidence = evidence
    roots[hash] = root
  }

  func send(_ object: SentObject) {
    let index = Self.index(object.kind)
    sent[index].count += 1
    sent[index].bytes += object.length
  }

  func refuse(_ code: String, wasAnnounced: Bool, _ evidence: Evidence) {
    if let index = refusals.firstIndex(where: { $0.code == code && $0.wasAnnounced == wasAnnounced }) {
      refusals[index].count += 1
    } else if refusals.count < Self.causeCapacity {
      refusals.append(.init(code: excerpt(code, 40), wasAnnounced: wasAnnounced, count: 1, evidence: evidence))
    }
  }

  func remark(_ cause: Cause, _ evidence: Evidence?, isTrouble: Bool) { remarks.note(cause, evidence, isTrouble) }

  func refersToChannel(_ hash: ObjectHash, _ evidence: Evidence) {
    if channels.count < Self.causeCapacity, channels[hash] == nil { channels[hash] = evidence }
  }

  private func position(of cause: Cause) -> Int16 {
    if let known = positions[cause] { return known }
    guard causes.count < Self.causeCapacity else { return -1 }
    causes.append(cause)
    positions[cause] = Int16(causes.count - 1)
    return Int16(causes.count - 1)
  }

  private static func index(_ kind: ObjectKind) -> Int {
    switch kind {
    case .object: 0
    case .id: 1
    case .blob: 2
    case .clob: 3
    }
  }

  // MARK: What comes out

  /// `groupsCount` when the exporter's log says that it evaluates grants to groups.
  func diagnosis(groupsCount: Bool) -> FlowDiagnosis {
    var out = FlowDiagnosis(exporter: exporter, importer: importer)
    out.lists = lists
    out.asked = asked
    out.refused = refusals
    for (index, kind) in [ObjectKind.object, .id, .blob, .clob].enumerated() where sent[index].count > 0 {
      out.sent.append(.init(kind: kind.rawValue, count: sent[index].count, bytes: sent[index].bytes))
    }
    var offers: [String: FlowDiagnosis.Offer] = [:]
    var missing: [String: (group: MissingRoots, order: Int)] = [:]
    for (hash, root) in roots.sorted(by: { $0.key < $1.key }) {
      let kind = Self.kindNames[Int(root.kind)]
      let key = "\(kind) \(root.type)"
      offers[key] = .init(kind: kind, type: root.type, count: (offers[key]?.count ?? 0) + 1)
      switch root.state {
      case .known: out.known += 1
      case .arrived where !root.askedAgain: out.arrived += 1
      case .announced: break
      default:
        let cause = root.cause >= 0 ? causes[Int(root.cause)] : root.askedAgain ? .askedAgain : .unexplained
        let name = root.kind == 3 ? "version of \(root.type)" : root.type
        var group =
          missing[name + cause.text]?.group
          ?? MissingRoots(type: name, count: 0, examples: [], cause: cause, evidence: root.evidence)
        group.count += 1
        if group.examples.count < 3 { group.examples.append(hash.hex) }
        missing[name + cause.text] = (
          group, min(missing[name + cause.text]?.order ?? .max, root.evidence?.line ?? .max)
        )
      }
    }
    out.offered = offers.values.sorted { ($0.kind, $0.type) < ($1.kind, $1.type) }
    out.missing = missing.values.sorted {
      $0.order != $1.order ? $0.order < $1.order : $0.group.type < $1.group.type
    }.map(\.group)
    out.remarks = remarks
    if rootsBeyondBound > 0 {
      let text = "\(rootsBeyondBound) announcements beyond \(Self.rootCapacity) roots are counted only"
      out.remarks.append(Remark(cause: Cause("bound", text), count: 1, evidence: nil, isTrouble: false))
    }
    // One empty list at the start may only be early; a direction that never offered anything is worth a word.
    if lists > 0, emptyLists == lists {
      out.remarks.append(
        Remark(
          cause: .noGrant(importer.person, groupsCount: groupsCount), count: lists, evidence: lastList, isTrouble: false
        ))
    }
    for (hash, evidence) in channels.sorted(by: { $0.value.line < $1.value.line }) where roots[hash] == nil {
      out.remarks.append(Remark(cause: .channelNotOffered(hash.hex), count: 1, evidence: evidence, isTrouble: true))
    }
    return out
  }
}

extension [Remark] {
  /// Counts what was said before, and adds what was not, up to a bound.
  mutating func note(_ cause: Cause, _ evidence: Evidence?, _ isTrouble: Bool) {
    if let index = firstIndex(where: { $0.cause == cause }) {
      self[index].count += 1
      self[index].isTrouble = self[index].isTrouble || isTrouble
    } else if count < 100 {
      append(Remark(cause: cause, count: 1, evidence: evidence, isTrouble: isTrouble))
    }
  }
}
