extension RuleBook {
  /// Rules of chum.md 5.4, 5.5 and 5.8.
  static let chum: [any Rule.Type] = framing + start + rounds + repetitions + exporter + requests + content + errors

  private static let framing: [any Rule.Type] = [
    RequestsAreAnswered.self, NoRequestIsLostAtTheStart.self, AnswersComeInTime.self, NoUnsolicitedAnswer.self,
    StopNamesAStream.self, IdsCountUp.self, OpenIdsAreNotReused.self, NoInvalidMessages.self, OnlyKnownServices.self,
    StreamsHaveOneShape.self, StreamsEnd.self, NothingBehindTheEnd.self, BinaryMessagesCarryAnId.self,
    StreamsAnswerService8.self, StoppedStreamsStop.self, ChunksCarryData.self,
  ]
  private static let start: [any Rule.Type] = [
    OneControlText.self, ControlTextIsExact.self, StartAfterBothTexts.self, ChumAfterEstablishment.self,
    VersionFirst.self, VersionIs8.self, MismatchEndsSession.self, VersionRetriesArePolite.self, SyncIsSymmetric.self,
    OtherVersionErrorsEnd.self,
  ]
  private static let rounds: [any Rule.Type] = [
    RootsFirst.self, RootEntriesAreWellFormed.self, NoRepeatedRoots.self, IdBeforeItsNodes.self,
    ChumObjectsAreNotOffered.self, RoundsPause.self, PollingGoesOn.self, RequestsAreSequential.self, FinIsLast.self,
    NoServiceAfterFin.self,
  ]
  private static let repetitions: [any Rule.Type] = [
    KnownIsNotRequested.self, NothingIsSentTwice.self, RootsAreRequestedOrKnown.self, RoundsEnd.self,
    SecondSyncIsEmpty.self, NoChumForStrangers.self, CommServerCannotDecrypt.self,
  ]
  private static let exporter: [any Rule.Type] = [
    UnknownServicesAreNamed.self, HashArgumentsAreChecked.self, EncodingsAreChecked.self,
    NothingIsServedBeforeTheList.self,
  ]
  private static let requests: [any Rule.Type] = [
    OnlyAnnouncedIsRequested.self, RightServiceForTheKind.self, ArgumentsAreHashes.self, OneAttemptARound.self,
    FailedRootsAreRetried.self, ChildrenBeforeParent.self, NotWithOneself.self,
  ]
  private static let content: [any Rule.Type] = [
    ContentHasItsHash.self, ObjectsHaveTheirPrefix.self, IdObjectsHaveTheirPrefix.self, MicrodataIsCanonical.self,
    RootTypeMatches.self, NodesAreVersionNodes.self, NoAccessObjectsAreSent.self, ChildListHoldsReferences.self,
    DependentsComeFirst.self, ChildListIsWellFormed.self, OnlyAnnouncedIsSent.self, AnswersHaveTheirForm.self,
    VersionHasItsId.self, NodeHasItsData.self,
  ]
  private static let errors: [any Rule.Type] = [
    NoMalformedMicrodata.self, ErrorsCarryNoContent.self, ErrorsCarryNoPaths.self, RefusalsAreUniform.self,
    AnswersAreBounded.self, CloseReasonIsTrue.self,
  ]
}
