import Chum
import Instance
import Microdata
import Store
public import Trace
import Wire
import WireBytes

/// The events of the instance log (chum.md 5.1, source L) in the form of `Fixtures/Recordings/LOG.md`.
extension SyncInstance {
  /// Who this is, and what is there before anything happens.
  mutating func logStart() {
    guard settings.writesLog else { return }
    for identity in core.keychain.identities {
      guard let person = ObjectHash(hex: identity.personId) else { continue }
      var groups: [String: String] = [:]
      groups["iom"] = rights.ownGroup?.hex
      groups["everyone"] = rights.everyoneGroup?.hex
      let ready = LogIdentity(
        person: identity.personId, instance: identity.instanceId, profile: (try? profileId(person))?.hex,
        authority: GrantAuthority.standardName, groups: groups)
      log(.identityReady(ready))
    }
    let start = snapshot("start")
    log(.storeSnapshot(start))
  }

  mutating func logStored(_ reference: Reference, _ status: StoreStatus, isReceived: Bool, on id: SocketID?) {
    guard settings.writesLog else { return }
    let entry = host.repository.store.entry(reference.hash)
    var stored = LogStoredObject(
      kind: reference.kind.logged, hash: reference.hash.hex, viaChum: isReceived, status: status.rawValue)
    if let type = entry?.type, !type.isEmpty { stored.type = type }
    // What the store holds of microdata is small; BLOBs are not looked into.
    if reference.kind == .object || reference.kind == .id,
      let content = try? host.repository.store.content(reference.hash)
    {
      stored.references = References.scan(content).map(\.hash.hex)
      if reference.kind == .object { stored.idHash = (try? host.repository.idHash(of: content))??.hex }
    }
    log(.objectStored(stored), on: id)
  }

  /// A head was set; the objects that this instance made for it itself come first.
  mutating func logVersion(
    _ idHash: ObjectHash, _ type: String, _ data: ObjectHash, _ node: ObjectHash, _ origin: StoreEvent.Origin,
    on id: SocketID?
  ) {
    guard settings.writesLog, let value = try? host.repository.versionNode(node) else { return }
    if origin == .local { logStored(Reference(kind: .id, hash: idHash), .exists, isReceived: false, on: nil) }
    for hash in [data, node] where origin == .local || !receivedNow.contains(hash) {
      logStored(Reference(kind: .object, hash: hash), .new, isReceived: false, on: nil)
    }
    var head = LogHead(
      idHash: idHash.hex, node: node.hex, nodeType: value.type, depth: Int(exactly: value.depth), data: data.hex,
      viaChum: origin == .chum)
    if type == "ChannelInfo", let entries = try? channels.entries(of: idHash, in: host.repository), entries.count <= 500
    {
      head.entries = entries.map { LogEntry($0) }
    }
    log(.headSet(head), on: id)
  }

  mutating func logChumObject(_ idHash: ObjectHash, _ hash: ObjectHash, on id: SocketID) {
    guard settings.writesLog, let object = try? host.repository.object(hash) else { return }
    var lists: [String: [String]] = [:]
    for way in ["AtoB", "BtoA"] {
      for kind in ["Objects", "IdObjects", "Blob", "Clob"] {
        lists[way + kind] = object.hashes(OneText(way + kind)).map(\.hex)
      }
    }
    log(.chumStored(LogChumObject(idHash: idHash.hex, hash: hash.hex, lists: lists)), on: id)
  }

  /// Everything that the store holds now; without the inventory when that would fill a disk.
  public func snapshot(_ when: String, limit: Int = 100_000) -> LogSnapshot {
    let repository = host.repository
    var snapshot = LogSnapshot(when: when)
    guard repository.store.count <= limit else { return snapshot }
    var grants: [ObjectHash] = []
    var groups: [ObjectHash] = []
    _ = try? repository.store.forEachEntry { hash, entry in
      snapshot.inventory.append(.init(hash: hash.hex, kind: entry.kind.logged, length: entry.size))
      if entry.kind == .idObject, entry.type == "Access" || entry.type == "IdAccess" { grants.append(hash) }
      if entry.kind == .idObject, entry.type == "Group" { groups.append(hash) }
      return true
    }
    var heads: [(ObjectHash, ObjectHash)] = []
    _ = try? repository.store.forEachHead { idHash, node in
      heads.append((idHash, node))
      return true
    }
    for (idHash, node) in heads {
      let value = try? repository.versionNode(node)
      snapshot.heads.append(
        LogHead(
          idHash: idHash.hex, node: node.hex, nodeType: value?.type, depth: value.flatMap { Int(exactly: $0.depth) },
          data: value?.data.hex))
    }
    for idHash in grants {
      guard let version = repository.currentVersion(idHash),
        let grant = (try? repository.object(version)).flatMap({ Grant(reading: $0) })
      else { continue }
      snapshot.grants.append(
        .init(
          subject: grant.subject.hash.hex, subjectKind: grant.subject.logged, persons: grant.persons.map(\.hex),
          groups: grant.groups.map(\.hex)))
    }
    for group in groups { snapshot.groups[group.hex] = repository.members(of: group).map(\.hex) }
    return snapshot
  }
}

extension Subject {
  var logged: Trace.ObjectKind {
    switch self {
    case .object: .object
    case .id: .id
    }
  }
}

extension StoredKind {
  var logged: Trace.ObjectKind {
    switch self {
    case .object: .object
    case .idObject: .id
    case .blob: .blob
    case .clob: .clob
    }
  }
}

extension ChildEntry.Kind {
  var logged: Trace.ObjectKind {
    switch self {
    case .object: .object
    case .id: .id
    case .blob: .blob
    case .clob: .clob
    }
  }
}
