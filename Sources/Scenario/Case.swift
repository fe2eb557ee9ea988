public import Requirements
public import WireBytes

/// One file of cases that belong together; the target must pass the sanity exchange before and after them.
public struct CaseGroup: Sendable {
  public let name: String
  public let title: String
  public let target: TargetRole
  public let place: Place
  public var cases: [Case]
}

/// Who is under test.
public enum TargetRole: String, Sendable, CaseIterable {
  case server, listener, requester
}

/// One case: one bad or good act, one expectation, the requirements it decides.
public struct Case: Sendable {
  /// Stable name, unique in all files; a row of a table has `id/row`.
  public let id: String
  public let title: String
  public let group: String
  public let target: TargetRole
  public let place: Place
  public let requires: [RequirementID]
  public let binds: CaseBinding
  public let tags: [String]
  /// Profiles in which the case is judged at all.
  public let profiles: Set<String>
  /// An extension that the target must offer, such as `invitation/1`.
  public let needsExtension: String?
  /// Protocol time that the case cannot do without, for targets on a real clock.
  public let takes: Expression?
  /// Settings for a target that the gate starts itself; other targets must already behave so.
  public let settings: [(name: String, value: JSONValue)]
  /// Cases that would disturb others run when no other does.
  public let isAlone: Bool
  /// Only byte streams show it; targets that are reached by messages are not asked.
  public let faults: [String]
  /// Why no broken variant of the target is at hand.
  public let withoutFault: String?
  /// The variables of the table row.
  public let variables: [(name: String, value: Template)]
  public let steps: [Step]
  /// True when a step commands the target or hears of its inside, so that only targets that the gate runs will do.
  public let usesTarget: Bool
}

/// What a failure of the case means.
public enum CaseBinding: String, Sendable, CaseIterable {
  /// What interoperation needs: a failure in every profile.
  case base
  /// What a safe implementation does: a failure in profile strict, otherwise non-strict.
  case hardening
  /// What the deployed implementation does and nobody has to do: information only.
  case quirk
  /// An extension: a failure where the target offers it.
  case `extension`
}
