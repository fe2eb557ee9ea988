import Store
import Wire
import WireBytes

extension ChumSession {
  // MARK: Sending

  mutating func send(_ calls: [ImportCall], _ now: Int, _ actions: inout [ChumAction]) {
    for call in calls {
      let id = requests.add(
        OpenRequest(
          service: call.service, purpose: call.purpose, file: call.file,
          deadline: configuration.limits.requestTimeout.map { now + $0 }))
      statistics.requestsSentTotal += 1
      actions.append(.sendText(ChumMessage.request(id: id, service: call.service, args: call.args).text))
    }
  }

  /// Sends pieces of files as long as the socket takes them.
  mutating func pump<S: EntryStore>(
    _ now: Int, _ unsent: Int, _ host: inout ChumHost<S>, _ actions: inout [ChumAction]
  ) {
    var unsent = unsent
    let isPaced = !configuration.faults.contains(.neverPauses)
    while let piece = streams.pull(
      now, unsent: isPaced ? unsent : 0, chunkSize: configuration.chunkSize, host.repository.store)
    {
      switch piece {
      case .text(let id, let chunk, let encoding):
        // A piece may hold no whole character yet; nothing is sent for it.
        if chunk.isEmpty { continue }
        unsent += chunk.utf8.count
        actions.append(.sendText(ChumMessage.stream(id: id, chunk: chunk, encoding: encoding).text))
      case .binary(let id, let data):
        unsent += data.count + 8
        actions.append(
          configuration.sendsEmptyChunks
            ? .sendEmptyFragments : .sendBinary(ChumBinaryChunk(id: Double(id), data: data).bytes))
      case .ended(let stream):
        record.sentFile(stream.hash, isText: stream.isText, configuration.limits)
        actions.append(.sendText(ChumMessage.streamEnd(id: stream.id).text))
      case .broken(let stream):
        // The deployed record lists a failed stream as sent all the same (F18).
        if configuration.profile == .deployed {
          record.sentFile(stream.hash, isText: stream.isText, configuration.limits)
        }
        actions.append(.sendText(ChumMessage.streamError(id: stream.id, text: Self.streamErrorText).text))
      }
    }
  }

  static let streamErrorText = "Error while reading the file stream"

  // MARK: Receiving text

  mutating func take<S: EntryStore>(
    _ text: String, _ now: Int, _ host: inout ChumHost<S>, _ actions: inout [ChumAction]
  ) {
    guard text.utf8.count <= configuration.limits.textAnswer + 65_536 else {
      return stray("a text of \(text.utf8.count) bytes", &host, &actions)
    }
    let message: ChumMessage
    do throws(WireFailure) { message = try ChumMessage.decode(text) } catch {
      statistics.requestsReceivedInvalid += 1
      return stray(error.code, isCounted: false, &host, &actions)
    }
    switch message {
    case .request(let id, let service, let args):
      statistics.requestsReceivedTotal += 1
      serve(id, service, args ?? [], now, &host, &actions)
    case .badArguments(let id, let service):
      statistics.requestsReceivedTotal += 1
      let isKnown = exporter.isServing && Exporter.services.contains(service) && now >= servicesReady
      let error = isKnown ? ServiceError.badArguments : .unknownService(service)
      actions.append(.sendText(error.message(id: id).text))
    case .writeStreamError(let id):
      statistics.requestsReceivedTotal += 1
      if streams.remove(id) {
        actions.append(.sendText(ChumMessage.streamError(id: id, text: Self.streamErrorText).text))
      }
    case .data(let id, let value): answer(id, .value(value), now, &host, &actions)
    case .error(let id, let name, let message, let code):
      let limit = configuration.faults.contains(.errorsKeptWhole) ? Int.max : 4_000
      let cause = ServiceError(
        name: excerpt(name ?? "Error", 200), message: excerpt(message ?? "", limit), code: code.map { excerpt($0, 200) }
      )
      answer(id, .failed(.answered(cause)), now, &host, &actions)
    case .stream(let id, let chunk, let encoding):
      takeChunk(id, .text(chunk, encoding), now, &host, &actions)
    case .streamEnd(let id): finishStream(id, now, &host, &actions)
    case .streamError(let id, _):
      answer(
        id, .failed(SyncError(code: "WSRQ-SEH1", "Remote stream error")), now, &host, &actions)
    }
  }

