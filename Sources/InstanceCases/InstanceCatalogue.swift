public import Instance

/// All cases against an instance, and the proof that each of them can fire.
public enum InstanceCatalogue {
  public static let cases: [InstanceCase] =
    (HandshakeCases.rows + ChannelCases.rows + EstablishmentCases.rows + PairingCases.rows).flatMap(\.cases)
    + ListenerCases.cases + TimingCases.cases + InvitationCases.cases + BrokerCases.cases
    + ChumRow.all.map(\.instanceCase)

  /// Ids that stand twice: names must be stable and unique.
  public static var doubledIDs: [String] {
    Dictionary(grouping: cases, by: \.id).filter { $0.value.count > 1 }.keys.sorted()
  }

  /// What one planted fault did to one case.
  public struct Kill: Sendable {
    public let caseID: String
    public let variant: TargetVariant
    public let isNoticed: Bool
  }

  /// Runs every case against each variant of the target that it must notice, in profile strict.
  public static func kills(seed: UInt64 = 1) -> [Kill] {
    cases.flatMap { one in
      one.kills.map { variant in
        let outcome = one.outcome(settings: .strict, seed: seed, variant: variant)
        return Kill(caseID: one.id, variant: variant, isNoticed: !outcome.isPass)
      }
    }
  }
}
