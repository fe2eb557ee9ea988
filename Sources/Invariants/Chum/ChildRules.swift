import Trace
import Wire

/// CHUM-025 and CHUM-027: as far as the object's own text shows.
struct ChildListHoldsReferences: Rule {
  static let info = RuleInfo(
    id: "CHUM-025", partlyDecides: ["CHUM-027"],
    statement: "The child list of an object holds each reference of its text, with its kind.",
    severity: .major, reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [.childListed, .childrenListed, .objectSent]
  private static let capacity = 50_000
  private var lists: [[HashKey: [HashKey: ObjectKind]]] = [[:], [:]]
  private var count = [0, 0]
  private var gaveUp = [false, false]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    guard !gaveUp[side] else { return }
    switch event.kind {
    case .childListed(let parent, let entry, _):
      guard let parent = HashKey(parent), let child = report.leg.key else { return }
      lists[side][parent, default: [:]][child] = ObjectKind(entry.kind)
      grow(side)
    case .childrenListed(let parent, let entries):
      // An empty list is a list too; it is told apart from none.
      guard entries == 0, let parent = HashKey(parent) else { return }
      lists[side][parent] = [:]
      grow(side)
    case .objectSent(let object):
      guard let key = report.leg.key, let list = lists[side].removeValue(forKey: key) else { return }
      count[side] -= max(list.count, 1)
      guard let text = object.text, object.sha256 == object.hash else { return }
      judge(object, text, list, event, &report)
    default: break
    }
  }

  private mutating func grow(_ side: Int) {
    count[side] += 1
    if count[side] > Self.capacity {
      gaveUp[side] = true
      lists[side] = [:]
    }
  }

  private func judge(
    _ object: SentObject, _ text: String, _ list: [HashKey: ObjectKind], _ event: Event, _ report: inout Reporter
  ) {
    for reference in MicrodataGlance.references(in: text) where reference.hash != object.hash {
      guard let key = HashKey(reference.hash) else { continue }
      guard let kind = list[key] else {
        return report.violation(
          at: event, by: event.sender,
          "\(object.hash.prefix(8))… refers to \(reference.hash.prefix(8))…, which its list lacks")
      }
      if kind != reference.kind {
        report.violation(
          at: event, by: event.sender,
          "\(reference.hash.prefix(8))… is listed as \(kind.rawValue), the text says \(reference.kind.rawValue)",
          also: ["CHUM-027"])
      }
    }
  }
}

/// CHUM-026: what depends comes first in the list.
struct DependentsComeFirst: Rule {
  static let info = RuleInfo(
    id: "CHUM-026", alsoDecides: ["CF-044"],
    statement: "In a child list every entry comes before the entries that it references.", severity: .major,
    reference: "chum.md 5.5", sight: .decrypted)
  static let interests: EventSet = [.childListed, .objectSent]
  private static let capacity = 50_000
  /// Of the last list of each parent that is still to be sent: the place of each entry.
  private var lists: [[HashKey: [HashKey: Int]]] = [[:], [:]]
  /// The lists that a child stands in.
  private var parents: [[HashKey: [HashKey]]] = [[:], [:]]
  private var count = [0, 0]
  private var gaveUp = [false, false]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    guard !gaveUp[side] else { return }
    switch event.kind {
    case .childListed(let parent, _, let index):
      guard let parent = HashKey(parent), let child = report.leg.key else { return }
      if lists[side][parent, default: [:]].updateValue(index, forKey: child) == nil {
        parents[side][child, default: []].append(parent)
      }
      count[side] += 1
      if count[side] > Self.capacity {
        gaveUp[side] = true
        lists[side] = [:]
        parents[side] = [:]
      }
    case .objectSent(let object):
      guard let key = report.leg.key else { return }
      if let list = lists[side].removeValue(forKey: key) { count[side] -= list.count }
      guard let text = object.text, let named = parents[side].removeValue(forKey: key) else { return }
      judge(object, text, key, named, event, &report)
    default: break
    }
  }

  private func judge(
    _ object: SentObject, _ text: String, _ key: HashKey, _ named: [HashKey], _ event: Event,
    _ report: inout Reporter
  ) {
    let references = MicrodataGlance.references(in: text)
    for parent in named {
      guard let list = lists[event.side][parent], let own = list[key] else { continue }
      for reference in references {
        guard let other = HashKey(reference.hash), let place = list[other], place < own else { continue }
        return report.violation(
          at: event, by: event.sender,
          "\(object.hash.prefix(8))… stands behind \(reference.hash.prefix(8))… in a list, and references it")
      }
    }
  }
}

/// A list that an importer can read.
struct ChildListIsWellFormed: Rule {
  static let info = RuleInfo(
    id: "LIST-001",
    statement:
      "An answer of the services 4 and 5 is a string of a JSON array of known kinds and hashes, none repeated.",
    severity: .major, reference: "chum.md 2.5", sight: .decrypted)
  static let interests: EventSet = [.childrenFault, .childListed, .childrenListed]
  private static let capacity = 500_000
  private var seen: [Set<HashKey>] = [[], []]
  init(_ facts: SessionFacts) {}

  mutating func observe(_ event: Event, _ report: inout Reporter) {
    let side = event.side
    switch event.kind {
    case .childrenFault(let parent, let failure):
      report.violation(at: event, by: event.sender, "children of \(parent.prefix(8))…: \(failure.detail)")
    case .childListed(let parent, let entry, _):
      guard let key = report.leg.key, seen[side].count < Self.capacity else { return }
      if !seen[side].insert(key).inserted {
        report.violation(
          at: event, by: event.sender, "children of \(parent.prefix(8))…: \(entry.hash.prefix(8))… stands twice")
      }
      if entry.hash == parent {
        report.violation(at: event, by: event.sender, "\(parent.prefix(8))… lists itself as child")
      }
    case .childrenListed: if !seen[side].isEmpty { seen[side].removeAll(keepingCapacity: seen[side].count < 4_096) }
    default: break
    }
  }
}
