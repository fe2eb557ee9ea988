/// A planted fault of an instance: one check that is missing, or one thing done wrong. Self-test only (design.md, law 9).
///
/// Each one names the requirements that it breaks, so that every case and every invariant can be shown to fire.
public enum Defect: String, Sendable, Hashable, CaseIterable {
  // Listener.
  case registersWrongKey
  case answersBadChallenge
  case answersAnyLength
  case answersAnyServerKey
  case repeatsResponseNonce
  case answersWithoutComplement
  case keepsOneSpare
  case keepsFourSpares
  case noReplacement
  case reconnectsAtOnce
  case keepsStraySpare
  case acceptsEarlyHandover
  case stopKeepsSpares
  case waitsForRequest
  case acceptsAnyInterval
  case neverPongs
  case noPingWatchdog
  case pongsAfterHandover
  case retriesWithoutBackoff
  // Handshake.
  case skipsReady
  case acceptsForeignTarget
  case acceptsShortKeys
  case answersBadKeyMessage
  case goesOnAfterBadKeyMessage
  case lenientHandshake
  case acceptsReplayedKey
  case repeatsEphemeral
  case waitsForKey
  case unlimitedHandshakes
  case ignoresWrongFirst
  case ignoresWrongReady
  case sendsEarly
  case wrongSource
  case wrongTarget
  case dialsOnlyOnce
  // Encryption, keep-alive, fragmentation.
  case wrongParity
  case ignoresBadFrames
  case deliversAfterFailure
  case acceptsTextFrames
  case lenientPadding
  case noKeepAlive
  case noLifesign
  case neverFragments
  case smallFragments
  case unlimitedMessage
  case waitsForSteps
  // Establishment.
  case noSync
  case syncForEverybody
  case personBeforeGroup
  case waitsForPersonFirst
  case skipsOwnerCheck
  case noOwnChallenge
  case answersWithoutInverting
  case acceptsAnyProof
  case acceptsUninvertedProof
  case answersBadPersonChallenge
  case answersLongChallenge
  case skipsPersonCheck
  case skipsKeyCheck
  case skipsInstanceCheck
  case skipsInstanceOwner
  case skipsSourceKeyCheck
  case toleratesDisorder
  case toleratesWrongType
  case chumForStrangers
  case servesUnknownGroups
  case servesDebugGroup
  case longGroupNames
  case noDuplicateRule
  case neverReplaces
  case noRedial
  case startsWithoutSynchronisation
  case acceptsAnySynchronisation
  case losesEarlyMessages
  case acceptsLowOrderPerson
  case goesOnAfterFault
  // Invitations and pairing.
  case invitationOfPersonKey
  case shortToken
  case sameTokenAgain
  case tokenForAnyPerson
  case tokenRace
  case tokenReusable
  case tokenBurntByFailure
  case neverExpires
  case expiresLate
  case expiresEarly
  case revokeDoesNothing
  case tokensSurviveRestart
  case acceptsUnknownToken
  case identityBeforeToken
  case unlimitedGuesses
  case acceptsWeakToken
  case leaksTokenInReason
  case noToken
  case sendsNoIdentity
  case keepsPairingOpen
  case succeedsWithoutIdentity
  case reportsTwice
  case acceptsForeignIdentity
  case acceptsForeignInviter
  case acceptsMalformedIdentity
  case acceptsSecretIdentity
  case acceptsForeignSignKey
  case acceptsSecondToken
  case pairsWithItself
  case silentFailure
  case noChumAfterPairing
  case pairsWhenOff
  case secretInIdentity
  case requiresURL
  case wrongInviterCallback
  // X-INV/1.
  case tellsBrokerTheToken
  case neverFallsBack
  case acceptsOtherSource
  case revokesLocallyOnly
  case asksBrokerOnce
  case acceptsAnyInvitationRequest
  case rejectsInvitationRequests
  case alwaysFallsBack
  case fallsBackOnUsed
  // Stricter than anybody may be, and patience where there must be none.
  case refusesUnknownMembers
  case refusesWhiteSpace
  case refusesUpperCase
  case refusesLongPadding
  case refusesOddFragments
  case deliversKeepAlives
  case refusesInstanceKeySource
  case ignoresBadKeyMessage
  case ignoresOverlongFrames
  case toleratesWrongGroup
  case keepsUnknownGroups
  case toleratesWrongSync
  case ignoresMalformedIdentity
  case lingersForEver
  case ignoresWrongServerMessages
  case losesRequestBehindHandover
  case silentAboutServerKey
  case waitsForOpening
  case joinsAnything

