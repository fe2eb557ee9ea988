import Instance

/// ENC, FR and the keep-alive's share: frames at the first message behind the handshake.
enum ChannelCases {
  static let all: [InstanceCase.Target] = [.acceptor, .inviter, .initiator, .invitee]
  static let pair: [InstanceCase.Target] = [.acceptor, .initiator]

  private static func bad(
    _ act: Misbehaviour, _ title: String, _ requires: [String], _ targets: [InstanceCase.Target] = pair,
    kills: [Defect] = [.ignoresBadFrames]
  ) -> ExchangeRow {
    // Nothing of the exchange may follow: the first message was the faulty one.
    ExchangeRow(act, title, requires, targets, .closesSoon, never: [.sync, .person, .synchronisation], kills: kills)
  }

  private static func fine(
    _ act: Misbehaviour, _ title: String, _ requires: [String], _ targets: [InstanceCase.Target] = pair,
    kills: [Defect] = []
  ) -> ExchangeRow { ExchangeRow(act, title, requires, targets, .goesThrough, kills: kills) }

  static let rows: [ExchangeRow] = [
    bad(.frameFlipped, "a frame with a flipped bit closes; neither it nor the next one counts", ["ENC-011"], all),
    bad(.frameTagFlipped, "a frame with a changed tag closes", ["ENC-011"]),
    bad(.frameDropped, "a lost frame closes; the next one is not delivered", ["ENC-010"], all),
    bad(.frameReplayed, "a frame sent twice closes", ["ENC-009"], all),
    bad(.frameReflected, "an own frame that comes back closes", ["ENC-012"]),
    bad(.frameOtherParity, "a frame with a counter of the other direction closes", ["ENC-001", "ENC-012"]),
    bad(.frameCounterAhead, "a frame with a counter ahead closes", ["ENC-010"]),
    bad(.frameOtherKey, "a frame under another key closes", ["ENC-011"]),
    bad(.frameAsText, "a text where a frame is due closes", ["ENC-013"], all, kills: [.acceptsTextFrames]),
    bad(.frameEmpty, "an empty frame closes", ["ENC-014"], all),
    bad(.frameShort, "a frame of 10 bytes closes", ["ENC-014"]),
    bad(.frameCut, "a frame cut by a byte closes", ["ENC-011"]),
    bad(.frameExtended, "a frame with one byte more closes", ["ENC-011"]),
    bad(.plainEmpty, "a frame around nothing closes", ["ENC-015"]),
    bad(.paddingBeyondEnd, "padding that reaches beyond the end closes", ["ENC-016"]),
    bad(.fragmentEndFirst, "an end mark without a start closes", ["FR-007"]),
    bad(.fragmentStartTwice, "a start within a start closes", ["FR-007"]),
    bad(.fragmentTextWithin, "a text within fragments closes", ["FR-007"]),
    ExchangeRow(
      .clearTextInjected, "a clear text between frames closes and is not taken", ["ENC-013"], pair, .closesSoon,
      never: [.keys, .synchronisation], kills: [.acceptsTextFrames]),
    ExchangeRow(
      .paddingNineLengthBytes, "nine length bytes close", ["ENC-017"], pair, .closesSoon, deployed: .goesThrough,
      kills: [.lenientPadding]),
    ExchangeRow(
      .reservedFlags, "reserved flag bits close", ["ENC-018"], pair, .closesSoon, deployed: .goesThrough,
      kills: [.lenientPadding]),
    ExchangeRow(
      .badUTF8, "a text that is not UTF-8 closes", ["ENC-019"], pair, .closesSoon, deployed: .goesThrough,
      kills: [.lenientPadding]),
    ExchangeRow(
      .frameOverlong, "a frame longer than any sender makes closes", ["TR-013"], pair, .closesSoon,
      deployed: .closesOrSilent, kills: [.ignoresOverlongFrames]),
    ExchangeRow(
      .fragmentTooLarge, "a message above the configured maximum closes", ["FR-010"], pair, .closesSoon,
      deployed: .closesOrSilent, never: [.sync, .person], binding: .hardening, kills: [.unlimitedMessage],
      change: { $0.longestMessage = 1 << 20 }),
    fine(.paddingNone, "a frame without padding is understood", ["ENC-007"], kills: [.wrongParity]),
    fine(.paddingMost, "a frame with the most padding is understood", ["ENC-007"], kills: [.wrongParity]),
    fine(.paddingTwoLengthBytes, "two length bytes are understood", ["ENC-007"], kills: [.refusesLongPadding]),
    fine(.paddingEightLengthBytes, "eight length bytes are understood", ["ENC-007"], kills: [.refusesLongPadding]),
    fine(
      .fragmentsOfOneByte, "fragments of one byte are put together", ["FR-009", "FR-005"], all,
      kills: [.refusesOddFragments]),
    fine(
      .fragmentsOfOddSizes, "fragments of odd sizes, empty ones too, are put together", ["FR-009"],
      kills: [.refusesOddFragments]),
    fine(
      .keepAliveBetweenFragments, "keep-alives between fragments change nothing", ["KA-106"], all,
      kills: [.deliversKeepAlives]),
    fine(.keepAliveFirst, "keep-alives are not delivered", ["KA-104"], all, kills: [.deliversKeepAlives]),
  ]
}
