import Wire
import WireBytes

/// Carries out the planted faults that are about messages: it sits between a session and its connection.
///
/// It is a broken variant of the machine for self-tests and exists only where faults are set.
struct Saboteur: Sendable {
  enum Incoming: Sendable {
    case text(String)
    case binary([UInt8])
    /// Sent to the peer in place of the session.
    case say(ChumMessage)
    case close
  }

  let faults: Set<ChumFault>
  /// Our open requests and the peer's, by id: the service.
  private var ours: [Int: Int] = [:]
  private var theirs: [Int: Int] = [:]
  private var answered = 0
  private var nextId = 0
  private var isFirst = true
  private var isDeaf = false
  private var firstChunk: Double?
  private var lists: [String] = []
  private var listed: Set<String> = []
  private var chunked: Set<Int> = []
  private var collected: [Int: String] = [:]
  /// What the session is to hear next, as if it came from the peer.
  private(set) var echoes: [String] = []

  init(_ faults: Set<ChumFault>) { self.faults = faults }

  private func has(_ fault: ChumFault) -> Bool { faults.contains(fault) }

  mutating func takeEchoes() -> [String] {
    defer { echoes = [] }
    return echoes
  }

  // MARK: Incoming

  mutating func incoming(binary: [UInt8]) -> [Incoming] {
    if isDeaf { return [] }
    guard let chunk = try? ChumBinaryChunk.decode(binary) else {
      isDeaf = has(.hangsOnShortBinary)
      return isDeaf ? [] : [.binary(binary)]
    }
    let isAsked = chunk.request.map { ours[$0] == 8 } ?? false
    if !isAsked, has(.closesOnStray) { return [.close] }
    if has(.filesRefused) { return [] }
    if chunk.data.isEmpty, has(.emptyChunksFatal) { return [.close] }
    if let id = chunk.request { chunked.insert(id) }
    return [.binary(binary)]
  }

  mutating func incoming(text: String) -> [Incoming] {
    if isDeaf { return [] }
    if text == ChumMessage.controlText, isFirst { return [.text(text)] }
    if has(.closesOnLongText), text.utf8.count > 100_000 { return [.close] }
    guard var message = try? ChumMessage.decode(text) else {
      if has(.closesOnInvalid) { return [.close] }
      let error = ChumMessage.error(id: -1, name: "Error", message: "invalid", code: "INVALID")
      return has(.answersInvalid) ? [.say(error)] : [.text(text)]
    }
    if has(.wantsExactText), message.text != text { return [] }
    var text = text
    if has(.idsFromOne) {
      message = message.answering(-1)
      text = message.text
    }
    switch message {
    case .request(let id, let service, let args): return request(id, service, args, text)
    case .badArguments: return has(.ignoresBadArguments) || has(.silentExporter) ? [] : [.text(text)]
    case .writeStreamError:
      if has(.answersInvalid) {
        return [.say(.error(id: -1, name: "Error", message: "no stream", code: "INVALID"))]
      }
      return has(.streamsGoOn) ? [] : [.text(text)]
    case .data(let id, _), .error(let id, _, _, _), .stream(let id, _, _), .streamEnd(let id), .streamError(let id, _):
      guard let service = ours[id] else {
        if has(.closesOnStray) { return [.close] }
        let error = ChumMessage.error(id: -1, name: "Error", message: "unasked", code: "INVALID")
        return has(.answersInvalid) ? [.say(error)] : [.text(text)]
      }
      return answer(id, service, message, text)
    }
  }

  private mutating func request(_ id: Int, _ service: Int, _ args: [JSONValue]?, _ text: String) -> [Incoming] {
    if has(.silentExporter) || has(.wantsArguments) && args == nil { return [] }
    if has(.refusesMoreArguments), [1, 2, 3, 10].contains(service), !(args ?? []).isEmpty { return [] }
    if has(.wantsCountingIds), id != nextId { return [] }
    nextId += 1
    if service == 10, has(.finIgnored) { return [.say(.data(id: id, .string(ChumMessage.undefined)))] }
    theirs[id] = service
    return service == 10 && has(.finEndsAll) ? [.text(text), .close] : [.text(text)]
  }

