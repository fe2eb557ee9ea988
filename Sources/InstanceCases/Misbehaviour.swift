/// One thing that a peer does otherwise than a good one, as a named switch of ``ProbePeer``.
///
/// Some are allowed variations that must be accepted; ``InstanceCase`` says what is expected of whom.
public enum Misbehaviour: String, Sendable, Hashable, CaseIterable {
  // MARK: H1, as initiator
  case wrongCommandFirst, notJSONFirst, binaryFirst, readyFirst, pongFirst
  case sourceShort, sourceLong, sourceNotHex, sourceNumber, targetShort, targetUnknown, targetMissing
  case lowOrderSource, otherLowOrderSource, ownKeyAsSource
  case requestWithExtraMember, requestWithWhiteSpace, requestUpperCase, requestTwice, requestDeepJSON
  case silentAfterOpen

  // MARK: H3, as initiator
  case h3AsText, h3Empty, h3Short, h3Cut, h3Extended, h3Flipped, h3NonceFlipped, h3WrongStatic
  case h3LowOrder, h3Of31, h3Of33, h3Replayed, h3Missing

  // MARK: H2 and H4, as acceptor
  case readyWrongCommand, readyNotJSON, readyBinary, readyMissing, readyWithExtraMember, closeBeforeReady
  case readyTwice, h4AsText, h4Empty, h4Short, h4Cut, h4Extended, h4Flipped, h4WrongStatic, h4LowOrder, h4Of31
  case h4Reflected, h4Missing

  // MARK: Frames, at the first message after the layers stand (either role)
  case frameFlipped, frameTagFlipped, frameDropped, frameReplayed, frameReflected, frameAsText, frameEmpty, frameShort
  case frameCut, frameExtended, frameCounterAhead, frameOtherParity, frameOtherKey, frameOverlong
  case plainEmpty, paddingBeyondEnd, paddingNineLengthBytes, reservedFlags, badUTF8
  case paddingNone, paddingMost, paddingTwoLengthBytes, paddingEightLengthBytes
  case fragmentEndFirst, fragmentStartTwice, fragmentTextWithin, fragmentTooLarge
  case fragmentsOfOneByte, fragmentsOfOddSizes, keepAliveBetweenFragments, keepAliveFirst
  case clearTextInjected

  // MARK: P1 and P2
  case groupOtherCommand, groupMissingName, groupNumberName, groupNotJSON, groupBinary, groupUnknown, groupLongName
  case groupDebug, groupEmpty, groupExtraMember, silentAfterChannel
  case syncOtherCommand, syncNotJSON, syncBinary, syncMissing

  // MARK: P3 to P9, either role
  case personNotJSON, personWrongType, personNoEmail, personNumberEmail, personBinary, personOtherCommand
  case personExtraMember, personMissing, personTwice, personMarkup
  case keysForeignOwner, keysNotHex, keysShort, keysLowOrder, keysWrongType, keysNoOwner, keysUpperOwner, keysBinary
  case keysBeforePerson, keysMissing, keysOfOther
  case responseGarbage, responseUninverted, responseEchoed, responseOtherBytes, responseFlipped, responseShort
  case responseAsText, responseOf63, responseOf65, responseEmpty, responseOtherKey, responseMissing
  case challengeGarbage, challengeFlipped, challengeOf63, challengeOf65, challengeOfKeyMessage, challengeAsText
  case challengeShort, challengeMissing
  case instanceForeignOwner, instanceWrongType, instanceNoName, instanceNotJSON, instanceBinary, instanceMissing
  case instanceBeforeProof
  case otherPerson, otherPersonKey, otherInstance, foreignSource

  // MARK: Pairing, as invitee
  case tokenWrong, tokenEmpty, tokenNumber, tokenMissing, tokenNotJSON, tokenBinary, tokenTwice, tokenBeforeInstance
  case tokenOfOtherLength, silentBeforeToken
  case instanceKeyAsSource, staysAfterIdentity, closesBeforeIdentity, identityInstantClose

  // MARK: Q2 and Q3, either role
  case identityForeignPerson, identityForeignPersonKey, identityForeignInstance, identityForeignInstanceKey
  case identityForeignSignKey, identitySecret, identityNotJSON, identityBinary, identityNoMember, identityNumber
  case identityShortKey, identityNotHex, identityLowOrderKey, identityOtherCommand, identityNoURL, identityExtraMember
  case identityMissing, closesAfterToken

  // MARK: CHUM's beginning
  case otherThanSynchronisation, serviceInSameBurst, jsonSynchronisation

  /// Messages of this kind come from the side that dials; nil for both.
  public enum Side: Sendable { case initiator, acceptor }
}
