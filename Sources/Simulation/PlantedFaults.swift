import Chum
import CommServer
public import Instance
import SyncInstance

/// Faults that the random worlds must find: proof that the simulation can see (issue 5).
public struct PlantedFault: Sendable {
  public let name: String
  public let defects: [Defect]
  public let faults: [String]
  /// Worlds of complete instances are needed.
  public let isSync: Bool
  let chumFaults: [ChumFault]
  let syncFaults: [SyncFault]

  init(_ name: String, _ defects: [Defect] = [], faults: [Fault] = []) {
    self.name = name
    self.defects = defects
    self.faults = faults.map(\.rawValue)
    isSync = false
    chumFaults = []
    syncFaults = []
  }

  init(_ name: String, chum: [ChumFault] = [], sync: [SyncFault] = []) {
    self.name = name
    defects = []
    faults = []
    isSync = true
    chumFaults = chum
    syncFaults = sync
  }

  /// Plants the fault in every instance and the server of a world.
  public func plant(in scenario: inout WorldScenario) {
    scenario.defects = defects
    scenario.faults = faults
    scenario.chumFaults = chumFaults
    scenario.syncFaults = syncFaults
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
    PlantedFault("grant race: of two grants at once one is lost", sync: [.grantRace]),
    PlantedFault("a second component grants, too", sync: [.anyComponentGrants]),
    PlantedFault("a 1-to-1 topic is granted with its first message only", sync: [.topicGrantedAtFirstMessage]),
    PlantedFault("the control text is swallowed by a JSON plugin", sync: [.controlTextSwallowed]),
    PlantedFault("a root is announced after its grant was revoked", chum: [.announcedAfterRevoke]),
    PlantedFault("what was named is served after a revocation", chum: [.revokedServed]),
    PlantedFault("anything stored is served", chum: [.accessNotChecked]),
    PlantedFault("hashes are not checked", chum: [.hashNotChecked]),
    PlantedFault("hashes of files are not checked", chum: [.filesNotChecked]),
    PlantedFault("a head is not merged", chum: [.headNotMerged]),
    PlantedFault("an ID object is sent as an object", chum: [.idObjectSentAsObject]),
    PlantedFault("a root is lost after an error", chum: [.rootLostAfterError]),
    PlantedFault("half an object is left by a crash", chum: [.halfFilesKept]),
    PlantedFault("objects are stored without what they refer to", chum: [.dependenciesNotChecked]),
    PlantedFault("Access and Group objects are taken from others", chum: [.refusedTypesTaken]),
    PlantedFault("what is known is fetched again", chum: [.knownObjectsFetched]),
    PlantedFault("children are listed in the order of fetching", chum: [.childrenInWrongOrder]),
    PlantedFault("grants to groups are ignored", chum: [.groupsIgnored]),
    PlantedFault("BLOB chunks are empty (F47)", chum: [.emptyChunks]),
  ]
}
