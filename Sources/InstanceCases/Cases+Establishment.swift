import Instance

/// PR: P1 to P9 with a peer that deviates, against every role.
enum EstablishmentCases {
  private static let passive: [InstanceCase.Target] = [.acceptor, .inviter]
  private static let active: [InstanceCase.Target] = [.initiator, .invitee]
  private static let all: [InstanceCase.Target] = [.acceptor, .inviter, .initiator, .invitee]

  static var rows: [ExchangeRow] { groups + persons + keys + proofs + instances + known + silences }

  private static let groups: [ExchangeRow] = [
    ExchangeRow(
      .groupOtherCommand, "another message than connection_group closes without sync", ["PR-036"], passive, .closesSoon,
      never: [.sync], kills: [.toleratesWrongGroup]),
    ExchangeRow(
      .groupMissingName, "a group without a name closes without sync", ["PR-036"], [.acceptor], .closesSoon,
      never: [.sync], kills: [.toleratesWrongGroup]),
    ExchangeRow(
      .groupNumberName, "a group whose name is a number closes without sync", ["PR-036"], [.acceptor], .closesSoon,
      never: [.sync], kills: [.toleratesWrongGroup]),
    ExchangeRow(
      .groupNotJSON, "no JSON instead of connection_group closes without sync", ["PR-036"], [.acceptor], .closesSoon,
      never: [.sync], kills: [.toleratesWrongGroup]),
    ExchangeRow(
      .groupBinary, "a binary connection_group closes without sync", ["PR-036"], [.acceptor], .closesSoon,
      never: [.sync], kills: [.toleratesWrongGroup]),
    ExchangeRow(
      .groupExtraMember, "unknown members of connection_group are ignored", ["TR-004"], [.acceptor], .goesThrough,
      kills: [.refusesUnknownMembers]),
    ExchangeRow(
      .groupUnknown, "an unknown group closes, at the latest behind P9", ["PR-021"], [.inviter], .closesSoon,
      never: [.identity, .synchronisation], binding: .base, kills: [.keepsUnknownGroups]),
    ExchangeRow(
      .groupUnknown, "an unknown group closes before sync and before the person is told", ["PR-022", "PR-033"],
      [.acceptor], .closesSoon, deployed: .closesSoon, never: [.sync, .person],
      kills: [.servesUnknownGroups, .personBeforeGroup]),
    ExchangeRow(
      .groupLongName, "a group name of 300 bytes closes", ["PR-031"], [.acceptor], .closesSoon, deployed: .closesSoon,
      never: [.sync, .person], kills: [.longGroupNames]),
    ExchangeRow(
      .groupDebug, "the debug group is not served", ["PR-024", "PR-033"], passive, .closesSoon,
      deployed: .closesOrSilent, never: [.person], kills: [.servesDebugGroup]),
    ExchangeRow(
      nil, "chum from a stranger is closed and no synchronisation comes", ["PR-023", "SEC-015"], [.acceptor],
      .closesSoon, never: [.synchronisation], kills: [.chumForStrangers], knows: false),
    ExchangeRow(
      .syncOtherCommand, "another message than sync closes", ["PR-004", "PR-035"], active, .closesSoon,
      forbids: [.keys, .challenge], kills: [.toleratesWrongSync]),
    ExchangeRow(
      .syncNotJSON, "no JSON instead of sync closes", ["PR-035"], [.initiator], .closesSoon,
      kills: [.toleratesWrongSync]),
    ExchangeRow(
      .syncBinary, "a binary sync closes", ["PR-035"], [.initiator], .closesSoon, kills: [.toleratesWrongSync]),
    ExchangeRow(
      .syncMissing, "nothing is sent before sync", ["PR-004"], active, .closes(within: 32_000),
      deployed: .closesOrSilent, never: [.person, .keys], kills: [.waitsForSteps]),
  ]

  /// A fault of P3 to P9: strict closes, deployed goes silent; neither says anything more.
  private static func fault(
    _ act: Misbehaviour, _ title: String, _ requires: [String], _ targets: [InstanceCase.Target],
    forbids: [Observation.Seen], kills: [Defect] = [.toleratesDisorder], knows: Bool? = nil
  ) -> ExchangeRow {
    ExchangeRow(
      act, title, requires, targets, .closesSoon, deployed: .staysSilent, forbids: forbids, kills: kills, knows: knows)
  }

