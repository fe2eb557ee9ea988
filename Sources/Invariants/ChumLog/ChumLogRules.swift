extension RuleBook {
  /// Rules of chum.md 5.4, 5.5 and 5.9 that look at what instances wrote down.
  static let chumLog: [any Rule.Type] = store + heads + sessions + offers + rest + tokens

  private static let store: [any Rule.Type] = [
    NoDanglingReferences.self, NoAccessObjectsAreImported.self, StoredMeansVerified.self,
    ReceivedIsStoredOrRejected.self, StoredObjectsStay.self, ImportChangesNothingElse.self,
  ]
  private static let heads: [any Rule.Type] = [
    CurrentHeadIsAnnounced.self, ImportedVersionsHaveAHead.self, HeadHoldsImportedLeaves.self, HeadsMoveForward.self,
    MergesAreDeterministic.self, OneEventPerVersion.self,
  ]
  private static let sessions: [any Rule.Type] = [
    RemotePersonIsVerified.self, CompletionIsAcknowledged.self, FirstFullSyncOnce.self, BadRootsDoNotStop.self,
    FailuresAreRecorded.self, ChumObjectIsWritten.self, ClosingIsNoSyncError.self, StatisticsAgree.self,
    ListsAgree.self, ChumIdentityIsShared.self, SentAndReceivedMirror.self,
  ]
  private static let offers: [any Rule.Type] = [
    RootsAreJustified.self, RootListIsComplete.self, NothingInaccessibleIsSent.self, RefusalTimingIsUniform.self,
    NewObjectsArrive.self,
  ]
  private static let rest: [any Rule.Type] = [
    FixpointWithinThreeRounds.self, ImportOffersNothingNew.self, SetsConverge.self, ValuesConverge.self,
    OneWayValuesConverge.self,
  ]
  private static let tokens: [any Rule.Type] = [
    ExpiredTokensAreRefused.self, RevokedTokensAreRefused.self, TokensAreBoundToThePerson.self, InvitationLifetime.self,
  ]
}
