import CommServer
import Cryptobox
import WireBytes

/// Changes what goes into the embedded machine and what comes out of it (``Meddling``).
struct Meddler {
  let faults: Set<Meddling>
  let settings: CommServerSettings
  /// What a client of the server looks like from outside; all that the meddler knows.
  struct Client {
    var key: PublicKey?
    var challenge: [UInt8]?
    var isSpare = false
    var isRelay = false
    var isRequester = false
    var awaitsPong = false
    var inquiry: String?
    /// The key that a requester asked for, or the listener's own.
    var relayKey: String?
  }

  private(set) var clients: [ConnectionID: Client] = [:]
  private var order: [ConnectionID] = []
  private var closedKeys: Set<PublicKey> = []
  private var requestCount = 0
  private var held: (event: ServerEvent, time: Double)?
  private var timers: [(time: Double, id: ConnectionID, action: ServerAction)] = []

  init(faults: Set<Meddling>, settings: CommServerSettings) {
    self.faults = faults
    self.settings = settings
  }

  func has(_ fault: Meddling) -> Bool { faults.contains(fault) }

  var nextDeadline: Double? {
    faults.isEmpty ? nil : ([held.map { $0.time }].compactMap { $0 } + timers.map(\.time)).min()
  }

  /// What is due: events for the machine, and actions of the meddler's own.
  mutating func timer(_ now: Double) -> (events: [ServerEvent], actions: [ServerAction]) {
    var events: [ServerEvent] = []
    if let event = held, event.time <= now {
      held = nil
      events.append(event.event)
    }
    let due = timers.filter { $0.time <= now }.filter { clients[$0.id] != nil }
    timers.removeAll { $0.time <= now }
    for timer in due { if case .close = timer.action { events.append(.closed(timer.id, code: 1000, reason: "")) } }
    return (events, due.map(\.action))
  }

  mutating func schedule(_ time: Double, _ id: ConnectionID, _ action: ServerAction) {
    timers.append((time, id, action))
  }

  private func end(_ id: ConnectionID) -> (events: [ServerEvent], actions: [ServerAction]) {
    ([.closed(id, code: 1000, reason: "")], [.close(id, code: 1000, reason: "meddled")])
  }

  // MARK: Into the machine