  private static let persons: [ExchangeRow] = [
    fault(
      .personNotJSON, "a person that is not JSON ends the exchange", ["PR-019", "PR-035"], all, forbids: afterPerson),
    fault(
      .personWrongType, "a person object of another type ends the exchange", ["PR-020"], all, forbids: afterPerson,
      kills: [.toleratesWrongType, .toleratesDisorder]),
    fault(.personNoEmail, "a person without email ends the exchange", ["PR-020"], pair, forbids: afterPerson),
    fault(
      .personNumberEmail, "a person whose email is a number ends the exchange", ["PR-020"], [.acceptor],
      forbids: afterPerson),
    fault(.personBinary, "a binary person ends the exchange", ["PR-019"], pair, forbids: afterPerson),
    fault(
      .personOtherCommand, "another command than the person's ends the exchange", ["PR-019"], pair, forbids: afterPerson
    ),
    fault(.keysBeforePerson, "keys before the person end the exchange", ["PR-019"], pair, forbids: afterPerson),
    fault(.personTwice, "the person twice ends the exchange", ["PR-019"], pair, forbids: [.challenge, .instance]),
    ExchangeRow(
      .personExtraMember, "unknown members of the person are ignored", ["TR-004"], [.acceptor], .goesThrough,
      kills: [.refusesUnknownMembers]),
  ]

  private static let pair: [InstanceCase.Target] = [.acceptor, .initiator]
  private static let afterPerson: [Observation.Seen] = [
    .keys, .challenge, .response, .instance, .identity, .synchronisation,
  ]
  private static let afterKeys: [Observation.Seen] = [.challenge, .response, .instance, .identity, .synchronisation]

  private static let keys: [ExchangeRow] = [
    fault(
      .keysForeignOwner, "keys of another owner end the exchange", ["PR-006", "PR-035"], all, forbids: afterKeys,
      kills: [.skipsOwnerCheck, .goesOnAfterFault]),
    fault(.keysShort, "a key of 31 bytes ends the exchange", ["PR-020"], pair, forbids: afterKeys),
    fault(.keysWrongType, "keys of another type end the exchange", ["PR-020"], pair, forbids: afterKeys),
    fault(.keysNoOwner, "keys without owner end the exchange", ["PR-020"], pair, forbids: afterKeys),
    fault(.keysUpperOwner, "an owner in upper case ends the exchange", ["PR-020"], [.acceptor], forbids: afterKeys),
    fault(.keysBinary, "binary keys end the exchange", ["PR-019"], pair, forbids: afterKeys),
    fault(
      .instanceBeforeProof, "the instance before the proof ends the exchange", ["PR-019"], pair,
      forbids: [.instance, .identity]),
    ExchangeRow(
      .keysNotHex, "a key that is not hex ends the exchange", ["PR-034"], pair, .closesSoon, deployed: .closesOrSilent,
      forbids: [.instance, .identity], kills: [.toleratesDisorder]),
    ExchangeRow(
      .keysLowOrder, "a person key of small order ends the exchange", ["PR-034"], all, .closesSoon,
      deployed: .closesOrSilent, forbids: [.challenge, .response, .instance], kills: [.acceptsLowOrderPerson]),
    fault(
      .keysOfOther, "keys that the peer cannot prove end the exchange", ["PR-037"], [.inviter],
      forbids: [.instance, .identity], kills: [.acceptsAnyProof]),
  ]

  private static let afterResponse: [Observation.Seen] = [.instance, .identity, .synchronisation]

  private static func wrongProof(
    _ act: Misbehaviour, _ title: String, _ targets: [InstanceCase.Target], kills: [Defect] = [.acceptsAnyProof]
  ) -> ExchangeRow {
    ExchangeRow(act, title, ["PR-009", "PR-035"], targets, .closesSoon, forbids: afterResponse, kills: kills)
  }

  private static func unopened(_ act: Misbehaviour, _ title: String, _ targets: [InstanceCase.Target]) -> ExchangeRow {
    fault(act, title, ["PR-037", "PR-035"], targets, forbids: afterResponse, kills: [.acceptsAnyProof])
  }

