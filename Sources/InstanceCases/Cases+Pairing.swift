import Instance

/// PA and the token's share of INV: Q1 to Q4 with a peer that deviates; and the beginning of CHUM.
enum PairingCases {
  private static let both: [InstanceCase.Target] = [.inviter, .invitee]

  static var rows: [ExchangeRow] { tokens + identities + ends + chum }

  private static func refused(
    _ act: Misbehaviour, _ title: String, _ requires: [String], kills: [Defect] = [.acceptsUnknownToken]
  ) -> ExchangeRow {
    ExchangeRow(act, title, requires, [.inviter], .closesSoon, never: [.identity], kills: kills)
  }

  private static let tokens: [ExchangeRow] = [
    refused(
      .tokenWrong, "an unknown token closes and no identity comes", ["PA-004", "PA-003", "SEC-012"],
      kills: [.acceptsUnknownToken, .identityBeforeToken]),
    refused(.tokenEmpty, "an empty token closes", ["PA-004", "PA-003"]),
    refused(.tokenOfOtherLength, "a token cut by a letter closes", ["PA-004", "PA-003"]),
    refused(.tokenNumber, "a token that is a number closes", ["PA-004"]),
    refused(.tokenMissing, "a token message without token closes", ["PA-004"]),
    refused(.tokenNotJSON, "a bare token closes", ["PA-004"]),
    refused(.tokenBinary, "a binary token message closes", ["PA-004"]),
    ExchangeRow(
      .tokenTwice, "a second token on the same connection closes", ["PA-019"], [.inviter], .closesSoon,
      kills: [.acceptsSecondToken]),
    ExchangeRow(
      .silentBeforeToken, "no token within 30 s closes", ["KA-109"], [.inviter], .closes(within: 33_000),
      deployed: .closesOrSilent, never: [.identity], kills: [.waitsForSteps]),
  ]

  private static func substituted(_ act: Misbehaviour, _ title: String, _ kills: [Defect]) -> [ExchangeRow] {
    [
      ExchangeRow(
        act, title, ["PA-007"], [.inviter], .closesSoon, deployed: .closesOrSilent,
        kills: kills + [.acceptsForeignIdentity]),
      ExchangeRow(
        act, title, ["PA-008"], [.invitee], .closesSoon, deployed: .goesThrough, never: [],
        kills: kills + [.acceptsForeignInviter]),
    ]
  }

  private static func malformed(_ act: Misbehaviour, _ title: String, _ requires: [String] = ["PA-009"]) -> ExchangeRow
  {
    ExchangeRow(
      act, title, requires, both, .closesSoon, binding: .hardening, kills: [.ignoresMalformedIdentity])
  }

  private static let identities: [ExchangeRow] =
    substituted(.identityForeignPerson, "the identity of somebody else closes and nothing is stored", [])
    + substituted(.identityForeignPersonKey, "an identity with another person key closes", [])
    + substituted(.identityForeignInstance, "an identity with another instance closes", [])
    + [
      ExchangeRow(
        .identityForeignInstanceKey, "an inviter's identity with another key than the invitation's closes", ["PA-008"],
        [.invitee], .closesSoon, deployed: .goesThrough, kills: [.acceptsForeignInviter]),
      ExchangeRow(
        .identityForeignSignKey, "an identity with another sign key than was shown closes", ["PA-022"], both,
        .closesSoon, deployed: .closesOrSilent, kills: [.acceptsForeignSignKey]),
      ExchangeRow(
        .identitySecret, "an identity of the secret kind closes", ["PA-010"], both, .closesSoon,
        kills: [.acceptsSecretIdentity]),
      malformed(.identityNotJSON, "an identity that is not JSON closes"),
      malformed(.identityBinary, "a binary identity closes"),
      malformed(.identityNoMember, "an identity without a member closes"),
      malformed(.identityNumber, "an identity with a number for a name closes"),
      malformed(.identityNotHex, "an identity with a key that is not hex closes"),
      malformed(.identityOtherCommand, "another command than identity closes"),
      ExchangeRow(
        .identityShortKey, "an identity with a key of 31 bytes closes", ["PA-009"], both, .closesSoon,
        deployed: .closesOrSilent, kills: [.acceptsMalformedIdentity]),
      ExchangeRow(
        .identityLowOrderKey, "an identity with a key of small order closes", ["PA-009"], both, .closesSoon,
        deployed: .closesOrSilent, kills: [.ignoresMalformedIdentity]),
      ExchangeRow(
        .identityNoURL, "an identity without url is accepted", ["PA-021"], both, .goesThrough, kills: [.requiresURL]),
      ExchangeRow(
        .identityExtraMember, "unknown members of an identity are ignored", ["TR-004"], both, .goesThrough,
        kills: [.refusesUnknownMembers]),
      ExchangeRow(
        .identityMissing, "no identity within 30 s closes", ["KA-109"], both, .closes(within: 33_000),
        deployed: .closesOrSilent, kills: [.waitsForSteps]),
    ]

  private static let ends: [ExchangeRow] = [
    ExchangeRow(
      .staysAfterIdentity, "an invitee that does not close is no error; the inviter closes in the end", ["PA-014"],
      [.inviter], .goesThrough, kills: [.sendsNoIdentity])
  ]

  private static let chum: [ExchangeRow] = [
    ExchangeRow(
      .otherThanSynchronisation, "another text than synchronisation closes", ["PR-029"], [.acceptor, .initiator],
      .closesSoon, deployed: .goesThrough, kills: [.acceptsAnySynchronisation]),
    ExchangeRow(
      .jsonSynchronisation, "synchronisation as JSON closes", ["PR-029"], [.acceptor, .initiator], .closesSoon,
      deployed: .goesThrough, kills: [.acceptsAnySynchronisation]),
  ]
}
