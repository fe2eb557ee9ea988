/// Broken variants of the machines: each must be caught by rule, case or audit (law 9). Never set outside self-tests.
///
/// Those of the first two groups change the machines themselves; the others are done to the messages of a session on
/// their way in and out (`Saboteur`).
public enum ChumFault: String, Sendable, CaseIterable {
  // MARK: The importer
  /// It stores objects under whatever hash they have.
  case hashNotChecked
  /// It stores version nodes and never moves a head.
  case headNotMerged
  /// It stores objects whose references are missing, also in profile strict.
  case dependenciesNotChecked
  /// It asks for what it has.
  case knownObjectsFetched
  /// It stores what its checks refuse.
  case storesAnything
  /// Access, IdAccess and Group objects are stored like others.
  case refusedTypesTaken
  /// Files are stored under whatever hash they have.
  case filesNotChecked
  /// Chunks that nobody asked for leave an open file.
  case keepsStrayFiles
  /// The first failing root ends the session.
  case stopsAtFailure
  /// A root that failed is never tried again.
  case failedRootsForgotten
  /// A root that failed is tried again at once, several times.
  case failedRootsHammered
  /// Failures stand in no record.
  case failuresNotRecorded
  case errorsKeptWhole
  case repeatsVersionForEver
  case waitsForEver
  case toleratesStrays
  case rootsUnlimited
  case filesUnlimited
  case neverPolls
  case pollsAtOnce
  case finNotSent
  /// A connection that closes in the middle of a round is a normal end.
  case closesForgotten
  /// A connection that closes between rounds is a failure.
  case closesAlwaysFailures
  /// After a crash in the middle of a file the piece that came is taken for the file (worlds).
  case halfFilesKept
  /// A root that failed once is never asked for again, nor is what comes behind it (worlds).
  case rootLostAfterError
  case neverAsks

  // MARK: The exporter and the session
  /// It goes on announcing roots that were revoked.
  case announcedAfterRevoke
  /// It answers GET_ID_OBJECT with a whole object, and GET_OBJECT with the ID object.
  case idObjectSentAsObject
  /// It answers with anything that is stored, announced or not.
  case accessNotChecked
  /// It lists children in the order in which they are fetched.
  case childrenInWrongOrder
  /// It goes on serving what was named before a revocation.
  case revokedServed
  /// It tells what exists from what does not.
  case tellsWhatExists
  case hashFormNotChecked
  case rootsWithSecrets
  case contentsTrimmed
  /// Objects, ID objects and files are served by any of the services.
  case servesAnyKind
  case anyEncoding
  case childrenNotOpened
  case childrenWithSecrets
  case errorsWithContent
  case groupsIgnored
  case emptyChunks
  case streamIdsShared
  case neverPauses
  case unlimitedStreams
  case setsKept
  case noRecord
  case recordIncomplete
  case recordsPaths
  case earlyMessagesLost

  // MARK: What the session says
  case controlTextTwice, answersVersionSeven, answersTwice, answersHalf, silentAboutServices, closesOnError
  case rootsIncomplete, rootsRepeated, rootsReversed, rootsNotText, rootsOnlyOnce, rootsOnlyNews
  case childrenIncomplete, childrenOfOneKind
  case idsBigEndian, noStreamEnd, chunksCutCharacters, encodingInEveryChunk, streamsMixed, finUnanswered, closesMutely
  case versionNotAsked, idsFromOne, argsOmitted, sentinelOmitted, idObjectsByObjectService, asksBehindFin

  // MARK: What the session hears
  case wantsArguments, wantsExactText, wantsCountingIds, ignoresBadArguments, refusesMoreArguments, closesOnLongText
  case closesOnInvalid, answersInvalid, closesOnStray, hangsOnShortBinary, streamsGoOn, finIgnored, finEndsAll
  case silentExporter, childrenNotFetched, filesRefused, emptyFilesRefused, emptyChunksFatal, encodingOnceOnly
  case versionNotChecked, repeatsAnyVersionError, versionNotRepeated, badListsIgnored, stopsAtBadRoot, wantsExactLists
  case listsRepaired, streamsTakenAsData
}