  private mutating func serve<S: EntryStore>(
    _ id: Int, _ service: Int, _ args: [JSONValue], _ now: Int, _ host: inout ChumHost<S>,
    _ actions: inout [ChumAction]
  ) {
    guard now >= servicesReady else {
      return actions.append(.sendText(ServiceError.unknownService(service).message(id: id).text))
    }
    if service == 3, configuration.imports {
      // Served by the importer, called by nobody; it costs no work (AT-33).
      return actions.append(.sendText(ChumMessage.data(id: id, .string(ChumMessage.undefined)).text))
    }
    noteProgress(service, now)
    switch exporter.call(service, args, &host, &logs) {
    case .data(let value):
      if service == 6 || service == 7 { record.sent(args, isId: service == 7, configuration.limits) }
      if service == 2, configuration.keepsLists {
        listCount += 1
        lastList = value.string
      }
      actions.append(.sendText(ChumMessage.data(id: id, value).text))
    case .error(let error):
      if error.code?.hasPrefix("WSP-ONCL") != true, error.code != "UNKNOWN-SERVICE" {
        importer.record(SyncError(name: error.name, message: error.message, code: error.code))
      }
      actions.append(.sendText(error.message(id: id).text))
    case .stream(let hash, let isText):
      if streams.contains(id), !configuration.faults.contains(.streamIdsShared) {
        let error = ServiceError(code: "WSRQ-CRSTH1", "Read stream already exists for #\(id)")
        actions.append(.sendText(error.message(id: id).text))
      } else if streams.count >= configuration.limits.outgoingStreams {
        actions.append(.sendText(ServiceError(code: "CES-LIMIT", "Too many streams").message(id: id).text))
      } else {
        streams.add(id, hash, isText: isText)
      }
    case .finished:
      actions.append(.sendText(ChumMessage.data(id: id, .string(ChumMessage.undefined)).text))
    }
  }

  /// A root list behind which nothing was fetched says that the peer has all of it.
  private mutating func noteProgress(_ service: Int, _ now: Int) {
    switch service {
    case 2:
      if let lastListAt, servedSinceList == 0 { peerIsCaughtUpTo = lastListAt }
      lastListAt = now
      servedSinceList = 0
    case 4...8: servedSinceList += 1
    default: break
    }
  }

  /// Files on their way: bytes so far, and for outgoing ones the entry's hash.
  public var transfers: [FileTransfer] {
    streams.streams.map { FileTransfer(hash: $0.hash, isIncoming: false, bytes: $0.offset) } + requests.transfers
  }

  // MARK: Answers

  /// The terminal answer of a request of ours; one that nobody asked for is dropped.
  mutating func answer<S: EntryStore>(
    _ id: Int, _ answer: ImportAnswer, _ now: Int, _ host: inout ChumHost<S>, _ actions: inout [ChumAction]
  ) {
    guard let request = requests.remove(id) else {
      if stopped.remove(id) != nil { return }
      return stray("an answer nobody asked for", &host, &actions)
    }
    var answer = answer
    if case .version = request.purpose { requests.forgetVersionRequests() }
    if let ticket = request.ticket {
      host.repository.store.abandonFile(ticket)
      // Data behind chunks: deployed takes the data, strict fails the request (AT-32).
      if configuration.profile == .strict, case .value = answer {
        answer = .failed(SyncError(code: "CHUM-STREAM", "Data after the chunks of a stream"))
      }
    }
    hand(request, answer, now, &host, &actions)
  }

  mutating func hand<S: EntryStore>(
    _ request: OpenRequest, _ answer: ImportAnswer, _ now: Int, _ host: inout ChumHost<S>,
    _ actions: inout [ChumAction]
  ) {
    var calls: [ImportCall] = []
    let logged = logs.count
    importer.answered(request.purpose, answer, at: now, &host, &calls, &logs)
    for case .received(let reference, _) in logs[logged...] { record.received(reference, configuration.limits) }
    send(calls, now, &actions)
    guard configuration.commitsEachAnswer else { return }
    do throws(StoreFailure) { try host.repository.store.commit() } catch {
      end(SyncError(RepositoryFailure.store(error)), &host, &actions)
    }
  }

  /// Drops a message without a meaning; too many of them close (CF-020).
  mutating func stray<S: EntryStore>(
    _ what: String, isCounted: Bool = true, _ host: inout ChumHost<S>, _ actions: inout [ChumAction]
  ) {
    if logs.count < 10_000 { logs.append(.stray(what)) }
    guard isCounted else { return }
    strayCount += 1
    if strayCount >= configuration.limits.strayMessages {
      end(SyncError(code: "CHUM-STRAY", "\(strayCount) messages without a meaning"), &host, &actions)
    }
  }
}
