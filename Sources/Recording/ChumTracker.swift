import Cryptobox
import Trace
import Wire
import WireBytes

/// Pairs requests with answers on one connection and derives the events of chum.md 5.1 marked X.
struct ChumTracker {
  /// A request without a terminal answer.
  private final class Open {
    let service: Int
    /// The first argument, a hash for the services 4–8.
    let hash: String
    let isClob: Bool
    let digest: StreamDigest?

    init(service: Int, args: [JSONValue]?) {
      self.service = service
      hash = args?.first?.string ?? ""
      let encoding = (args?.count ?? 0) > 1 ? args?[1].string : nil
      isClob = encoding != nil && encoding != ChumMessage.undefined
      digest = service == 8 ? StreamDigest() : nil
    }
  }

  private let limits: RecordingLimits
  /// By direction of the request, then by id.
  private var open: [[Int: Open]] = [[:], [:]]
  private var rounds = [0, 0]

  init(limits: RecordingLimits) { self.limits = limits }

  mutating func text(_ text: String, _ direction: Direction, _ sink: inout EventSink) {
    let message: ChumMessage
    do throws(WireFailure) { message = try ChumMessage.decode(text) } catch { return sink.emit(.invalidMessage(error)) }
    let asker = Int(direction.opposite.rawValue)
    switch message {
    case .request(let id, let service, let args): request(id, service, args, direction, &sink)
    case .badArguments(let id, let service):
      remember(id, Open(service: service, args: nil), direction)
      sink.emit(.requestedBadly(id: id, service: service))
    case .data(let id, let value):
      sink.emit(.responded(id: id, .data(value, bytes: text.utf8.count)))
      if let request = open[asker].removeValue(forKey: id) { answered(id, request, value, asker, &sink) }
    case .error(let id, let name, let message, let code):
      sink.emit(.responded(id: id, .error(name: name, message: message, code: code)))
      if let request = open[asker].removeValue(forKey: id), (4...8).contains(request.service) {
        sink.emit(.refused(service: request.service, hash: request.hash, code: code))
      }
    case .stream(let id, let chunk, let encoding):
      open[asker][id]?.digest?.update(Array(chunk.utf8))
      sink.emit(.chunk(id: id, .text(length: chunk.utf8.count, encoding: encoding)))
    case .streamEnd(let id): streamEnd(id, ok: true, asker, &sink)
    case .streamError(let id, _): streamEnd(id, ok: false, asker, &sink)
    case .writeStreamError(let id): sink.emit(.streamStopped(id: id))
    }
  }

  mutating func binary(_ bytes: [UInt8], _ direction: Direction, _ sink: inout EventSink) {
    let chunk: ChumBinaryChunk
    do throws(WireFailure) { chunk = try ChumBinaryChunk.decode(bytes) } catch {
      return sink.emit(.invalidChunk(length: bytes.count, error))
    }
    guard let id = chunk.request else {
      return sink.emit(
        .invalidChunk(
          length: bytes.count, WireFailure("chum.bad-chunk-id", "chum.md 1.3.6", "the id is \(chunk.id)")))
    }
    open[Int(direction.opposite.rawValue)][id]?.digest?.update(chunk.data)
    sink.emit(.chunk(id: id, .binary(length: chunk.data.count)))
  }

  private mutating func request(
    _ id: Int, _ service: Int, _ args: [JSONValue]?, _ direction: Direction, _ sink: inout EventSink
  ) {
    let request = Open(service: service, args: args)
    remember(id, request, direction)
    sink.emit(.requested(id: id, service: service, args: args))
    switch service {
    case 2:
      rounds[Int(direction.rawValue)] += 1
      sink.emit(.roundStarted(number: rounds[Int(direction.rawValue)]))
    case 6: sink.emit(.objectRequested(.object, hash: request.hash, id: id))
    case 7: sink.emit(.objectRequested(.id, hash: request.hash, id: id))
    case 8: sink.emit(.objectRequested(request.isClob ? .clob : .blob, hash: request.hash, id: id))
    default: break
    }
  }

  private mutating func remember(_ id: Int, _ request: Open, _ direction: Direction) {
    let side = Int(direction.rawValue)
    guard open[side].count < limits.openRequests || open[side][id] != nil else { return }
    open[side][id] = request
  }

  private mutating func streamEnd(_ id: Int, ok: Bool, _ asker: Int, _ sink: inout EventSink) {
    sink.emit(.streamEnded(id: id, ok: ok))
    guard let request = open[asker].removeValue(forKey: id), ok, let digest = request.digest else { return }
    let length = digest.length
    sink.emit(
      .objectSent(
        SentObject(
          kind: request.isClob ? .clob : .blob, hash: request.hash, sha256: digest.finish(), length: length, text: nil))
    )
  }

  private func answered(_ id: Int, _ request: Open, _ value: JSONValue, _ asker: Int, _ sink: inout EventSink) {
    switch request.service {
    case 1: sink.emit(value == .number(8) ? .versionAgreed : .versionRejected(value))
    case 2: roots(value, asker, &sink)
    case 4, 5: children(of: request.hash, value, &sink)
    case 6, 7:
      guard case .string(let text) = value, text != ChumMessage.undefined else {
        return sink.emit(
          .answerFault(
            id: id, service: request.service,
            WireFailure("answer.not-a-text", "chum.md 2.2", "a JSON \(value.kindName), not a microdata text")))
      }
      sink.emit(
        .objectSent(
          SentObject(
            kind: request.service == 6 ? .object : .id, hash: request.hash, sha256: SHA256.hex(text),
            length: text.utf8.count, text: text)))
    case 8:
      sink.emit(
        .answerFault(
          id: id, service: 8, WireFailure("answer.not-a-stream", "chum.md 2.2", "data, where a stream is due")))
    default: break
    }
  }

  private func roots(_ value: JSONValue, _ asker: Int, _ sink: inout EventSink) {
    let round = rounds[asker]
    guard case .string(let text) = value else {
      return sink.emit(
        .rootsFault(WireFailure("roots.not-a-string", "chum.md 2.2", "a JSON \(value.kindName), not a string")))
    }
    do throws(WireFailure) {
      let entries = try RootEntry.decodeList(text)
      for entry in entries { sink.emit(.announced(entry, round: round)) }
      sink.emit(.rootsListed(round: round, count: entries.count))
    } catch {
      sink.emit(.rootsFault(error))
    }
  }

  private func children(of parent: String, _ value: JSONValue, _ sink: inout EventSink) {
    guard case .string(let text) = value else {
      return sink.emit(
        .childrenFault(
          parent: parent,
          WireFailure("children.not-a-string", "chum.md 2.2", "a JSON \(value.kindName), not a string")))
    }
    do throws(WireFailure) {
      let entries = try ChildEntry.decodeList(text)
      for (index, entry) in entries.enumerated() { sink.emit(.childListed(parent: parent, entry, index: index)) }
      sink.emit(.childrenListed(parent: parent, count: entries.count))
    } catch {
      sink.emit(.childrenFault(parent: parent, error))
    }
  }
}
