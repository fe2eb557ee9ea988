import Cryptobox
public import InstanceCases

/// An act in a world of complete instances. Numbers are taken modulo what there is, as in ``Step``.
public enum SyncAct: Sendable, Equatable {
  /// A host writes an item: a phrase, a new version, a file, or its version of something that all hosts write.
  case write(host: Int, item: Int)
  /// The access manager of a host grants an item to the person of another host.
  case grant(host: Int, item: Int, to: Int)
  /// An item is granted, and the grant is taken back as soon as it was announced.
  case flicker(host: Int, item: Int, to: Int)
  /// One of the grants of a host is replaced by one without a person that it names.
  case revoke(host: Int, item: Int, from: Int)
  /// Two grants for one item at the same moment.
  case grantBoth(host: Int, item: Int, to: Int, and: Int)
  /// Another component asks for the grant, and grants where it can.
  case grantElsewhere(host: Int, item: Int, to: Int)
  /// Each grants the other what both write.
  case share(host: Int, item: Int, with: Int)
  /// A host puts a person into its circle, or takes it out.
  case circle(host: Int, person: Int, isIn: Bool)
  /// An item is granted to the circle.
  case grantCircle(host: Int, item: Int)
  case topic(host: Int, with: Int)
  case message(host: Int, to: Int)
  /// A file is described and granted before its bytes are there; they come some seconds later.
  case early(host: Int, item: Int, to: Int)
  /// A large file is granted, and the receiver dies while it comes in.
  case crashInFile(host: Int, to: Int, down: Int)
  /// A contact of a host synchronises with it, and misbehaves.
  case lie(host: Int, ChumMisbehaviour)
}

extension SyncAct: CustomStringConvertible {
  public var description: String {
    let words: [String] =
      switch self {
      case .write(let host, let item): ["write", "\(host)", "\(item)"]
      case .grant(let host, let item, let to): ["grant", "\(host)", "\(item)", "\(to)"]
      case .revoke(let host, let item, let from): ["ungrant", "\(host)", "\(item)", "\(from)"]
      case .flicker(let host, let item, let to): ["flicker", "\(host)", "\(item)", "\(to)"]
      case .grantBoth(let host, let item, let one, let two): ["grant-both", "\(host)", "\(item)", "\(one)", "\(two)"]
      case .grantElsewhere(let host, let item, let to): ["grant-elsewhere", "\(host)", "\(item)", "\(to)"]
      case .share(let host, let item, let with): ["share", "\(host)", "\(item)", "\(with)"]
      case .circle(let host, let person, let isIn): ["circle", "\(host)", "\(person)", isIn ? "1" : "0"]
      case .grantCircle(let host, let item): ["grant-circle", "\(host)", "\(item)"]
      case .topic(let host, let with): ["topic", "\(host)", "\(with)"]
      case .message(let host, let to): ["message", "\(host)", "\(to)"]
      case .early(let host, let item, let to): ["early", "\(host)", "\(item)", "\(to)"]
      case .crashInFile(let host, let to, let down): ["crash-in-file", "\(host)", "\(to)", "\(down)"]
      case .lie(let host, let misbehaviour): ["lie", "\(host)", misbehaviour.rawValue]
      }
    return words.joined(separator: " ")
  }

  /// Reads the words of a step; nil when they are no act of this kind.
  init?(_ name: String, _ words: [String], _ number: (Int) -> Int?) {
    guard let one = number(0) else { return nil }
    if name == "lie" {
      guard words.count == 2, let misbehaviour = ChumMisbehaviour(rawValue: words[1]) else { return nil }
      self = .lie(host: one, misbehaviour)
      return
    }
    guard let two = number(1) else { return nil }
    switch name {
    case "write": self = .write(host: one, item: two)
    case "grant-circle": self = .grantCircle(host: one, item: two)
    case "topic": self = .topic(host: one, with: two)
    case "message": self = .message(host: one, to: two)
    default:
      guard let three = number(2) else { return nil }
      switch name {
      case "grant": self = .grant(host: one, item: two, to: three)
      case "ungrant": self = .revoke(host: one, item: two, from: three)
      case "grant-elsewhere": self = .grantElsewhere(host: one, item: two, to: three)
      case "share": self = .share(host: one, item: two, with: three)
      case "circle": self = .circle(host: one, person: two, isIn: three != 0)
      case "flicker": self = .flicker(host: one, item: two, to: three)
      case "early": self = .early(host: one, item: two, to: three)
      case "crash-in-file": self = .crashInFile(host: one, to: two, down: three)
      case "grant-both":
        guard let four = number(3) else { return nil }
        self = .grantBoth(host: one, item: two, to: three, and: four)
      default: return nil
      }
    }
  }

  /// The same act with smaller numbers, for the shrinker.
  var simpler: [SyncAct] {
    func smaller(_ number: Int) -> [Int] { number > 3 ? [number % 2, number % 3, number % 4] : number > 0 ? [0] : [] }
    switch self {
    case .write(let host, let item): return smaller(item).map { .write(host: host, item: $0) }
    case .grantBoth(let host, let item, let one, _): return [.grant(host: host, item: item, to: one)]
    case .crashInFile(let host, let to, let down) where down > 0: return [.crashInFile(host: host, to: to, down: 0)]
    default: return []
    }
  }
}

extension WorldScenario {
  /// Lies that a strict importer must see through, one root each.
  private static let lies: [ChumMisbehaviour] = [
    .objectOtherBytes, .objectOtherForm, .childAccess, .fileOtherBytes, .fileEmptyMessage, .childrenWithout,
    .contentForeignIdHash, .nodeForeignData, .childrenNotJSON, .rootsPathHash,
  ]

  static func syncStep(_ random: inout SeededRandom) -> Step {
    func below(_ limit: Int, _ random: inout SeededRandom) -> Int { Int(random.next() % UInt64(limit)) }
    let one = below(64, &random)
    let two = below(64, &random)
    let three = below(64, &random)
    let four = below(64, &random)
    let pauses = [0, 1, 20, 100, 500, 3_000, 7_000, 16_000, 33_000]
    let pause = pauses[below(pauses.count, &random)]
    let act: Step.Act =
      switch below(100, &random) {
      case ..<13: .sync(.write(host: one, item: two))
      case ..<25: .sync(.grant(host: one, item: two, to: three))
      case ..<32: .sync(.revoke(host: one, item: two, from: three))
      case ..<36: .sync(.flicker(host: one, item: two, to: three))
      case ..<40: .sync(.grantBoth(host: one, item: two, to: three, and: four))
      case ..<43: .sync(.grantElsewhere(host: one, item: two, to: three))
      case ..<51: .sync(.share(host: one, item: two, with: three))
      case ..<55: .sync(.circle(host: one, person: two, isIn: three % 4 > 0))
      case ..<59: .sync(.grantCircle(host: one, item: two))
      case ..<63: .sync(.topic(host: one, with: two))
      case ..<71: .sync(.message(host: one, to: two))
      case ..<74: .sync(.early(host: one, item: two, to: three))
      case ..<77: .sync(.crashInFile(host: one, to: two, down: [0, 500, 20_000][three % 3]))
      case ..<86: .sync(.lie(host: one, lies[two % lies.count]))
      case ..<90: .crash(host: one, down: [0, 500, 20_000][three % 3])
      case ..<94: .cut(cable: one)
      case ..<96: .halfOpen(cable: one)
      case ..<98: .suspend(host: one, milliseconds: [1_000, 27_000][three % 2])
      default: .restartServer(down: [0, 3_000][three % 2])
      }
    return Step(act, pause: pause)
  }
}