  private static let proofs: [ExchangeRow] = [
    wrongProof(
      .responseUninverted, "an answer that is not inverted closes", all,
      kills: [.acceptsAnyProof, .acceptsUninvertedProof]),
    wrongProof(.responseEchoed, "the challenge as the answer closes", all),
    wrongProof(.responseOtherBytes, "an answer with other bytes closes", pair),
    wrongProof(.responseOf63, "an answer of 63 bytes closes", pair),
    wrongProof(.responseOf65, "an answer of 65 bytes closes", pair),
    wrongProof(.responseEmpty, "an empty answer in a box closes", [.acceptor]),
    unopened(.responseGarbage, "an answer that does not open ends the exchange", all),
    unopened(.responseFlipped, "an answer with a flipped bit ends the exchange", pair),
    unopened(.responseShort, "an answer shorter than its nonce ends the exchange", pair),
    unopened(.responseOtherKey, "an answer of another person's key ends the exchange", all),
    fault(.responseAsText, "an answer as text ends the exchange", ["PR-019"], pair, forbids: afterResponse),
    fault(
      .challengeGarbage, "a challenge that does not open is not answered", ["PR-010"], all, forbids: [.response],
      kills: [.answersBadPersonChallenge]),
    fault(
      .challengeFlipped, "a challenge with a flipped bit is not answered", ["PR-010"], pair, forbids: [.response],
      kills: [.answersBadPersonChallenge]),
    fault(
      .challengeShort, "a challenge shorter than its nonce is not answered", ["PR-010", "PR-011"], pair,
      forbids: [.response], kills: [.answersBadPersonChallenge]),
    fault(.challengeAsText, "a challenge as text ends the exchange", ["PR-019"], pair, forbids: [.response]),
    ExchangeRow(
      .challengeOf63, "a challenge of 63 bytes is not answered", ["PR-011"], pair, .closesSoon,
      deployed: .closesOrSilent, kills: [.answersLongChallenge]),
    ExchangeRow(
      .challengeOf65, "a challenge of 65 bytes is not answered", ["PR-011"], all, .closesSoon,
      deployed: .closesOrSilent, kills: [.answersLongChallenge]),
    ExchangeRow(
      .challengeOfKeyMessage, "a captured key message as challenge is not answered", ["PR-011", "LS-004"], pair,
      .closesSoon, deployed: .closesOrSilent, kills: [.answersLongChallenge]),
  ]

  private static let instances: [ExchangeRow] = [
    ExchangeRow(
      .instanceForeignOwner, "an instance of another owner closes", ["PR-017"], [.inviter, .invitee], .closesSoon,
      deployed: .closesOrSilent, forbids: [.token, .identity], kills: [.skipsInstanceOwner]
    ),
    fault(
      .instanceWrongType, "an instance object of another type ends the exchange", ["PR-020"], all,
      forbids: [.identity, .synchronisation]),
    fault(.instanceNoName, "an instance without name ends the exchange", ["PR-020"], pair, forbids: [.synchronisation]),
    fault(
      .instanceNotJSON, "an instance that is not JSON ends the exchange", ["PR-019"], pair, forbids: [.synchronisation]),
    fault(.instanceBinary, "a binary instance ends the exchange", ["PR-019"], pair, forbids: [.synchronisation]),
    fault(
      .tokenBeforeInstance, "the token before the instance ends the exchange", ["PR-019"], [.inviter],
      forbids: [.identity]),
  ]

  private static let known: [ExchangeRow] = [
    fault(
      .otherPerson, "a known pair of keys with another person ends the exchange", ["PR-012"], pair,
      forbids: [.instance, .synchronisation], kills: [.skipsPersonCheck]),
    fault(
      .otherPersonKey, "a known person with another key ends the exchange", ["PR-013"], pair,
      forbids: [.instance, .synchronisation], kills: [.skipsKeyCheck]),
    fault(
      .otherInstance, "a known pair of keys with another instance ends the exchange", ["PR-015"], pair,
      forbids: [.synchronisation], kills: [.skipsInstanceCheck]),
    ExchangeRow(
      .foreignSource, "a known person behind a key that is not its own is refused", ["PR-018", "PR-032"], [.acceptor],
      .closesSoon, never: [.synchronisation], binding: .hardening, kills: [.chumForStrangers]),
    ExchangeRow(
      .foreignSource, "a joiner behind an instance key that it does not claim is refused", ["PR-018"], [.inviter],
      .closesSoon, deployed: .closesOrSilent, kills: [.skipsSourceKeyCheck]),
  ]

  private static func silence(_ act: Misbehaviour, _ title: String, _ targets: [InstanceCase.Target]) -> ExchangeRow {
    ExchangeRow(
      act, title, ["KA-109"], targets, .closes(within: 33_000), deployed: .closesOrSilent, never: [.synchronisation],
      kills: [.waitsForSteps])
  }

  private static let silences: [ExchangeRow] = [
    silence(.silentAfterChannel, "no group within 30 s closes, in spite of keep-alives", passive),
    silence(.personMissing, "no person within 30 s closes, in spite of keep-alives", active),
    ExchangeRow(
      .personMissing, "the own person comes without waiting for the peer's, which is due in 30 s",
      ["PR-005", "KA-109"],
      passive, .closes(within: 33_000), deployed: .closesOrSilent, needs: [.person],
      kills: [.waitsForSteps, .waitsForPersonFirst]),
    silence(.keysMissing, "no keys within 30 s close, in spite of keep-alives", pair),
    silence(.challengeMissing, "no challenge within 30 s closes, in spite of keep-alives", pair),
    silence(.responseMissing, "no answer within 30 s closes, in spite of keep-alives", pair),
    silence(.instanceMissing, "no instance within 30 s closes, in spite of keep-alives", all),
  ]
}
