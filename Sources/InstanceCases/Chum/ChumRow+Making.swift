import Chum
import Instance
import SyncInstance
import WireBytes

extension ChumRow {
  /// A row in which the probe asks: its script, and a look at the answers.
  static func asking(
    _ name: String, _ title: String, _ requires: [String], binding: InstanceCase.Binding = .base,
    stock: (@Sendable (inout ChumStock) -> Void)? = nil, content: Bool = true, patience: Double = 2_000,
    configure: (@Sendable (inout SyncSettings) -> Void)? = nil, kills: [TargetVariant] = [],
    script: @escaping @Sendable (ChumStock) -> [ChumAct], judge: @escaping @Sendable (ChumLook) -> CaseOutcome
  ) -> ChumRow {
    var row = ChumRow(
      name: name, title: title, requires: requires, target: .exporter, binding: binding,
      plan: { ChumProbe.Plan(script: script($0)) }, kills: kills, judge: judge)
    row.stock = stock
    row.needsContent = content
    row.patience = patience
    row.configure = configure
    return row
  }
}

extension TargetVariant {
  static func chum(_ faults: [ChumFault]) -> [TargetVariant] { faults.map(TargetVariant.chum) }
}

extension ChumAct {
  static func ask(_ service: Int, _ args: String...) -> ChumAct { .ask(service, args.map(JSONValue.string)) }
  static let version = ChumAct.ask(1, [])
  static let roots = ChumAct.ask(2, [])
}
