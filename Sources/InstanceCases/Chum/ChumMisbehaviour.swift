/// One thing that an exporter played by hand does otherwise than a good one, as a named switch.
///
/// Some are allowed variations that must be accepted; the rows of ``ImporterCases`` say what is expected of whom.
public enum ChumMisbehaviour: String, Sendable, Hashable, CaseIterable {
  // MARK: Service 1
  case versionSeven, versionNine, versionText, versionNull, versionAbsent, versionObject, versionHuge, versionList
  case versionError, versionUnknownThrice, versionUnknownAlways, versionSilent, versionStream, versionTwice

  // MARK: Service 2
  case rootsError, rootsNumber, rootsArray, rootsAbsent, rootsNotJSON, rootsObject, rootsDeep, rootsSilent, rootsStream
  case rootsErrorLater, rootsUnknownType, rootsNoObject, rootsPathHash, rootsEmptyHash, rootsNumberHash
  case rootsMissingHash, rootsUpperHash, rootsShortHash, rootsMany, rootsDuplicated, rootsWithExtraMembers
  case rootsWithWhiteSpace, rootsTwice, rootsEmpty, rootsAbsentHash

  // MARK: Services 4 and 5
  case childrenError, childrenNumber, childrenAbsent, childrenNotJSON, childrenObject, childrenUnknownType
  case childrenUpperHash, childrenNoHash, childrenStream, childrenSelf, childrenRepeated, childrenWithout
  case childrenBait, childrenSilent, childrenWithExtraMembers

  // MARK: Services 6 and 7
  case objectOtherBytes, objectOtherForm, objectNumber, objectAbsent, objectError, objectHugeError, objectStream
  case objectTwice, objectSilent, objectErrorOnce, objectList

  // MARK: Content under its own hash
  case contentNotMicrodata, contentTrailingNewline, contentUnknownType, contentMissingProperty, contentExtraProperty
  case contentUnescaped, contentOtherOrder, contentEntity, contentUnbalanced, contentNumberSpelling, contentAccess
  case contentIdAccess, contentGroup, contentRecipe, contentOtherType, contentEmpty, contentForeignIdHash
  case contentIdWithMore, childAccess, childUnlisted

  // MARK: Service 8
  case fileOtherBytes, fileEmpty, fileZeroLength, fileEmptyMessage, fileShortMessage, fileOfOneByteChunks
  case fileEmptyChunkBetween, fileAsData, fileDataBehindChunks, fileStreamError, fileError, fileAsText, fileAsBase64
  case fileOfTwoKinds, fileEndless, fileStalls, fileOddIds, fileTwice, clobEncodingAbsent, clobEncodingRepeated

  // MARK: Version nodes
  case nodeForeignData, nodeOtherType, nodeIsNone, nodeNegativeDepth, nodeFractionDepth, nodeGreatestDepth
  case nodeOfTheFuture, nodeMissingPrevious, nodeBranches, nodeChangeOnly

  // MARK: Everywhere
  case unaskedAnswers, answersBehindEnd, membersReordered, closesInRound, newVersionLater
}