  private mutating func answer(
    _ id: Int, _ service: Int, _ message: ChumMessage, _ text: String
  ) -> [Incoming] {
    let isLast: Bool
    switch message {
    case .stream(_, let chunk, let encoding):
      if service != 8, has(.streamsTakenAsData) {
        collected[id, default: ""] += chunk
        return []
      }
      if service == 8, has(.filesRefused) { return [] }
      if encoding != nil, !chunked.insert(id).inserted, has(.encodingOnceOnly) { return [.close] }
      isLast = false
    default: isLast = true
    }
    if isLast { ours[id] = nil }
    if service == 10, has(.asksBehindFin) {
      return [.text(text), .say(.request(id: id + 1, service: 2, args: []))]
    }
    if let whole = collected.removeValue(forKey: id) { return [.text(ChumMessage.data(id: id, .string(whole)).text)] }
    if case .streamEnd = message, has(.emptyFilesRefused), chunked.insert(id).inserted {
      return [.text(ChumMessage.streamError(id: id, text: "empty").text)]
    }
    switch service {
    case 1: return [.text(version(id, message) ?? text)]
    case 2: return roots(id, message, text)
    case 4, 5: return children(id, message, text)
    default: return [.text(text)]
    }
  }

  private func version(_ id: Int, _ message: ChumMessage) -> String? {
    if has(.versionNotChecked) { return ChumMessage.data(id: id, 8).text }
    guard case .error(_, let name, let text, let code) = message else { return nil }
    var changed = code
    if has(.repeatsAnyVersionError) { changed = "UNKNOWN-SERVICE" }
    if has(.versionNotRepeated), code == "UNKNOWN-SERVICE" { changed = "OTHER" }
    return ChumMessage.error(id: id, name: name, message: text, code: changed).text
  }

  private func roots(_ id: Int, _ message: ChumMessage, _ text: String) -> [Incoming] {
    var list: [RootEntry]?
    var isArray = false
    if case .data(_, .string(let content)) = message {
      list = try? RootEntry.decodeList(content)
      isArray = content.utf8.first == 0x5B && content.utf8.last == 0x5D && !content.utf8.starts(with: "[[".utf8)
      if has(.wantsExactLists), let list, RootEntry.encodeList(list) != content { return [.close] }
    }
    if has(.badListsIgnored), !isArray { return [.text(ChumMessage.data(id: id, "[]").text)] }
    if has(.stopsAtBadRoot), list?.allSatisfy({ Hex.isHash($0.key) }) != true { return [.close] }
    return [.text(text)]
  }

  private func children(_ id: Int, _ message: ChumMessage, _ text: String) -> [Incoming] {
    let empty = ChumMessage.data(id: id, "[]").text
    if has(.childrenNotFetched) { return [.text(empty)] }
    guard case .data(_, .string(let content)) = message, let list = try? ChildEntry.decodeList(content) else {
      return [.text(has(.listsRepaired) ? empty : text)]
    }
    return has(.wantsExactLists) && ChildEntry.encodeList(list) != content ? [.close] : [.text(text)]
  }

  // MARK: Outgoing

  mutating func outgoing(_ actions: [ChumAction]) -> [ChumAction] {
    var out: [ChumAction] = []
    if isFirst, has(.controlTextTwice), !actions.isEmpty { out.append(.sendText(ChumMessage.controlText)) }
    if actions.contains(where: { $0 != .sendText(ChumMessage.controlText) }) { isFirst = false }
    for action in actions {
      switch action {
      case .sendText(let text):
        guard let message = try? ChumMessage.decode(text) else {
          out.append(action)
          continue
        }
        out += say(message, action)
      case .sendBinary(let bytes): out.append(.sendBinary(chunk(bytes)))
      case .sendEmptyFragments: out.append(action)
      case .close: out.append(has(.closesMutely) ? .close(reason: "") : action)
      }
    }
    return out
  }

  private mutating func chunk(_ bytes: [UInt8]) -> [UInt8] {
    guard let chunk = try? ChumBinaryChunk.decode(bytes) else { return bytes }
    if has(.idsBigEndian) { return Array(bytes.prefix(8).reversed()) + bytes.dropFirst(8) }
    guard has(.streamsMixed) else { return bytes }
    firstChunk = firstChunk ?? chunk.id
    return ChumBinaryChunk(id: firstChunk ?? chunk.id, data: chunk.data).bytes
  }

