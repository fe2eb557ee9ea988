import Testing

@testable import Simulation

/// Faults of complete instances, as the scripts that the shrinker made of the worlds in which they were found
/// (`chumgate simulate --sync --planted`).
@Suite struct PlantedSyncTests {
  struct Found: Sendable {
    let fault: String
    let rule: String
    let script: String
  }

  static let found: [Found] = [
    Found(
      fault: "grant race: of two grants at once one is lost", rule: "ACC-005",
      script: """
        world seed 5 hosts 3 profile strict sync sync-fault grantRace
        grant-both 37 40 8 3 +0
        """),
    Found(
      fault: "a second component grants, too", rule: "ACC-003",
      script: """
        world seed 1 hosts 1 profile strict sync sync-fault anyComponentGrants
        grant-elsewhere 28 62 30 +0
        """),
    Found(
      fault: "a 1-to-1 topic is granted with its first message only", rule: "CHN-006",
      script: """
        world seed 1 hosts 2 profile strict sync sync-fault topicGrantedAtFirstMessage
        topic 49 47 +0
        """),
    Found(
      fault: "the control text is swallowed by a JSON plugin", rule: "PLG-001",
      script: """
        world seed 1 hosts 2 profile strict sync sync-fault controlTextSwallowed
        """),
    Found(
      fault: "a root is announced after its grant was revoked", rule: "CHUM-012",
      script: """
        world seed 1 hosts 2 profile strict sync chum-fault announcedAfterRevoke
        flicker 55 8 8 +0
        """),
    Found(
      fault: "what was named is served after a revocation", rule: "CHUM-040",
      script: """
        world seed 1 hosts 2 profile strict sync chum-fault revokedServed
        flicker 55 8 8 +0
        """),
    Found(
      fault: "anything stored is served", rule: "CHUM-040",
      script: """
        world seed 1 hosts 1 profile strict sync chum-fault accessNotChecked
        lie 15 objectOtherForm +0
        """),
    Found(
      fault: "hashes are not checked", rule: "CHUM-028",
      script: """
        world seed 13 hosts 1 profile strict sync chum-fault hashNotChecked
        lie 37 objectOtherBytes +0
        """),
    Found(
      fault: "hashes of files are not checked", rule: "CHUM-047",
      script: """
        world seed 2 hosts 1 profile strict sync chum-fault filesNotChecked
        lie 3 fileOtherBytes +0
        """),
    Found(
      fault: "a head is not merged", rule: "CHUM-051",
      script: """
        world seed 1 hosts 2 profile strict sync chum-fault headNotMerged
        message 27 14 +0
        """),
    Found(
      fault: "an ID object is sent as an object", rule: "CHUM-026",
      script: """
        world seed 1 hosts 2 profile strict sync chum-fault idObjectSentAsObject
        message 27 14 +0
        """),
    Found(
      fault: "a root is lost after an error", rule: "CHUM-062",
      script: """
        world seed 5 hosts 2 profile strict sync chum-fault rootLostAfterError
        early 36 51 53 +16000
        """),
    Found(
      fault: "half an object is left by a crash", rule: "CHUM-047",
      script: """
        world seed 1 hosts 2 profile strict sync chum-fault halfFilesKept
        crash-in-file 31 30 0 +0
        """),
    Found(
      fault: "objects are stored without what they refer to", rule: "CHUM-024",
      script: """
        world seed 1 hosts 1 profile strict sync chum-fault dependenciesNotChecked
        lie 13 childrenWithout +0
        """),
    Found(
      fault: "Access and Group objects are taken from others", rule: "ACC-019",
      script: """
        world seed 7 hosts 1 profile strict sync chum-fault refusedTypesTaken
        lie 62 childAccess +0
        """),
    Found(
      fault: "what is known is fetched again", rule: "CHUM-060",
      script: """
        world seed 1 hosts 2 profile strict sync chum-fault knownObjectsFetched
        """),
    Found(
      fault: "children are listed in the order of fetching", rule: "CHUM-026",
      script: """
        world seed 1 hosts 2 profile strict sync chum-fault childrenInWrongOrder
        message 27 14 +0
        """),
    Found(
      fault: "grants to groups are ignored", rule: "CHUM-013",
      script: """
        world seed 3 hosts 3 profile strict sync chum-fault groupsIgnored
        circle 54 26 1 +0
        grant-circle 24 30 +0
        """),
    Found(
      fault: "BLOB chunks are empty (F47)", rule: "CHUM-026",
      script: """
        world seed 1 hosts 2 profile strict sync chum-fault emptyChunks
        early 6 44 43 +0
        """),
  ]

  @Test(arguments: found)
  func `a planted fault is seen in its script, and without it the script is fine`(_ one: Found) throws {
    var scenario = try WorldScenario(text: one.script)
    #expect(scenario.steps.count <= 20)
    var world = World(scenario)
    #expect(world.play()?.rule == one.rule)
    scenario.chumFaults = []
    scenario.syncFaults = []
    var healthy = World(scenario)
    #expect(healthy.play() == nil)
  }

  @Test func `every planted fault of complete instances has its script`() {
    #expect(Set(Self.found.map(\.fault)) == Set(PlantedFault.all.filter(\.isSync).map(\.name)))
    #expect(Self.found.count >= 10)
  }
}
