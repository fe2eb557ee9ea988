import Cryptobox
import Foundation
import Microdata
import Recording
import Store
import Trace
import Wire
import WireBytes

/// The CHUM of one recorded connection, as the client of that connection saw it.
struct RecordedLeg: Sendable {
  struct Message: Sendable {
    let time: Int
    /// From the client whose machine we stand in for.
    let isOwn: Bool
    let payload: Reassembler.Message
  }
  let recording: String
  let conn: String
  /// Whose keys the client of the connection used, as the header names them; `mallory` is a script, not an instance.
  var role = "?"
  var isByHand: Bool { role == "mallory" }
  var messages: [Message] = []
  /// Closes that are no answers to the other side's.
  var closes: [(time: Int, isOwn: Bool, reason: String)] = []

  /// Decoded texts; nil for binary messages and for what is no CHUM message.
  static func decode(_ message: Message) -> ChumMessage? {
    guard case .text(let text) = message.payload else { return nil }
    return try? ChumMessage.decode(text)
  }

  var ownRequestCount: Int { requestCount(isOwn: true) }
  var foreignRequestCount: Int { requestCount(isOwn: false) }

  private func requestCount(isOwn: Bool) -> Int {
    messages.count { message in
      guard message.isOwn == isOwn, case .request? = Self.decode(message) else { return false }
      return true
    }
  }
}

/// A whole recording: its legs with CHUM, and every content that travelled in it.
struct RecordedChum: Sendable {
  let name: String
  var legs: [RecordedLeg] = []
  /// Content by its hash: object and ID texts, and the files of whole streams.
  var pool: [ObjectHash: [UInt8]] = [:]
  var files: [ObjectHash: StoredKind] = [:]
  let header: JSONValue

  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures/Recordings")

  /// Every recording whose connections carry CHUM requests; found by reading, not by name.
  static let names: [String] = {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return files.filter { $0.hasSuffix(".ndjson") && !$0.hasSuffix(".plain.ndjson") }
      .map { String($0.dropLast(".ndjson".count)) }.sorted()
  }()

  /// Every recording, read once.
  private static let read: [String: RecordedChum] = {
    var all: [String: RecordedChum] = [:]
    for name in names { all[name] = try? RecordedChum(reading: name) }
    return all
  }()

  init(_ name: String) throws {
    guard let known = Self.read[name] else {
      self = try RecordedChum(reading: name)
      return
    }
    self = known
  }

  private init(reading name: String) throws {
    self.name = name
    let bytes = [UInt8](try Data(contentsOf: Self.folder.appendingPathComponent("\(name).ndjson")))
    header = try JSONValue.parse(Array(bytes.prefix { $0 != 0x0A }))
    var reader = try SessionReader(MemorySource(bytes))
    var byConn: [String: Int] = [:]
    var roles: [String: String] = [:]
    var owners: [String: String] = [:]
    for key in header["keys"]?["x25519"]?.array ?? [] { owners[key["pub"]?.string ?? ""] = key["role"]?.string }
    while try reader.next() {
      var plain: Reassembler.Message?
      for event in reader.analyzer.events {
        switch event.kind {
        case .encrypted(let channel):
          roles[event.conn] = owners[(channel.clientIsInitiator ? channel.source : channel.target) ?? ""] ?? "?"
        case .plain(let message, _): plain = message
        case .controlText, .requested, .requestedBadly, .responded, .chunk, .streamEnded, .streamStopped,
          .invalidMessage, .invalidChunk:
          guard let payload = plain else { continue }
          plain = nil
          let index = byConn[event.conn] ?? legs.count
          if index == legs.count {
            byConn[event.conn] = index
            legs.append(RecordedLeg(recording: name, conn: event.conn, role: roles[event.conn] ?? "?"))
          }
          legs[index].messages.append(
            .init(time: Int(event.time), isOwn: event.direction == .fromClient, payload: payload))
        case .closed(_, let reason, let isEcho):
          guard !isEcho, let index = byConn[event.conn] else { continue }
          legs[index].closes.append((Int(event.time), event.direction == .fromClient, reason))
        default: break
        }
      }
    }
    for leg in legs { collect(leg) }
    try addFirstVersions()
    legs.removeAll { $0.ownRequestCount + $0.foreignRequestCount == 0 }
  }

  /// Adds versions that hold nothing but ID properties, such as a channel before its first message: both sides made
  /// them by themselves, and another version of the object tells what they hold.
  private mutating func addFirstVersions() throws {
    let codec = try MicrodataObjectCodec.standard(.deployed)
    let wanted = Set(
      pool.values.compactMap { (try? codec.read($0, as: .object)).flatMap { VersionNode($0)?.data } }
    ).subtracting(pool.keys)
    for content in pool.values {
      guard let idContent = try? codec.idContent(of: content), let object = try? codec.read(idContent, as: .idObject),
        let first = try? codec.write(object, as: .object)
      else { continue }
      let hash = ObjectHash.of(first)
      if wanted.contains(hash) { pool[hash] = first }
    }
  }

  private mutating func collect(_ leg: RecordedLeg) {
    struct Stream {
      let hash: ObjectHash?
      let isText: Bool
      var bytes: [UInt8] = []
    }
    var streams: [[Int: Stream]] = [[:], [:]]
    for message in leg.messages {
      let asker = message.isOwn ? 1 : 0
      if case .binary(let bytes) = message.payload, let chunk = try? ChumBinaryChunk.decode(bytes),
        let id = chunk.request
      {
        streams[asker][id]?.bytes += chunk.data
        continue
      }
      switch RecordedLeg.decode(message) {
      case .request(let id, 8, let args?)?:
        let isText = args.count > 1 && args[1] == "utf8"
        streams[message.isOwn ? 0 : 1][id] = Stream(
          hash: args.first?.string.flatMap { ObjectHash(hex: $0) }, isText: isText)
      case .data(_, .string(let text))?:
        let content = Array(text.utf8)
        if ObjectHead.form(content) != nil { pool[ObjectHash.of(content)] = content }
      case .stream(let id, let chunk, _)?: streams[asker][id]?.bytes += Array(chunk.utf8)
      case .streamEnd(let id)?:
        guard let stream = streams[asker].removeValue(forKey: id) else { continue }
        let hash = ObjectHash.of(stream.bytes)
        guard hash == stream.hash else { continue }
        if ObjectHead.form(stream.bytes) != nil {
          pool[hash] = stream.bytes
        } else if files[hash] == nil || !stream.isText {
          pool[hash] = stream.bytes
          files[hash] = stream.isText ? .clob : .blob
        }
      default: break
      }
    }
  }
}
