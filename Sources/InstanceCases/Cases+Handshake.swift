import Instance

/// HS: H1 to H4 with a peer that deviates.
enum HandshakeCases {
  static let passive: [InstanceCase.Target] = [.acceptor, .inviter]
  static let active: [InstanceCase.Target] = [.initiator, .invitee]

  static var rows: [ExchangeRow] { good + request + keyFromInitiator + ready + keyFromAcceptor }

  private static let good = [
    ExchangeRow(
      nil, "a good peer gets through the whole exchange",
      ["HS-003", "HS-008", "PR-002", "PR-005", "PR-007", "PR-014"], passive, .goesThrough,
      kills: [.skipsReady, .noSync, .noOwnChallenge, .wrongParity, .answersWithoutInverting]),
    ExchangeRow(
      nil, "as initiator it gets through the whole exchange with a good peer",
      ["HS-001", "HS-007", "PR-001", "PR-008"], active, .goesThrough,
      kills: [.noOwnChallenge, .wrongParity, .answersWithoutInverting]),
    ExchangeRow(
      nil, "synchronisation comes before anything else of chum", ["PR-028"], [.acceptor, .initiator], .goesThrough,
      kills: [.startsWithoutSynchronisation]),
    ExchangeRow(
      .requestWithExtraMember, "unknown members of the request are ignored", ["TR-004"], [.acceptor], .goesThrough,
      kills: [.refusesUnknownMembers]),
    ExchangeRow(
      .requestWithWhiteSpace, "white space and another order of members change nothing", ["TR-005"], [.acceptor],
      .goesThrough, kills: [.refusesWhiteSpace]),
    ExchangeRow(
      .requestUpperCase, "keys in upper case are the same keys", ["HS-003"], [.inviter], .goesThrough,
      kills: [.refusesUpperCase]),
    ExchangeRow(
      .readyWithExtraMember, "unknown members of communication_ready are ignored", ["TR-004"], [.initiator],
      .goesThrough, kills: [.refusesUnknownMembers]),
    ExchangeRow(
      .instanceKeyAsSource, "a pairing with an instance key as source is accepted", ["PA-018"], [.inviter],
      .goesThrough, kills: [.refusesInstanceKeySource]),
  ]

  private static func closing(
    _ act: Misbehaviour, _ title: String, _ requires: [String], _ targets: [InstanceCase.Target],
    never: [Observation.Seen], kills: [Defect]
  ) -> ExchangeRow {
    ExchangeRow(act, title, requires, targets, .closesSoon, never: never, kills: kills)
  }

  private static let request: [ExchangeRow] = [
    closing(
      .wrongCommandFirst, "another command instead of the request closes", ["HS-006"], passive, never: [.ready],
      kills: [.ignoresWrongFirst]),
    closing(
      .notJSONFirst, "no JSON instead of the request closes", ["HS-006"], [.acceptor], never: [.ready],
      kills: [.ignoresWrongFirst]),
    closing(
      .binaryFirst, "a binary message instead of the request closes", ["HS-006"], [.acceptor], never: [.ready],
      kills: [.ignoresWrongFirst]),
    closing(
      .readyFirst, "communication_ready instead of the request closes", ["HS-006"], [.acceptor], never: [.ready],
      kills: [.ignoresWrongFirst]),
    closing(
      .pongFirst, "a pong instead of the request closes", ["HS-006", "KA-009"], [.acceptor], never: [.ready],
      kills: [.ignoresWrongFirst]),
    closing(
      .sourceShort, "a source key of 31 bytes closes before communication_ready", ["HS-005"], passive,
      never: [.ready], kills: [.acceptsShortKeys]),
    closing(
      .sourceLong, "a source key of 33 bytes closes before communication_ready", ["HS-005"], [.acceptor],
      never: [.ready], kills: [.acceptsShortKeys]),
    closing(
      .sourceNotHex, "a source key that is not hex closes", ["HS-005", "HS-006"], [.acceptor], never: [.ready],
      kills: [.ignoresWrongFirst]),
    closing(
      .sourceNumber, "a source key that is a number closes", ["HS-006"], [.acceptor], never: [.ready],
      kills: [.ignoresWrongFirst]),
    closing(
      .targetShort, "a target key of 31 bytes closes before communication_ready", ["HS-005"], [.acceptor],
      never: [.ready], kills: [.ignoresWrongFirst]),
    closing(
      .targetMissing, "a request without target closes", ["HS-006"], [.acceptor], never: [.ready],
      kills: [.ignoresWrongFirst]),
    closing(
      .targetUnknown, "a target that is no own key closes, and no key message comes", ["HS-004"], passive,
      never: [.keyMessage], kills: [.acceptsForeignTarget]),
    closing(
      .requestDeepJSON, "JSON nested 100 levels deep closes", ["TR-017"], [.acceptor], never: [.ready],
      kills: [.ignoresWrongFirst]),
    closing(
      .requestTwice, "a second request instead of the key message closes", ["HS-014", "HS-006"], [.acceptor],
      never: [.keyMessage], kills: [.answersBadKeyMessage]),
    ExchangeRow(
      .lowOrderSource, "an all-zero source key closes", ["HS-016"], passive, .closesSoon, deployed: .closesOrSilent,
      never: [.keyMessage], kills: [.lenientHandshake]),
    ExchangeRow(
      .otherLowOrderSource, "a source key of order eight closes", ["HS-016"], [.acceptor], .closesSoon,
      deployed: .closesOrSilent, never: [.keyMessage], kills: [.lenientHandshake]),
    ExchangeRow(
      .ownKeyAsSource, "an own key as source closes", ["HS-018"], [.acceptor], .closesSoon, deployed: .closesOrSilent,
      never: [.keyMessage], kills: [.ignoresWrongFirst]),
  ]

