extension RuleBook {
  /// Rules of connection.md 1–6 and chum.md 5.9.
  static let connection: [any Rule.Type] =
    [
      FirstMessageIsKnown.self, RegisteredKeyIsAKey.self, ChallengeHasItsShape.self, ChallengeOpens.self,
      ChallengesDiffer.self, ResponseIsTheComplement.self, WrongResponseIsRefused.self, SuccessStatesInterval.self,
      RegistrationInOrder.self, SpareIsSilent.self,
    ] + ping + relay + handshake + encrypted + establishment + closes

  private static let ping: [any Rule.Type] = [
    PingComesInTime.self, PongFollowsPing.self, SilentListenerIsClosed.self, HandoverWaitsForPong.self,
    NoPongAfterHandover.self, ListenerGivesUpWithoutPings.self,
  ]
  private static let relay: [any Rule.Type] = [
    HandoverThenRequest.self, ForwardedRequestIsCanonical.self, RequestNamesKeys.self, HandoverIsNeverOrphaned.self,
    HandoverToTheRightListener.self, NewestSpareFirst.self, RelayForwardsUnchanged.self, CloseIsPassedOn.self,
  ]
  private static let handshake: [any Rule.Type] = [
    RequesterWaitsForReady.self, AcceptorSaysReady.self, InitiatorKeyIsGood.self, AcceptorKeyIsGood.self,
    NoKeyForABadKey.self, EphemeralKeysAreFresh.self, SessionKeysAreFresh.self, StaticKeysAreNotLowOrder.self,
  ]
  private static let encrypted: [any Rule.Type] = [
    FramesOpenInOrder.self, FaultClosesConnection.self, NothingInClear.self, PaddingFits.self,
    PaddingLengthIsShort.self, ReservedFlagsAreZero.self, FramesAreBounded.self, PaddingVaries.self,
    PulseWhenSilent.self, PulseIsNotEarly.self, DeadPeerIsGivenUp.self, TextsAreCutAtTheLimit.self,
    BytesAreCutAtTheLimit.self, MarksInOrder.self, PiecesAreFull.self,
  ]
  private static let establishment: [any Rule.Type] = [
    GroupIsNamedFirst.self, GroupIsKnown.self, SyncAnswersGroup.self, InitiatorWaitsForSync.self,
    EstablishmentInOrder.self, KeysBelongToPerson.self, PersonResponseIsRight.self, PersonChallengeIsRight.self,
    InstanceBelongsToPerson.self, FaultEndsEstablishment.self, TokenOpensPairing.self, IdentityNeedsToken.self,
    TokenIsAccepted.self, OneTokenAConnection.self, JoinerClosesAfterIdentity.self, IdentityIsTheProvenOne.self,
    NoSecretIdentity.self, PairingMessagesOnly.self,
  ]
  private static let closes: [any Rule.Type] = [
    EveryFrameIsDescribed.self, PathChangesNothing.self, PathLosesNothing.self, CloseReasonFits.self,
    ProtocolClosesWith1000.self, ReasonsKeepSecrets.self, UpgradeSucceeds.self,
  ]
}
