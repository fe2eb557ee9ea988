/// Planted faults that stand between the machine and its sockets: events and actions that are changed on the way.
///
/// With them cases are shown to fire that no switch of the machine itself would trip.
public enum Meddling: String, Sendable, CaseIterable {
  // Registration.
  case refusesUpperCaseKey, takesAnyKeyType, takesOddKeys, limitsKeys, comparesFirstByteOnly, comparesLastByteOnly
  case ignoresWhileChallenged, pushesBeforeResponse, ignoresShortResponses, ignoresEarlyBinary
  // Registered sockets.
  case neverClosesFlood, limitsAllKeysTogether, bansClosedKeys, oneRegistrationPerKey
  // Requests and relays.
  case addsMemberToHandover, crossesRelays, wantsRegisteredRequester, forgetsSparesOnFlood, closesBusyRelays
  case inventsReason, closesBeforeData, closeDropsSpares, pongTimeoutOnRelay, closesOnPongInRelay, limitsRelaysPerKey
  case answersPingsInRelay, swallowsProtocolTexts
  // Pings.
  case announcesOtherInterval, ignoresPongs, takesAnythingForPong, ignoresDecoratedPongs, limitsLifetime
  case pingsNewestOnly, timeoutDropsSiblings, pingsUnregistered
  // Invitations.
  case ignoresRevoke, acceptsFromAnySocket, ignoresBadConnect

  /// What the broken server does, in words.
  public var summary: String {
    switch self {
    case .refusesUpperCaseKey: "refuses keys in capitals"
    case .takesAnyKeyType: "challenges registrations whose key is no text"
    case .takesOddKeys: "challenges keys of 63 and 65 digits"
    case .limitsKeys: "serves ten keys and no more"
    case .comparesFirstByteOnly: "compares the first byte of a response only"
    case .comparesLastByteOnly: "compares the last byte of a response only"
    case .ignoresWhileChallenged: "ignores what is no response while it waits for one"
    case .pushesBeforeResponse: "hands over sockets that have not answered the challenge"
    case .ignoresShortResponses: "keeps the socket open on a response of another length"
    case .ignoresEarlyBinary: "ignores BINARY before the relay"
    case .answersPingsInRelay: "answers ping texts in a relay itself"
    case .swallowsProtocolTexts: "takes texts that look like the server's own out of a relay"
    case .neverClosesFlood: "ignores any number of stray messages"
    case .limitsAllKeysTogether: "counts the sockets of all keys against the limit of one"
    case .bansClosedKeys: "never again takes a key whose socket closed"
    case .oneRegistrationPerKey: "refuses a registration while a relay of its key is open"
    case .addsMemberToHandover: "adds a member to connection_handover"
    case .crossesRelays: "delivers the data of one relay to another"
    case .wantsRegisteredRequester: "refuses requesters that are not registered"
    case .forgetsSparesOnFlood: "finds no listener any more after fifty requests"
    case .closesBusyRelays: "closes relays after two minutes, idle or not"
    case .inventsReason: "writes a reason where the closing leg gave none"
    case .closesBeforeData: "lets a close overtake the message before it"
    case .closeDropsSpares: "closes a key's idle sockets when one of its relays ends"
    case .pongTimeoutOnRelay: "closes a listener that was handed over for a missing pong"
    case .closesOnPongInRelay: "closes a relay on a pong text"
    case .limitsRelaysPerKey: "refuses requests for a key with eight relays"
    case .announcesOtherInterval: "announces twice the interval at which it pings"
    case .ignoresPongs: "does not hear pongs"
    case .takesAnythingForPong: "takes any message for a pong"
    case .ignoresDecoratedPongs: "does not hear pongs with unknown members"
    case .limitsLifetime: "closes registered sockets after half an hour"
    case .pingsNewestOnly: "pings only the newest socket of a key"
    case .timeoutDropsSiblings: "closes all sockets of a key when one misses its pong"
    case .pingsUnregistered: "pings sockets that are not registered"
    case .ignoresRevoke: "confirms a revocation and does nothing"
    case .acceptsFromAnySocket: "takes an accept from any socket of the key"
    case .ignoresBadConnect: "keeps the socket open on a malformed invitation_connect"
    }
  }
}
