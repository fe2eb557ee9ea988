import Chum
import Microdata
import Store
import Wire
import WireBytes

/// The store of a recorded exporter, as far as the recording lets one know it.
///
/// What the importer had already never travelled. Where a child list shows what such an object reaches, a stand-in
/// gets exactly these references; the list is walked as an exporter walks, and what is met unknown is filled in.
struct ExporterStage {
  var store = PretendStore()
  var codec: PretendCodec
  var timing = StartTiming.buffered
  var sendsEmptyChunks = false
  private var number = 0

  init(_ leg: RecordedLeg, _ recording: RecordedChum) throws {
    codec = PretendCodec(real: try MicrodataObjectCodec.standard(.deployed))
    var repository = Repository(store: store, codec: codec)
    for (_, content) in recording.pool.sorted(by: { $0.key < $1.key }) {
      switch ObjectHead.form(content) {
      case .object: _ = try? repository.storeContent(content, origin: .local)
      case .idObject: _ = try? repository.storeIdContent(content, origin: .local)
      case nil: _ = try? repository.store.put(content, kind: recording.files[ObjectHash.of(content)] ?? .blob, type: "")
      }
    }
    store = repository.store
    for message in leg.messages where message.isOwn {
      // The published packages send a chunk as an empty message (F47).
      if case .binary(let bytes) = message.payload, bytes.isEmpty { sendsEmptyChunks = true }
    }
    var questions: [Int: (service: Int, hash: ObjectHash?)] = [:]
    var empties = 0
    for message in leg.messages {
      if message.isOwn, case .binary(let bytes) = message.payload, bytes.isEmpty { empties += 1 }
      switch RecordedLeg.decode(message) {
      case .streamEnd(let id)? where message.isOwn:
        // A file of which only empty chunks were sent: as many bytes as make that many chunks.
        if let hash = questions[id]?.hash, store.entry(hash) == nil, empties > 0 {
          store.claimed[hash] = StoredEntry(kind: .blob, size: (empties - 1) * 65_536 + 1, type: "")
        }
        empties = 0
      case .request(let id, let service, let args)? where !message.isOwn:
        questions[id] = (service, args?.first?.string.flatMap { ObjectHash(hex: $0) })
      case .data(let id, .string(let text))? where message.isOwn:
        guard let (service, hash) = questions[id] else { continue }
        if service == 2 { learnRoots(text) }
        if service == 4 || service == 5, let hash { learnChildren(text, of: hash, isId: service == 5) }
      default: break
      }
    }
    learnStart(leg)
  }

  private mutating func standIn(_ hash: ObjectHash, _ kind: StoredKind, _ type: String, _ references: [Reference]) {
    guard store.entry(hash) == nil || store.standIns[hash] != nil else { return }
    number += 1
    store.claim(hash, kind, type: type)
    store.claimed[hash] = StoredEntry(kind: kind, size: 1, type: type)
    store.standIns[hash] = StandIn.text(type, isId: kind == .idObject, references, number: number)
  }

  private mutating func learnRoots(_ text: String) {
    for root in (try? RootEntry.decodeList(text)) ?? [] {
      guard let hash = ObjectHash(hex: root.key), store.entry(hash) == nil else { continue }
      switch root {
      case .unversioned: standIn(hash, .object, root.type, [])
      case .versioned(_, let idHash, _):
        standIn(hash, .object, root.type, [])
        if let text = store.standIns[hash] { codec.idHashes[text] = ObjectHash(hex: idHash) }
      case .id: standIn(hash, .idObject, root.type, [])
      case .versionNode: standIn(hash, .object, "VersionNodeEdge", [])
      }
    }
  }

  /// Fills in the references of what the list shows and no content explains.
  private mutating func learnChildren(_ text: String, of root: ObjectHash, isId: Bool) {
    guard let children = try? ChildEntry.decodeList(text) else { return }
    let noted: [Reference] = children.reversed().compactMap { child in
      ObjectHash(hex: child.hash).map { Reference(kind: child.kind, hash: $0) }
    }
    if store.entry(root) == nil || store.standIns[root] != nil {
      standIn(root, isId ? .idObject : .object, store.claimed[root]?.type ?? "Unknown", noted)
    }
    var walk = Walk(noted: noted, met: [root])
    learn(root, &walk)
  }

  private struct Walk {
    let noted: [Reference]
    var count = 0
    var met: Set<ObjectHash>
  }

  /// Walks as an exporter does, one reference after the other; recordings are shallow enough to recurse.
  private mutating func learn(_ hash: ObjectHash, _ walk: inout Walk) {
    guard let content = try? store.content(hash) else { return }
    for reference in References.scan(content) where walk.met.insert(reference.hash).inserted {
      if reference.kind == .object || reference.kind == .id {
        if (try? store.content(reference.hash)) == nil {
          // Noted behind what it reaches: everything since the last note that has not been met is below it.
          let end = walk.noted.firstIndex { $0.hash == reference.hash } ?? walk.count
          let below = walk.count < end ? Array(walk.noted[walk.count..<end]) : []
          standIn(reference.hash, reference.kind == .id ? .idObject : .object, "Unknown", below)
        }
        learn(reference.hash, &walk)
      }
      walk.count += 1
    }
  }

  /// When the recorded services were ready, read off the requests that were lost or met nobody (F11).
  private mutating func learnStart(_ leg: RecordedLeg) {
    guard let start = leg.messages.first(where: { !$0.isOwn })?.time else { return }
    var asked: [(id: Int, time: Int)] = []
    var answered: Set<Int> = []
    for message in leg.messages {
      switch RecordedLeg.decode(message) {
      case .request(let id, _, _)? where !message.isOwn: asked.append((id, message.time))
      case .error(let id, _, _, "UNKNOWN-SERVICE"?)? where message.isOwn:
        answered.insert(id)
        guard let request = asked.first(where: { $0.id == id }), request.time < start + 100 else { continue }
        timing.servicesAfter = max(timing.servicesAfter, request.time - start + 1)
      case .data(let id, _)?, .error(let id, _, _, _)?: if message.isOwn { answered.insert(id) }
      default: break
      }
    }
  }
}
