import Store
import Wire
import WireBytes

extension ChumSession {
  enum IncomingChunk {
    case text(String, String?)
    case binary([UInt8])
  }

  // MARK: Receiving files

  mutating func take<S: EntryStore>(
    _ binary: [UInt8], _ now: Int, _ host: inout ChumHost<S>, _ actions: inout [ChumAction]
  ) {
    guard binary.count >= 8 else { return takeShort(binary, now, &host, &actions) }
    let chunk: ChumBinaryChunk
    do throws(WireFailure) { chunk = try ChumBinaryChunk.decode(binary) } catch {
      return stray(error.code, &host, &actions)
    }
    guard let id = chunk.request else { return stray("a chunk with the id \(chunk.id)", &host, &actions) }
    takeChunk(id, .binary(chunk.data), now, &host, &actions)
  }

  /// A binary message without an id: deployed closes (F9); strict takes it as the failure of the file that is awaited,
  /// because published exporters send exactly that for every chunk (F47, CF-081).
  private mutating func takeShort<S: EntryStore>(
    _ binary: [UInt8], _ now: Int, _ host: inout ChumHost<S>, _ actions: inout [ChumAction]
  ) {
    guard configuration.profile == .strict else {
      let reason = "onMsgHandler error: RangeError: Invalid typed array length: 1"
      importer.fail(SyncError(name: "RangeError", message: "Invalid typed array length: 1", code: nil))
      actions.append(.close(reason: reason))
      return endSilently(&host)
    }
    guard let id = requests.oldestFile else {
      return stray("a binary message of \(binary.count) bytes", &host, &actions)
    }
    fail(id, SyncError(code: "CHUM-CHUNK", "A chunk of \(binary.count) bytes has no id"), now, &host, &actions)
  }

  private mutating func endSilently<S: EntryStore>(_ host: inout ChumHost<S>) {
    var ignored: [ChumAction] = []
    var error: SyncError?
    if case .failed(let failure) = importer.state { error = failure }
    end(error, &host, &ignored)
  }

  mutating func takeChunk<S: EntryStore>(
    _ id: Int, _ chunk: IncomingChunk, _ now: Int, _ host: inout ChumHost<S>, _ actions: inout [ChumAction]
  ) {
    guard var request = requests[id] else {
      if configuration.faults.contains(.keepsStrayFiles) { _ = try? host.repository.store.beginFile() }
      // What was on its way when we stopped a stream is no fault of the peer.
      if stopped.contains(id) { return }
      return stray("a chunk nobody asked for", &host, &actions)
    }
    let isStrict = configuration.profile == .strict
    guard request.file != nil || !isStrict else {
      return fail(id, SyncError(code: "CHUM-STREAM", "A stream for service \(request.service)"), now, &host, &actions)
    }
    let kind: OpenRequest.ChunkKind
    let data: [UInt8]
    switch chunk {
    case .binary(let bytes):
      kind = .binary
      data = bytes
    case .text(let text, let encoding):
      var isBase64 = encoding == "base64"
      if encoding == nil, case .text(let first)? = request.chunks { isBase64 = first }
      kind = .text(isBase64: isBase64)
      guard let decoded = isBase64 ? Base64.decode(text) : Array(text.utf8) else {
        return fail(id, SyncError(code: "CHUM-CHUNK", "A chunk that is no base64"), now, &host, &actions)
      }
      data = decoded
    }
    guard request.chunks == nil || request.chunks == kind else {
      return fail(id, SyncError(code: "CHUM-CHUNK", "Chunks of two kinds in one stream"), now, &host, &actions)
    }
    request.chunks = kind
    request.bytes += data.count
    receivedFileBytes += data.count
    guard request.bytes <= configuration.limits.file, receivedFileBytes <= configuration.limits.sessionFiles else {
      return fail(id, SyncError(code: "CHUM-SIZE", "More bytes than a file may have"), now, &host, &actions)
    }
    do throws(StoreFailure) {
      let ticket = try openFile(for: request, &host)
      request.ticket = ticket
      try host.repository.store.append(data, to: ticket)
    } catch {
      requests[id] = request
      return fail(id, SyncError(RepositoryFailure.store(error)), now, &host, &actions)
    }
    // A stream that goes on is alive; only silence is a fault.
    request.deadline = configuration.limits.requestTimeout.map { now + $0 }
    requests[id] = request
  }

  private func openFile<S: EntryStore>(
    for request: OpenRequest, _ host: inout ChumHost<S>
  ) throws(StoreFailure) -> FileTicket {
    if let ticket = request.ticket { return ticket }
    return try host.repository.store.beginFile()
  }

  /// Ends a stream that cannot go on: tells the callee to stop, removes the data, fails the request.
  private mutating func fail<S: EntryStore>(
    _ id: Int, _ error: SyncError, _ now: Int, _ host: inout ChumHost<S>, _ actions: inout [ChumAction]
  ) {
    guard let request = requests.remove(id) else { return }
    if let ticket = request.ticket { host.repository.store.abandonFile(ticket) }
    if stopped.count < 1_024 { stopped.insert(id) }
    actions.append(.sendText(ChumMessage.writeStreamError(id: id).text))
    hand(request, .failed(error), now, &host, &actions)
  }

  mutating func finishStream<S: EntryStore>(
    _ id: Int, _ now: Int, _ host: inout ChumHost<S>, _ actions: inout [ChumAction]
  ) {
    guard let request = requests.remove(id) else {
      if stopped.remove(id) != nil { return }
      return stray("a stream end nobody asked for", &host, &actions)
    }
    let isStrict = configuration.profile == .strict
    if isStrict, request.file == nil {
      if let ticket = request.ticket { host.repository.store.abandonFile(ticket) }
      return hand(
        request, .failed(SyncError(code: "CHUM-STREAM", "A stream for service \(request.service)")), now, &host,
        &actions)
    }
    do throws(StoreFailure) {
      // No chunk at all is the empty file (CF-024).
      let ticket = try openFile(for: request, &host)
      let kind: StoredKind = request.file?.kind ?? (request.chunks == .binary ? .blob : .clob)
      // Deployed stores first and compares afterwards (F8); strict stores nothing of another hash.
      let (hash, status) = try host.repository.store.finishFile(
        ticket, kind: kind,
        expected: isStrict && !configuration.faults.contains(.filesNotChecked) ? request.file?.expected : nil)
      hand(request, .file(hash, status), now, &host, &actions)
    } catch {
      hand(request, .failed(SyncError(RepositoryFailure.store(error))), now, &host, &actions)
    }
  }
}
