extension RuleBook {
  /// Rules of connection.md 1–6 and chum.md 5.9.
  static let connection: [any Rule.Type] =
    registration + ping + relay + handshake + encrypted + establishment + pairing + closes

  private static let registration: [any Rule.Type] = [
    FirstMessageIsKnown.self, NoChallengeForABadKey.self, NoChallengeForANonHexKey.self, ChallengeHasItsShape.self,
    ChallengeOpens.self, NoResponseToABadChallenge.self, ChallengesDiffer.self, ResponseIsTheComplement.self,
    WrongResponseIsRefused.self, SuccessStatesInterval.self, RegistrationInOrder.self, SpareIsSilent.self,
    ServerClosesOnAFault.self, SilentClientIsClosed.self, UnansweredChallengeIsClosed.self,
    RequestIsServedOrRefused.self,
  ]
  private static let ping: [any Rule.Type] = [
    PingComesInTime.self, PongFollowsPing.self, SilentListenerIsClosed.self, HandoverWaitsForPong.self,
    NoPongAfterHandover.self, ListenerGivesUpWithoutPings.self, PongsAreNoFlood.self,
  ]
  private static let relay: [any Rule.Type] = [
    HandoverThenRequest.self, ForwardedRequestIsCanonical.self, RequestNamesKeys.self, RequestIsNotForOneself.self,
    HandoverIsNeverOrphaned.self, ListenerLeavesAnOrphan.self, HandoverToTheRightListener.self,
    HandoverToAProvenListener.self, NewestSpareFirst.self, RelayForwardsUnchanged.self, CloseIsPassedOn.self,
  ]
  private static let handshake: [any Rule.Type] = [
    RequesterWaitsForReady.self, AcceptorSaysReady.self, InitiatorKeyIsGood.self, AcceptorKeyIsGood.self,
    NoKeyForABadKey.self, BrokenHandshakeIsClosed.self, MissingKeyIsClosed.self, EphemeralKeysAreFresh.self,
    KeyIsNotReflected.self, SessionKeysAreFresh.self, KeysAreNotLowOrder.self,
  ]
  private static let encrypted: [any Rule.Type] = [
    FramesOpenInOrder.self, NothingInClear.self, NoPlaintextInFrames.self, FaultClosesConnection.self,
    FaultSilencesReceiver.self, PaddingFits.self, PaddingLengthIsShort.self, ReservedFlagsAreZero.self,
    FramesAreBounded.self, PaddingVaries.self, PulseWhenSilent.self, PulseIsNotEarly.self, DeadPeerIsGivenUp.self,
    MissingStepIsClosed.self, TextsAreCutAtTheLimit.self, BytesAreCutAtTheLimit.self, MarksInOrder.self,
    PiecesAreFull.self,
  ]
  private static let establishment: [any Rule.Type] = [
    GroupIsNamedFirst.self, GroupIsKnown.self, SyncAnswersGroup.self, InitiatorWaitsForSync.self,
    EstablishmentInOrder.self, KeysBelongToPerson.self, PersonResponseIsRight.self, PersonChallengeIsRight.self,
    InstanceBelongsToPerson.self, FaultIsClosed.self, EveryFaultIsClosed.self, FaultEndsEstablishment.self,
    OneConnectionIsActive.self,
  ]
  private static let pairing: [any Rule.Type] = [
    TokenOpensPairing.self, IdentityNeedsToken.self, TokenIsAccepted.self, TokenIsAnswered.self,
    OneTokenAConnection.self, JoinerClosesAfterIdentity.self, IdentityIsTheProvenOne.self, NoSecretIdentity.self,
    PairingMessagesOnly.self, TokenPairsOnce.self, UsedTokenIsRefused.self, TokenStaysInside.self,
    SourceKeyIsClaimed.self,
  ]
  private static let closes: [any Rule.Type] = [
    EveryFrameIsDescribed.self, PathChangesNothing.self, PathLosesNothing.self, CloseReasonFits.self,
    ProtocolClosesWith1000.self, ReasonsKeepSecrets.self, UpgradeSucceeds.self,
  ]
}