  /// The events that the machine gets instead, and actions that come at once.
  mutating func into(_ event: ServerEvent, _ now: Double) -> (events: [ServerEvent], actions: [ServerAction]) {
    guard !faults.isEmpty else { return ([event], []) }
    var before: [ServerEvent] = []
    if let waiting = held {
      held = nil
      if case .closed(let id, _, _) = event, waiting.event.connection == id {
        // The message that the close overtook is lost.
      } else {
        before = [waiting.event]
      }
    }
    var result: (events: [ServerEvent], actions: [ServerAction])
    switch event {
    case .opened(let id, _):
      clients[id] = Client()
      order.append(id)
      if has(.pingsUnregistered) {
        schedule(now + settings.pingInterval * 0.2, id, .text(id, #"{"command":"ping"}"#))
      }
      result = ([event], [])
    case .text(let id, let text): result = self.text(text, event, id, now)
    case .binary(let id, _):
      if has(.takesAnythingForPong), clients[id]?.isSpare == true {
        result = ([.text(id, #"{"command":"pong"}"#)], [])
      } else if has(.neverClosesFlood), clients[id]?.isSpare == true {
        result = ([], [])
      } else if has(.ignoresEarlyBinary), clients[id]?.isRelay == false {
        result = ([], [])
      } else {
        result = ([event], [])
      }
    case .closed(let id, let code, let reason): result = closed(event, id, code, reason)
    default: result = ([event], [])
    }
    result.events = before + result.events
    return result
  }

  private mutating func closed(
    _ event: ServerEvent, _ id: ConnectionID, _ code: UInt16?, _ reason: String
  ) -> (events: [ServerEvent], actions: [ServerAction]) {
    let client = clients.removeValue(forKey: id)
    if let key = client?.key, client?.isSpare == true { closedKeys.insert(key) }
    if has(.inventsReason), client?.isRelay == true, code != nil, reason.isEmpty {
      return ([.closed(id, code: code, reason: "peer closed")], [])
    }
    guard has(.closeDropsSpares), client?.isRelay == true, let key = client?.relayKey else { return ([event], []) }
    var events = [event]
    var actions: [ServerAction] = []
    for (other, spare) in clients where spare.isSpare && spare.key?.hex == key {
      let ending = end(other)
      events += ending.events
      actions += ending.actions
    }
    return (events, actions)
  }

  private mutating func text(
    _ text: String, _ event: ServerEvent, _ id: ConnectionID, _ now: Double
  ) -> (events: [ServerEvent], actions: [ServerAction]) {
    guard let client = clients[id] else { return ([event], []) }
    let object = (try? JSONValue.parse(text))?.object
    let command = object?["command"]?.string
    if client.isRelay {
      if has(.closesOnPongInRelay), command == "pong" { return end(id) }
      if has(.answersPingsInRelay), command == "ping" { return ([], [.text(id, #"{"command":"pong"}"#)]) }
      let own = ["register", "connection_handover", "communication_request"]
      if has(.swallowsProtocolTexts), let command, own.contains(command) { return ([], []) }
      guard has(.closesBeforeData) else { return ([event], []) }
      held = (event, now + 1)
      return ([], [])
    }
    if client.isSpare { return onSpare(event, id, client, object, command, now) }
    if client.challenge != nil { return challenged(event, id, client, object, command) }
    switch command {
    case "register": return register(event, id, object)
    case "communication_request": return request(event, id, object)
    case "invitation_connect":
      let isGood = [object?["invitationId"], object?["sourcePublicKey"]].allSatisfy {
        $0?.string.map { $0.utf8.count == 64 && !$0.allSatisfy { $0 == "0" } } ?? false
      }
      return has(.ignoresBadConnect) && !isGood ? ([], []) : ([event], [])
    default: return ([event], [])
    }
  }

  private mutating func register(
    _ event: ServerEvent, _ id: ConnectionID, _ object: JSONObject?
  ) -> (events: [ServerEvent], actions: [ServerAction]) {
    let value = object?["publicKey"]
    let text = value?.string
    if has(.refusesUpperCaseKey), let text, text != text.lowercased() { return end(id) }
    func instead(_ key: String) -> (events: [ServerEvent], actions: [ServerAction]) {
      ([.text(id, JSONValue.object(JSONObject(["command": "register", "publicKey": .string(key)])).compact)], [])
    }
    // Any key that is no point of low order will do: the basis point of the curve.
    let any = "09" + String(repeating: "0", count: 62)
    if has(.takesAnyKeyType), text == nil { return instead(any) }
    if has(.takesOddKeys), let text, text.utf8.count == 63 || text.utf8.count == 65 { return instead(any) }
    guard let key = text.flatMap({ PublicKey(hex: $0) }) else { return ([event], []) }
    let keys = Set(clients.values.filter { $0.isSpare || $0.isRelay }.compactMap(\.key))
    if has(.limitsKeys), keys.count >= 10, !keys.contains(key) { return end(id) }
    if has(.limitsAllKeysTogether), clients.values.count(where: \.isSpare) >= settings.sparesPerKey ?? 2 {
      return end(id)
    }
    if has(.bansClosedKeys), closedKeys.contains(key) { return end(id) }
    if has(.oneRegistrationPerKey), clients.values.contains(where: { $0.isRelay && $0.relayKey == key.hex }) {
      return end(id)
    }
    clients[id]?.key = key
    return ([event], [])
  }

  private mutating func challenged(
    _ event: ServerEvent, _ id: ConnectionID, _ client: Client, _ object: JSONObject?, _ command: String?
  ) -> (events: [ServerEvent], actions: [ServerAction]) {
    if has(.ignoresWhileChallenged), command != "authentication_response" { return ([], []) }
    if has(.ignoresShortResponses), object?["response"]?.string?.utf8.count != 208 { return ([], []) }
    let comparesPart = has(.comparesFirstByteOnly) || has(.comparesLastByteOnly)
    guard comparesPart, let secret = settings.secretKey, let key = client.key, let challenge = client.challenge,
      let response = object?["response"]?.string.flatMap({ Hex.decode($0) })
    else { return ([event], []) }
    let shared = SodiumBox().agree(theirs: key, mine: secret)
    guard let asked = open(challenge, shared), let plain = open(response, shared), plain.count == asked.count,
      let one = has(.comparesFirstByteOnly) ? plain.first : plain.last,
      let other = has(.comparesFirstByteOnly) ? asked.first : asked.last, one == ~other,
      let nonce = Nonce(bytes: response.prefix(24))
    else { return ([event], []) }
    let right = nonce.bytes + SodiumBox().seal(asked.map { ~$0 }, nonce: nonce, key: shared)
    let instead = JSONObject(["command": "authentication_response", "response": .string(Hex.encode(right))])
    return ([.text(id, JSONValue.object(instead).compact)], [])
  }

  private func open(_ message: [UInt8], _ key: SharedKey) -> [UInt8]? {
    guard let nonce = Nonce(bytes: message.prefix(24)) else { return nil }
    return SodiumBox().open(Array(message.dropFirst(24)), nonce: nonce, key: key)
  }

  private mutating func request(
    _ event: ServerEvent, _ id: ConnectionID, _ object: JSONObject?
  ) -> (events: [ServerEvent], actions: [ServerAction]) {
    requestCount += 1
    let target = object?["targetPublicKey"]?.string?.lowercased()
    clients[id]?.isRequester = true
    clients[id]?.relayKey = target
    if has(.wantsRegisteredRequester) {
      let source = object?["sourcePublicKey"]?.string
      guard clients.values.contains(where: { $0.isSpare && $0.key?.hex == source }) else { return end(id) }
    }
    if has(.forgetsSparesOnFlood), requestCount > 50 { return end(id) }
    if has(.limitsRelaysPerKey),
      clients.values.count(where: { $0.isRelay && !$0.isRequester && $0.relayKey == target }) >= 8
    {
      return end(id)
    }
    if has(.pushesBeforeResponse),
      let waiting = clients.first(where: {
        $0.value.challenge != nil && !$0.value.isSpare && $0.value.key?.hex == target
      })
    {
      return ([], [.text(waiting.key, #"{"command":"connection_handover"}"#)])
    }
    return ([event], [])
  }

  private mutating func onSpare(
    _ event: ServerEvent, _ id: ConnectionID, _ client: Client, _ object: JSONObject?, _ command: String?, _ now: Double
  ) -> (events: [ServerEvent], actions: [ServerAction]) {
    let isPong = command == "pong"
    if has(.ignoresPongs), isPong { return ([], []) }
    if has(.ignoresDecoratedPongs), isPong, object?.members.count ?? 0 > 1 { return ([], []) }
    if isPong { clients[id]?.awaitsPong = false }
    let isInvitation = command?.hasPrefix("invitation_") ?? false
    if has(.takesAnythingForPong), !isPong, !isInvitation { return ([.text(id, #"{"command":"pong"}"#)], []) }
    if has(.neverClosesFlood), !isPong, !isInvitation { return ([], []) }
    if has(.ignoresRevoke), command == "invitation_revoke" {
      let answer = JSONObject([
        "command": "invitation_revoked", "invitationId": object?["invitationId"] ?? .null,
      ])
      return ([], [.text(id, JSONValue.object(answer).compact)])
    }
    if has(.acceptsFromAnySocket), command == "invitation_accept", let request = object?["requestId"]?.string,
      let right = clients.first(where: { $0.value.inquiry == request && $0.value.key == client.key }),
      case .text(_, let text) = event
    {
      return ([.text(right.key, text)], [])
    }
    return ([event], [])
  }

  // MARK: Out of the machine

  /// The actions that are carried out instead of one of the machine's.
  mutating func out(_ action: ServerAction, _ now: Double) -> (actions: [ServerAction], events: [ServerEvent]) {
    guard !faults.isEmpty else { return ([action], []) }
    switch action {
    case .text(let id, let text): return outText(text, action, id, now)
    case .binary(let id, let bytes):
      guard has(.crossesRelays), let other = crossed(id) else { return ([action], []) }
      return ([.binary(other, bytes)], [])
    case .close(let id, _, let reason):
      let client = clients.removeValue(forKey: id)
      guard has(.timeoutDropsSiblings), client?.isSpare == true, client?.awaitsPong == true || reason == "timeout"
      else {
        return ([action], [])
      }
      var actions = [action]
      var events: [ServerEvent] = []
      for (other, spare) in clients where spare.isSpare && spare.key == client?.key {
        actions += end(other).actions
        events += end(other).events
      }
      return (actions, events)
    case .splice(let listener, let requester):
      clients[listener]?.isRelay = true
      clients[requester]?.isRelay = true
      return ([action], [])
    }
  }

  private func crossed(_ id: ConnectionID) -> ConnectionID? {
    guard let client = clients[id], client.isRelay else { return nil }
    let alike = order.filter { clients[$0]?.isRelay == true && clients[$0]?.isRequester == client.isRequester }
    guard alike.count > 1, let index = alike.firstIndex(of: id) else { return nil }
    return alike[(index + 1) % alike.count]
  }

  private mutating func outText(
    _ text: String, _ action: ServerAction, _ id: ConnectionID, _ now: Double
  ) -> (actions: [ServerAction], events: [ServerEvent]) {
    guard let client = clients[id] else { return ([action], []) }
    if client.isRelay {
      guard has(.crossesRelays), let other = crossed(id) else { return ([action], []) }
      return ([.text(other, text)], [])
    }
    guard let object = (try? JSONValue.parse(text))?.object, let command = object["command"]?.string else {
      return ([action], [])
    }
    switch command {
    case "authentication_request": clients[id]?.challenge = object["challenge"]?.string.flatMap { Hex.decode($0) }
    case "authentication_success":
      clients[id]?.isSpare = true
      if has(.limitsLifetime) { schedule(now + 1_800_000, id, .close(id, code: 1000, reason: "old")) }
      if has(.announcesOtherInterval), let interval = object["pingInterval"]?.number {
        let other = JSONObject(["command": "authentication_success", "pingInterval": .number(interval * 2)])
        return ([.text(id, JSONValue.object(other).compact)], [])
      }
    case "ping":
      clients[id]?.awaitsPong = true
      let newest = order.last { clients[$0]?.isSpare == true && clients[$0]?.key == client.key }
      if has(.pingsNewestOnly), newest != id { return ([], [.text(id, #"{"command":"pong"}"#)]) }
    case "invitation_request": clients[id]?.inquiry = object["requestId"]?.string
    case "connection_handover": return handover(action, id, client, now)
    default: break
    }
    return ([action], [])
  }

  private mutating func handover(
    _ action: ServerAction, _ id: ConnectionID, _ client: Client, _ now: Double
  ) -> (actions: [ServerAction], events: [ServerEvent]) {
    clients[id]?.isSpare = false
    clients[id]?.isRelay = true
    clients[id]?.relayKey = client.key?.hex
    if has(.pongTimeoutOnRelay) { schedule(now + settings.pongTimeout, id, .close(id, code: 1000, reason: "timeout")) }
    if has(.closesBusyRelays) {
      schedule(now + (settings.relayIdleTimeout ?? 120_000), id, .close(id, code: 1000, reason: "idle"))
    }
    guard has(.addsMemberToHandover) else { return ([action], []) }
    return ([.text(id, #"{"command":"connection_handover","time":1}"#)], [])
  }
}

extension ServerEvent {
  /// The connection that a message came from.
  var connection: ConnectionID? {
    switch self {
    case .text(let id, _), .binary(let id, _): id
    default: nil
    }
  }
}