  private mutating func say(_ message: ChumMessage, _ action: ChumAction) -> [ChumAction] {
    func texts(_ messages: ChumMessage...) -> [ChumAction] { messages.map { .sendText($0.text) } }
    switch message {
    case .request(let id, let service, let args): return ask(id, service, args ?? [], action)
    case .data(let id, let value):
      let service = theirs.removeValue(forKey: id)
      answered += 1
      if has(.answersHalf), answered % 2 == 0 { return [] }
      if service == 10, has(.finUnanswered) { return [] }
      if service == 1, has(.answersVersionSeven) { return texts(.data(id: id, 7)) }
      let changed = ChumMessage.data(id: id, list(service, value))
      return has(.answersTwice) ? texts(changed, changed) : texts(changed)
    case .error(let id, _, _, let code):
      theirs[id] = nil
      answered += 1
      if has(.closesOnError) { return [.close(reason: "error")] }
      if has(.silentAboutServices), code == "UNKNOWN-SERVICE" { return [] }
      if has(.answersHalf), answered % 2 == 0 { return [] }
      return has(.answersTwice) ? texts(message, message) : [action]
    case .stream(let id, let chunk, let encoding):
      if has(.encodingInEveryChunk) { return texts(.stream(id: id, chunk: chunk, encoding: "utf8")) }
      guard has(.chunksCutCharacters), chunk.utf8.count > 8 else { return [action] }
      // Two bytes of a character on either side of the cut.
      let bytes = Array(chunk.utf8)
      let place = bytes.indices.first { $0 > 4 && bytes[$0] & 0xC0 == 0x80 } ?? 5
      return texts(
        .stream(id: id, chunk: String(decoding: bytes[..<place], as: UTF8.self), encoding: encoding),
        .stream(id: id, chunk: String(decoding: bytes[place...], as: UTF8.self), encoding: nil))
    case .streamEnd: return has(.noStreamEnd) ? [] : [action]
    default: return [action]
    }
  }

  private mutating func ask(_ id: Int, _ service: Int, _ args: [JSONValue], _ action: ChumAction) -> [ChumAction] {
    if service == 1, has(.versionNotAsked) {
      ours[id] = 1
      echoes.append(ChumMessage.data(id: id, 8).text)
      return []
    }
    ours[id] = service
    let number = has(.idsFromOne) ? id + 1 : id
    var wanted = service
    var arguments: [JSONValue]? = args
    if has(.idObjectsByObjectService), service == 5 || service == 7 { wanted -= 1 }
    if has(.sentinelOmitted), service == 8 { arguments = [args[0]] }
    if has(.argsOmitted), args.isEmpty {
      return [.sendText(#"{"requestId":\#(number),"type":"request","serviceId":\#(wanted)}"#)]
    }
    return [.sendText(ChumMessage.request(id: number, service: wanted, args: arguments).text)]
  }

  /// What becomes of the answer to service 2, 4 and 5.
  private mutating func list(_ service: Int?, _ value: JSONValue) -> JSONValue {
    guard let service, [2, 4, 5].contains(service), case .string(let text) = value else { return value }
    if has(.rootsNotText) {
      return (try? JSONValue.parse(text, limits: JSONLimits(depth: 8, values: 1_000_000))) ?? value
    }
    guard service == 2 else {
      guard var entries = try? ChildEntry.decodeList(text) else { return value }
      if has(.childrenIncomplete), !entries.isEmpty { entries.removeLast() }
      if has(.childrenOfOneKind) { entries = entries.map { ChildEntry(kind: .object, hash: $0.hash) } }
      return .string(ChildEntry.encodeList(entries))
    }
    guard var entries = try? RootEntry.decodeList(text) else { return value }
    if has(.rootsIncomplete) { entries = Array(entries.prefix(1)) }
    if has(.rootsRepeated) { entries += entries }
    if has(.rootsReversed) { entries.reverse() }
    if has(.rootsOnlyNews) { entries.removeAll { !listed.insert($0.key).inserted } }
    let changed = RootEntry.encodeList(entries)
    lists.append(changed)
    return .string(has(.rootsOnlyOnce) ? lists[0] : changed)
  }
}

extension ChumMessage {
  /// The same answer for the request so many places away.
  fileprivate func answering(_ offset: Int) -> ChumMessage {
    switch self {
    case .data(let id, let value): .data(id: id &+ offset, value)
    case .error(let id, let name, let message, let code):
      .error(id: id &+ offset, name: name, message: message, code: code)
    case .stream(let id, let chunk, let encoding): .stream(id: id &+ offset, chunk: chunk, encoding: encoding)
    case .streamEnd(let id): .streamEnd(id: id &+ offset)
    case .streamError(let id, let text): .streamError(id: id &+ offset, text: text)
    default: self
    }
  }
}