  private static let keyFromInitiator: [ExchangeRow] = [
    closing(
      .h3Flipped, "H3 with a flipped bit closes without H4", ["HS-011"], passive, never: [.keyMessage],
      kills: [.answersBadKeyMessage]),
    closing(
      .h3NonceFlipped, "H3 with a changed nonce closes without H4", ["HS-011"], [.acceptor], never: [.keyMessage],
      kills: [.answersBadKeyMessage]),
    closing(
      .h3WrongStatic, "H3 sealed with another static key closes without H4", ["HS-011"], passive,
      never: [.keyMessage], kills: [.answersBadKeyMessage]),
    closing(
      .h3Empty, "an empty H3 closes", ["HS-011", "HS-013"], [.acceptor], never: [.keyMessage],
      kills: [.answersBadKeyMessage]),
    closing(
      .h3Short, "H3 shorter than its nonce closes", ["HS-011", "HS-013"], [.acceptor], never: [.keyMessage],
      kills: [.answersBadKeyMessage]),
    closing(
      .h3Cut, "H3 cut by one byte closes without H4", ["HS-013"], [.acceptor], never: [.keyMessage],
      kills: [.answersBadKeyMessage]),
    closing(
      .h3Extended, "H3 with one byte more closes without H4", ["HS-013"], [.acceptor], never: [.keyMessage],
      kills: [.answersBadKeyMessage]),
    closing(
      .h3AsText, "H3 as text closes", ["HS-014"], passive, never: [.keyMessage], kills: [.answersBadKeyMessage]),
    ExchangeRow(
      .h3Of31, "H3 that opens to 31 bytes closes without H4", ["HS-013"], [.acceptor], .closesSoon,
      deployed: .closesSoon, forbids: [.sync], kills: [.ignoresBadKeyMessage]),
    ExchangeRow(
      .h3LowOrder, "an ephemeral key of small order closes", ["HS-015"], passive, .closesSoon,
      deployed: .goesThrough, kills: [.lenientHandshake]),
    ExchangeRow(
      .h3Replayed, "replayed H1 and H3 bring no data and are closed", ["HS-020", "HS-019"], passive, .closesSoon,
      deployed: .closesOrSilent, never: [.sync, .person], kills: [.acceptsReplayedKey]),
    ExchangeRow(
      .h3Missing, "no H3 within 15 s closes", ["KA-108"], passive, .closes(within: 16_600), deployed: .closesOrSilent,
      never: [.keyMessage], kills: [.waitsForKey]),
    ExchangeRow(
      .silentAfterOpen, "no request within 10 s closes", ["LS-013"], [.acceptor], .closes(within: 12_000),
      deployed: .closesOrSilent, never: [.ready], kills: [.waitsForRequest]),
  ]

  private static let ready: [ExchangeRow] = [
    closing(
      .readyWrongCommand, "another command instead of communication_ready closes, no H3", ["HS-028"], active,
      never: [.keyMessage], kills: [.ignoresWrongReady]),
    closing(
      .readyNotJSON, "no JSON instead of communication_ready closes, no H3", ["HS-028"], active,
      never: [.keyMessage], kills: [.ignoresWrongReady]),
    closing(
      .readyBinary, "a binary message instead of communication_ready closes, no H3", ["HS-028"], active,
      never: [.keyMessage], kills: [.ignoresWrongReady]),
    closing(
      .readyTwice, "a second communication_ready instead of H4 closes", ["HS-021"], active, never: [.group],
      kills: [.ignoresWrongReady]),
    ExchangeRow(
      .readyMissing, "nothing is sent before communication_ready", ["HS-002"], active, .closesOrSilent,
      never: [.keyMessage, .other], kills: [.sendsEarly]),
  ]

  private static let keyFromAcceptor: [ExchangeRow] = [
    closing(
      .h4Flipped, "H4 with a flipped bit closes and nothing encrypted comes", ["HS-012"], active, never: [.group],
      kills: [.ignoresWrongReady, .goesOnAfterBadKeyMessage]),
    closing(
      .h4WrongStatic, "H4 sealed with another static key closes", ["HS-012"], active, never: [.group],
      kills: [.ignoresWrongReady]),
    closing(
      .h4Empty, "an empty H4 closes", ["HS-012"], [.initiator], never: [.group], kills: [.ignoresWrongReady]),
    closing(
      .h4Short, "H4 shorter than its nonce closes", ["HS-012"], [.initiator], never: [.group],
      kills: [.ignoresWrongReady]),
    closing(
      .h4Cut, "H4 cut by one byte closes", ["HS-012"], [.initiator], never: [.group], kills: [.ignoresWrongReady]),
    closing(
      .h4Extended, "H4 with one byte more closes", ["HS-012"], [.initiator], never: [.group],
      kills: [.ignoresWrongReady]),
    closing(.h4AsText, "H4 as text closes", ["HS-021"], active, never: [.group], kills: [.ignoresWrongReady]),
    closing(
      .h4Of31, "H4 that opens to 31 bytes closes", ["HS-012"], [.initiator], never: [.group],
      kills: [.ignoresWrongReady]),
    ExchangeRow(
      .h4LowOrder, "an ephemeral key of small order in H4 closes", ["HS-015"], active, .closesSoon,
      deployed: .goesThrough, kills: [.lenientHandshake]),
    ExchangeRow(
      .h4Reflected, "the own key message as H4 closes", ["HS-017"], active, .closesSoon, deployed: .closesOrSilent,
      kills: [.lenientHandshake]),
    ExchangeRow(
      .h4Missing, "no H4 leads to a close in bounded time", ["KA-109"], active, .closes(within: 32_000),
      deployed: .closesOrSilent, never: [.group], kills: [.waitsForKey]),
  ]
}
