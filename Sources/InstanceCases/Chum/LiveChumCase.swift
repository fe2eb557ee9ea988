import Chum
public import Instance
import Microdata
import Store
public import Wire

/// A row about CHUM for a target that is reached over sockets: judged by what the probe saw, and by nothing else.
public struct LiveChumCase: Sendable {
  private let row: ChumRow

  init(_ row: ChumRow) { self.row = row }

  public var id: String { row.id }
  public var title: String { row.title }
  public var requires: [String] { row.requires }
  public var target: InstanceCase.Target { row.target }
  public var binding: InstanceCase.Binding { row.binding }
  /// Ms until it can be judged.
  public var patience: Double { row.patience }

  /// Why only an embedded target can be asked this.
  public var unsupported: String? {
    if row.needsContent || row.stock != nil { return "the target would have to hold and grant what the case asks for" }
    if row.configure != nil { return "the target would have to be set up otherwise" }
    return nil
  }

  /// What the probe plays on its connection.
  public func plan(_ base: ProbePeer.Plan) -> ProbePeer.Plan {
    var plan = base
    plan.misbehaviour = row.act
    plan.usesInstanceKey = true
    // Names of the embedded stock stand for hashes that nobody has.
    plan.chum = row.plan(ChumStock(CaseContext(settings: .strict, expects: .strict, seed: 1), .strict))
    return plan
  }

  public func judge(_ probe: ProbePeer, by profile: Profile) -> CaseOutcome {
    guard probe.seen.saw(.synchronisation) else {
      return .failed("CHUM did not begin; came: \(probe.seen.words)")
    }
    return row.judge(ChumLook(probe, isStrict: profile == .strict))
  }

  /// Everything that there is to see has been seen.
  public func isDecided(_ probe: ProbePeer, after milliseconds: Double) -> Bool {
    probe.isOver || milliseconds > row.patience + 1_500
  }
}

extension InstanceCatalogue {
  /// The cases about CHUM for a live target that is paired with us.
  public static var chumCases: [LiveChumCase] { ChumRow.all.map { LiveChumCase($0) } }
}

extension ChumLook {
  /// A look at a target of which nothing but its messages is known.
  init(_ probe: ProbePeer, isStrict: Bool) {
    self.isStrict = isStrict
    seen = probe.chum?.seen ?? ChumSeen()
    exchange = probe.seen
    closedAt = probe.seen.closedAt
    closeReason = probe.seen.closeReason ?? ""
    sync = nil
    reports = []
    stock = nil
  }
}