  /// The requirements that an instance with this fault does not meet.
  public var breaks: [String] { Self.table[self] ?? [] }

  private static let table: [Defect: [String]] = [
    .registersWrongKey: ["LS-001"], .answersBadChallenge: ["LS-003"], .answersAnyLength: ["LS-004"],
    .answersAnyServerKey: ["LS-005"], .repeatsResponseNonce: ["LS-002"], .answersWithoutComplement: ["LS-002"],
    .keepsOneSpare: ["LS-006"], .keepsFourSpares: ["LS-006"], .noReplacement: ["LS-007"],
    .reconnectsAtOnce: ["LS-008"], .keepsStraySpare: ["LS-010"], .acceptsEarlyHandover: ["LS-011"],
    .stopKeepsSpares: ["LS-012"], .waitsForRequest: ["LS-013"], .acceptsAnyInterval: ["LS-014"],
    .neverPongs: ["KA-007"], .noPingWatchdog: ["KA-008"], .pongsAfterHandover: ["KA-009"],
    .retriesWithoutBackoff: ["LS-016"],
    .skipsReady: ["HS-003"], .acceptsForeignTarget: ["HS-004"], .acceptsShortKeys: ["HS-005"],
    .answersBadKeyMessage: ["HS-011", "HS-013"], .goesOnAfterBadKeyMessage: ["HS-012"],
    .lenientHandshake: ["HS-013", "HS-015", "HS-016", "HS-017", "HS-018"], .acceptsReplayedKey: ["HS-020"],
    .repeatsEphemeral: ["HS-009", "ENC-022"], .waitsForKey: ["KA-108", "HS-019"],
    .unlimitedHandshakes: ["HS-023"], .ignoresWrongFirst: ["HS-006"], .ignoresWrongReady: ["HS-028", "HS-021"],
    .sendsEarly: ["HS-002"], .wrongSource: ["HS-001"], .wrongTarget: ["HS-001"], .dialsOnlyOnce: ["HS-027"],
    .wrongParity: ["ENC-001", "ENC-002"],
    .ignoresBadFrames: ["ENC-009", "ENC-010", "ENC-011", "ENC-012"],
    .deliversAfterFailure: ["ENC-023"], .acceptsTextFrames: ["ENC-013"], .lenientPadding: ["ENC-017", "ENC-018"],
    .noKeepAlive: ["KA-101"], .noLifesign: ["KA-102"],
    .neverFragments: ["FR-002", "FR-004"], .smallFragments: ["FR-001", "FR-003"], .unlimitedMessage: ["FR-010"],
    .waitsForSteps: ["KA-109"],
    .noSync: ["PR-002"], .syncForEverybody: ["PR-003"], .personBeforeGroup: ["PR-033"],
    .waitsForPersonFirst: ["PR-005"], .skipsOwnerCheck: ["PR-006"], .noOwnChallenge: ["PR-007", "PR-008"],
    .answersWithoutInverting: ["PR-008"], .acceptsAnyProof: ["PR-009", "PR-037"],
    .acceptsUninvertedProof: ["PR-009"], .answersBadPersonChallenge: ["PR-010"], .answersLongChallenge: ["PR-011"],
    .skipsPersonCheck: ["PR-012"], .skipsKeyCheck: ["PR-013"], .skipsInstanceCheck: ["PR-015"],
    .skipsInstanceOwner: ["PR-017"], .skipsSourceKeyCheck: ["PR-018"], .toleratesDisorder: ["PR-019", "PR-036"],
    .toleratesWrongType: ["PR-020"], .chumForStrangers: ["PR-023", "SEC-015"],
    .servesUnknownGroups: ["PR-021", "PR-022"], .servesDebugGroup: ["PR-024"], .longGroupNames: ["PR-031"],
    .noDuplicateRule: ["PR-025"], .neverReplaces: ["PR-026"], .noRedial: ["PR-027"],
    .startsWithoutSynchronisation: ["PR-028"], .acceptsAnySynchronisation: ["PR-029"],
    .losesEarlyMessages: ["PR-030"], .acceptsLowOrderPerson: ["PR-034"], .goesOnAfterFault: ["PR-035"],
    .invitationOfPersonKey: ["INV-001"], .shortToken: ["INV-002"], .sameTokenAgain: ["INV-002"],
    .tokenForAnyPerson: ["INV-016", "SEC-014"], .tokenRace: ["INV-013", "SEC-009"],
    .tokenReusable: ["INV-012", "SEC-009"], .tokenBurntByFailure: ["PA-011"], .neverExpires: ["INV-009", "SEC-010"],
    .expiresLate: ["INV-011", "SEC-010"], .expiresEarly: ["INV-010"], .revokeDoesNothing: ["INV-014", "SEC-011"],
    .tokensSurviveRestart: ["INV-015"], .acceptsUnknownToken: ["PA-003", "PA-004", "SEC-012"],
    .identityBeforeToken: ["PA-003"], .unlimitedGuesses: ["INV-017"], .acceptsWeakToken: ["INV-018"],
    .leaksTokenInReason: ["INV-019"], .noToken: ["PA-001"], .sendsNoIdentity: ["PA-002", "PA-005"],
    .keepsPairingOpen: ["PA-005"], .succeedsWithoutIdentity: ["PA-011"], .reportsTwice: ["PA-006"],
    .acceptsForeignIdentity: ["PA-007"], .acceptsForeignInviter: ["PA-008"], .acceptsMalformedIdentity: ["PA-009"],
    .acceptsSecretIdentity: ["PA-010"], .acceptsForeignSignKey: ["PA-022"], .acceptsSecondToken: ["PA-019"],
    .pairsWithItself: ["PA-020"], .silentFailure: ["PA-012", "PA-013"], .noChumAfterPairing: ["PA-015"],
    .pairsWhenOff: ["PA-017"], .secretInIdentity: ["IOM-006"], .requiresURL: ["PA-021"],
    .wrongInviterCallback: ["PA-006"], .tellsBrokerTheToken: ["XI-021"], .neverFallsBack: ["XI-022"],
    .acceptsOtherSource: ["XI-023"], .revokesLocallyOnly: ["XI-017"], .asksBrokerOnce: ["XI-004", "XI-018"],
    .acceptsAnyInvitationRequest: ["XI-015"],
    .rejectsInvitationRequests: ["XI-007"], .alwaysFallsBack: ["XI-022"], .fallsBackOnUsed: ["XI-012"],
    .refusesUnknownMembers: ["TR-004"], .refusesWhiteSpace: ["TR-005"], .refusesUpperCase: ["HS-003"],
    .refusesLongPadding: ["ENC-007"], .refusesOddFragments: ["FR-009"], .deliversKeepAlives: ["KA-104", "KA-106"],
    .refusesInstanceKeySource: ["PA-018"], .ignoresBadKeyMessage: ["HS-013"], .ignoresOverlongFrames: ["TR-013"],
    .toleratesWrongGroup: ["PR-036"], .keepsUnknownGroups: ["PR-021"], .toleratesWrongSync: ["PR-004", "PR-035"],
    .ignoresMalformedIdentity: ["PA-009"], .lingersForEver: ["PA-014"],
    .ignoresWrongServerMessages: ["LS-003", "LS-008", "LS-011", "LS-014"], .losesRequestBehindHandover: ["LS-009"],
    .silentAboutServerKey: ["LS-015"], .waitsForOpening: ["TR-014"], .joinsAnything: ["INV-006", "INV-007"],
  ]
}
