import CommServer
public import Instance

/// Faults that the random worlds must find: proof that the simulation can see (issue 5).
public struct PlantedFault: Sendable {
  public let name: String
  public let defects: [Defect]
  public let faults: [String]

  init(_ name: String, _ defects: [Defect] = [], faults: [Fault] = []) {
    self.name = name
    self.defects = defects
    self.faults = faults.map(\.rawValue)
  }

  public static let all: [PlantedFault] = [
    PlantedFault("token race", [.tokenRace]),
    PlantedFault("token is not used up", [.tokenReusable]),
    PlantedFault("missing owner check: a foreign identity is stored", [.acceptsForeignIdentity]),
    PlantedFault("nonce reuse after reconnect: the same ephemeral keys", [.repeatsEphemeral]),
    PlantedFault("lost spare: no replacement after a handover", [.noReplacement]),
    PlantedFault("expiry off by one", [.expiresLate]),
    PlantedFault("accepted replay of the key message", [.acceptsReplayedKey]),
    PlantedFault("wrong proof accepted", [.acceptsAnyProof]),
    PlantedFault("delivery behind a frame that does not open", [.ignoresBadFrames]),
    PlantedFault("a failing joiner burns the token", [.tokenBurntByFailure]),
    PlantedFault("revocation without effect", [.revokeDoesNothing]),
    PlantedFault("tokens survive a restart", [.tokensSurviveRestart]),
    PlantedFault("a lost connection is not dialled again", [.noRedial]),
    PlantedFault("silent peers are kept for ever", [.waitsForSteps]),
    PlantedFault("no duplicate rule", [.noDuplicateRule]),
    PlantedFault("server: relayed messages are swapped", faults: [.swapsMessages]),
    PlantedFault("server: no owner check, any response registers a key", faults: [.acceptsForeignResponse]),
    PlantedFault("server: two requesters share a spare", faults: [.sharesSpare]),
  ]
}
