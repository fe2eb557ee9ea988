import Chum
import Cryptobox
import Instance
import Microdata
import Store
import SyncInstance
import Wire
import WireBytes

/// A row of the tables about CHUM: what the probe plays, and what has to come of it in either profile.
public struct ChumRow: Sendable {
  let name: String
  let title: String
  let requires: [String]
  let target: InstanceCase.Target
  let binding: InstanceCase.Binding
  /// What is in the target's store beyond the standard stock.
  var stock: (@Sendable (inout ChumStock) -> Void)?
  let plan: @Sendable (ChumStock) -> ChumProbe.Plan
  var configure: (@Sendable (inout SyncSettings) -> Void)?
  /// Something that the probe does before CHUM.
  var act: Misbehaviour?
  /// What a second connection plays behind the first; the look is at the second one then.
  var again: (@Sendable (ChumStock) -> ChumProbe.Plan)?
  /// Ms of world time until the case is judged.
  var patience = 2_000.0
  /// The target must have content, or be told to do something: nothing for a target that is not embedded.
  var needsContent = false
  let kills: [TargetVariant]
  let judge: @Sendable (ChumLook) -> CaseOutcome

  var id: String { "\(requires[0])/\(target.rawValue)-\(name)" }

  static let all: [ChumRow] =
    ExporterCases.rows + ExporterServiceCases.rows + StartCases.rows + ImporterCases.rows + SessionCases.rows

  var instanceCase: InstanceCase {
    let row = self
    return InstanceCase(id, title, requires, target, binding, variants: kills) { context in
      row.judge(row.play(context).look)
    }
  }

  /// Plays the row against an embedded target.
  func play(_ context: CaseContext) -> (world: CaseWorld, look: ChumLook) {
    var world = context.chumWorld(configure)
    if let stock { world.arrange(stock) }
    let names = world.stock ?? ChumStock(context, .strict)
    var plan = context.plan(.initiator, "chum", act)
    plan.usesInstanceKey = true
    plan.chum = self.plan(names)
    var index = world.connect(plan)
    world.advance(by: patience)
    let first = world.probes[index].chum?.seen
    if let again {
      plan.chum = again(names)
      index = world.connect(plan)
      world.advance(by: patience)
    }
    var look = ChumLook(world, probe: index, isStrict: context.isStrict)
    look.first = first
    return (world, look)
  }
}

/// What a row is judged by.
struct ChumLook {
  let isStrict: Bool
  let seen: ChumSeen
  /// What came before CHUM.
  let exchange: Observation
  let closedAt: Double?
  let closeReason: String
  /// Embedded targets only.
  let sync: SyncInstance<MemoryStore>?
  let reports: [SyncReport]
  let stock: ChumStock?
  /// What the connection before saw, if there was one.
  var first: ChumSeen?

  init(_ world: CaseWorld, probe: Int, isStrict: Bool) {
    self.isStrict = isStrict
    let peer = world.probes[probe]
    seen = peer.chum?.seen ?? ChumSeen()
    exchange = peer.seen
    closedAt = peer.seen.closedAt
    closeReason = peer.seen.closeReason ?? ""
    sync = world.sync
    reports = world.syncReports
    stock = world.stock
  }

  var isOpen: Bool { closedAt == nil }
  var isBroken: String? { stock?.failures.first }

  /// True unless an embedded target shows otherwise.
  func stores(_ hash: String) -> Bool? {
    guard let sync, let hash = ObjectHash(hex: hash) else { return nil }
    return sync.host.repository.store.knows(hash)
  }

  // MARK: Looks

  func open() -> CaseOutcome { .check(isOpen, "the connection was closed: \(closeReason)") }

  /// The session goes on: it is open, and a request behind everything else was answered.
  func alive(_ last: Int) -> CaseOutcome {
    CaseOutcome.all([open(), .check(seen.data(last) == 8, "service 1 afterwards: \(seen.words(last))")])
  }

  func refused(_ id: Int, _ code: String) -> CaseOutcome {
    .check(seen.code(id) == code, "\(code) is due; \(seen.words(id))")
  }

  func data(_ id: Int, _ value: JSONValue) -> CaseOutcome {
    .check(seen.data(id) == value, "\(excerpt(value.compact, 60)) is due; \(seen.words(id))")
  }

  func served(_ id: Int) -> CaseOutcome { .check(seen.data(id) != nil, "data are due; \(seen.words(id))") }

  /// Every request of the script was answered by exactly one last message.
  func once(_ ids: Range<Int>) -> CaseOutcome {
    for id in ids where seen.answers[id]?.finals.count != 1 {
      return .failed("\(seen.answers[id]?.finals.count ?? 0) answers to \(id)")
    }
    return .passed
  }

  /// The entries of a root list that came for a request.
  func roots(_ id: Int) -> [RootEntry]? {
    guard case .string(let text)? = seen.data(id) else { return nil }
    return try? RootEntry.decodeList(text)
  }

  func children(_ id: Int) -> [ChildEntry]? {
    guard case .string(let text)? = seen.data(id) else { return nil }
    return try? ChildEntry.decodeList(text)
  }

  func lists(_ id: Int, _ name: String) -> CaseOutcome {
    let hash = stock?.hex(name) ?? ""
    return .check(roots(id)?.contains { $0.key == hash } == true, "\(name) is not listed; \(seen.words(id))")
  }

  func doesNotList(_ id: Int, _ name: String) -> CaseOutcome {
    let hash = stock?.hex(name) ?? ""
    return .check(roots(id)?.contains { $0.key == hash } == false, "\(name) is listed; \(seen.words(id))")
  }
}

extension CaseContext {
  /// A world around a complete target that knows the probe, with the standard stock.
  func chumWorld(_ configure: (@Sendable (inout SyncSettings) -> Void)?) -> CaseWorld {
    var own = settings
    own.broker = .off
    own.storeDelay = 0
    if let chumProfile { own = InstanceSettings(profile: chumProfile) }
    own.dialsPeers = false
    var complete = SyncSettings(own)
    // What the deployed implementation loses is part of what a deployed target is judged by.
    if own.profile == .deployed { complete.start = .deployed }
    complete.opensTopics = false
    complete.sharesProfile = false
    complete.faults = chumFaults
    configure?(&complete)
    var stock = ChumStock(self, own.profile == .strict ? .strict : .deployed)
    do throws(RepositoryFailure) {
      let target = try SyncInstance(
        complete, keychain: Keychain([targetIdentity]), repository: stock.repository, epoch: 1_000_000,
        box: SodiumBox())
      var world = CaseWorld(complete: target, stock, seed: seed)
      world.command(.addPeer(probe.publicFile))
      return world
    } catch {
      stock.fail("\(error)")
      return world()
    }
  }
}
