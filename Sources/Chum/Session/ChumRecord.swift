public import Microdata
public import Store
import Wire
import WireBytes

/// What the Chum object tells of one session (chum.md 2.11.1). A is always the writer (F16).
public struct ChumRecord: Sendable, Equatable {
  public private(set) var sentObjects: [ObjectHash] = []
  public private(set) var sentIdObjects: [ObjectHash] = []
  public private(set) var sentBlobs: [ObjectHash] = []
  public private(set) var sentClobs: [ObjectHash] = []
  public private(set) var receivedObjects: [ObjectHash] = []
  public private(set) var receivedIdObjects: [ObjectHash] = []
  public private(set) var receivedBlobs: [ObjectHash] = []
  public private(set) var receivedClobs: [ObjectHash] = []

  mutating func sent(_ args: [JSONValue], isId: Bool, _ limits: ChumLimits) {
    guard let hash = args.first?.string.flatMap({ ObjectHash(hex: $0) }) else { return }
    if isId { Self.add(hash, to: &sentIdObjects, limits) } else { Self.add(hash, to: &sentObjects, limits) }
  }

  mutating func sentFile(_ hash: ObjectHash, isText: Bool, _ limits: ChumLimits) {
    if isText { Self.add(hash, to: &sentClobs, limits) } else { Self.add(hash, to: &sentBlobs, limits) }
  }

  mutating func received(_ reference: Reference, _ limits: ChumLimits) {
    switch reference.kind {
    case .object: Self.add(reference.hash, to: &receivedObjects, limits)
    case .id: Self.add(reference.hash, to: &receivedIdObjects, limits)
    case .blob: Self.add(reference.hash, to: &receivedBlobs, limits)
    case .clob: Self.add(reference.hash, to: &receivedClobs, limits)
    }
  }

  private static func add(_ hash: ObjectHash, to list: inout [ObjectHash], _ limits: ChumLimits) {
    if list.count < limits.recordEntries { list.append(hash) }
  }

  public var isEmpty: Bool {
    [
      sentObjects, sentIdObjects, sentBlobs, sentClobs, receivedObjects, receivedIdObjects, receivedBlobs,
      receivedClobs,
    ].allSatisfy(\.isEmpty)
  }
}

extension ChumSession {
  /// The Chum object of the session; nil when it failed without a transfer (chum.md 2.11, step 6).
  public var chumObject: OneObject? {
    if failure != nil, record.isEmpty { return nil }
    if configuration.faults.contains(.noRecord) { return nil }
    let record = configuration.faults.contains(.recordIncomplete) ? ChumRecord() : record
    // Both lists go by the names of the instances, so that both peers write one identity (F39: unless they are equal).
    let isLocalFirst = Array(configuration.localInstance.utf16).lexicographicallyPrecedes(
      Array(configuration.remoteInstance.utf16))
    let instances = [configuration.localInstance, configuration.remoteInstance]
    let persons = [configuration.localPerson.hex, configuration.remotePerson.hex]
    func ordered(_ pair: [String]) -> OneValue { .array((isLocalFirst ? pair : pair.reversed()).map(OneValue.text)) }
    func bag(_ hashes: [ObjectHash]) -> OneValue { .array(hashes.map(OneValue.reference)) }
    return OneObject([
      "$type$": "Chum", "name": .text(configuration.name), "instance": ordered(instances),
      "person": ordered(persons), "highestRemoteTimestamp": 0, "AtoBObjects": bag(record.sentObjects),
      "AtoBIdObjects": bag(record.sentIdObjects), "AtoBBlob": bag(record.sentBlobs),
      "AtoBClob": bag(record.sentClobs), "BtoAObjects": bag(record.receivedObjects),
      "BtoAIdObjects": bag(record.receivedIdObjects), "BtoABlob": bag(record.receivedBlobs),
      "BtoAClob": bag(record.receivedClobs), "BtoAExists": 0,
      "statistics": .object(
        OneObject([
          "requestsReceivedInvalid": .number(Double(statistics.requestsReceivedInvalid)),
          "requestsReceivedTotal": .number(Double(statistics.requestsReceivedTotal)),
          "requestsSentTotal": .number(Double(statistics.requestsSentTotal)),
        ])),
      "errors": .array((importer.errors + (failure.map { [$0] } ?? [])).map(errorValue)),
    ])
  }

  /// An error as the record keeps it: without stack traces and paths in every profile (CF-076).
  private func errorValue(_ error: SyncError) -> OneValue {
    var object = OneObject(["message": .text(error.message), "name": .text(error.name)])
    if let code = error.code { object.set("code", .text(code)) }
    if configuration.faults.contains(.recordsPaths) { object.set("stack", "at f (/usr/lib/chum.js:1:1)") }
    if let cause = error.cause {
      var inner = OneObject(["message": .text(cause.message), "name": .text(cause.name)])
      if let code = cause.code { inner.set("code", .text(code)) }
      object.set("cause", .object(inner))
    }
    return .object(object)
  }

  /// Errors that the session met, whether kept or only counted.
  public var errorCount: Int { importer.errorCount }
  public var errors: [SyncError] { importer.errors }
  /// Rounds that were begun.
  public var rounds: Int { importer.round }
}

extension ChumHost {
  /// Writes the Chum object of a session that is over: the lists grow over sessions (F17).
  @discardableResult
  public mutating func storeChumObject(
    of session: ChumSession, now: Double
  ) throws(RepositoryFailure) -> (idHash: ObjectHash, data: ObjectHash)? {
    guard session.isOver, var object = session.chumObject else { return nil }
    let content: [UInt8]
    do throws(MicrodataError) { content = try repository.codec.write(object, as: .idObject) } catch {
      throw .microdata(error)
    }
    if let before = repository.currentVersion(ObjectHash.of(content)), let old = try? repository.object(before) {
      for name in Self.lists {
        let kept = old.hashes(name)
        let added = object.hashes(name).filter { !kept.contains($0) }
        object.set(name, .array((kept + added).map(OneValue.reference)))
      }
    }
    let (idHash, data, _) = try repository.storeVersion(object, now: now)
    do throws(StoreFailure) { try repository.store.commit() } catch { throw .store(error) }
    return (idHash, data)
  }

  private static var lists: [OneText] {
    [
      "AtoBObjects", "AtoBIdObjects", "AtoBBlob", "AtoBClob", "BtoAObjects", "BtoAIdObjects", "BtoABlob", "BtoAClob",
    ]
  }
}
