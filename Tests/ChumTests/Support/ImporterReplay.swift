import Chum
import Microdata
import Store
import Wire
import WireBytes

/// Our importer in the place of a recorded one: it gets the recorded answers and must ask what was asked.
struct ImporterReplay {
  /// What differed; empty when everything was as recorded.
  private(set) var differences: [String] = []
  /// Requests that were matched.
  private(set) var matched = 0
  /// Requests that came in another place of the order than recorded.
  private(set) var reordered = 0
  private(set) var session: ChumSession
  private(set) var host: ChumHost<PretendStore>
  private(set) var closeReason: String?
  /// Requests of ours that the recording does not have.
  private(set) var surplus: [String] = []
  private(set) var logs: [ChumLog] = []
  /// Histories that the recorded peer announced after it had imported into them, beside ours.
  private(set) var histories: [(recorded: [ObjectHash], own: [ObjectHash])] = []

  /// Merge nodes that the recorded importer must have made, and whether ours made the same.
  private(set) var merges: [(node: ObjectHash, isOurs: Bool)] = []

  private struct Asked {
    let id: Int
    let service: Int
    let args: [JSONValue]
  }
  private var waiting: [Asked] = []
  private var ids: [Int: Int] = [:]
  private let leg: RecordedLeg
  private let pool: [ObjectHash: [UInt8]]
  /// Services of the other side's requests, to recognise our side's announcements.
  private var foreign: [Int: Int] = [:]
  private var touched: Set<ObjectHash> = []
  /// Histories whose head is known for certain, from an announcement.
  private var followed: Set<ObjectHash> = []
  private var announcedNodes: [(node: ObjectHash, idHash: ObjectHash, type: String)] = []

  init(
    _ leg: RecordedLeg, in recording: RecordedChum, profile: Profile = .deployed, faults: Set<ChumFault> = []
  ) throws {
    self.leg = leg
    pool = recording.pool
    let person = ObjectHash.of(Array("local".utf8))
    var configuration = ChumConfiguration(
      profile: profile, localPerson: person, remotePerson: ObjectHash.of(Array("remote".utf8)),
      localInstance: "a", remoteInstance: "b")
    configuration.exports = false
    configuration.start = .buffered
    configuration.groupPolicy = .evaluated
    // The local number of a connection stands in close reasons only; it is what the recorded reason says.
    for close in leg.closes where close.isOwn {
      if let open = close.reason.firstIndex(of: "["), let end = close.reason.firstIndex(of: "]"), open < end,
        let number = Int(close.reason[close.reason.index(after: open)..<end])
      {
        configuration.connection = number
      }
    }
    configuration.faults = faults
    session = ChumSession(configuration)
    var codec = PretendCodec(real: try MicrodataObjectCodec.standard(profile == .strict ? .strict : .deployed))
    host = ChumHost(Repository(store: PretendStore(), codec: codec))
    prepare(recording)
    // The data of announced nodes that both sides had: only its ID hash and type are known, from the list.
    var store = host.repository.store
    for (node, idHash, type) in announcedNodes {
      guard let content = recording.pool[node], let object = try? codec.read(content, as: .object),
        let data = VersionNode(object)?.data, recording.pool[data] == nil, store.claimed[data] != nil,
        store.standIns[data] == nil
      else { continue }
      let text = StandIn.text(type, isId: false, [], number: store.standIns.count)
      store.standIns[data] = text
      store.claimed[data] = StoredEntry(kind: .object, size: text.count, type: type)
      codec.idHashes[text] = idHash
    }
    host = ChumHost(Repository(store: store, codec: codec))
    run()
  }

  /// Gives the store what the recorded importer had: everything named to it that it never asked for.
  private mutating func prepare(_ recording: RecordedChum) {
    var named: [(ObjectHash, StoredKind)] = []
    var asked: Set<String> = []
    var services: [Int: Int] = [:]
    for message in leg.messages {
      switch RecordedLeg.decode(message) {
      case .request(let id, let service, let args)? where message.isOwn:
        services[id] = service
        if (4...8).contains(service), let name = args?.first?.string { asked.insert(name) }
      case .data(let id, .string(let text))? where !message.isOwn:
        if services[id] == 2, let roots = try? RootEntry.decodeList(text) {
          for root in roots {
            let isId = root.kindName == "id"
            if let hash = ObjectHash(hex: root.key) { named.append((hash, isId ? .idObject : .object)) }
            if case .versionNode(let node, let idHash, let type) = root, let node = ObjectHash(hex: node),
              let idHash = ObjectHash(hex: idHash)
            {
              announcedNodes.append((node, idHash, type))
            }
            if case .versioned(_, let idHash, _) = root, let hash = ObjectHash(hex: idHash) {
              named.append((hash, .idObject))
            }
          }
        } else if services[id] == 4 || services[id] == 5, let children = try? ChildEntry.decodeList(text) {
          for child in children {
            guard let hash = ObjectHash(hex: child.hash) else { continue }
            let kind: StoredKind =
              switch child.kind {
              case .object: .object
              case .id: .idObject
              case .blob: .blob
              case .clob: .clob
              }
            named.append((hash, kind))
          }
        }
      default: break
      }
    }
    for (hash, kind) in named where !asked.contains(hash.hex) {
      guard let content = recording.pool[hash] else {
        host.repository.store.claim(hash, kind)
        continue
      }
      switch kind {
      case .object: _ = try? host.repository.storeContent(content, origin: .local)
      case .idObject: _ = try? host.repository.storeIdContent(content, origin: .local)
      case .blob, .clob: _ = try? host.repository.store.put(content, kind: kind, type: "")
      }
    }
  }

  private mutating func run() {
    let start = leg.messages.first?.time ?? 0
    carryOut(session.start(at: start, host: &host))
    var hasStarted = false
    for message in leg.messages {
      if closeReason != nil { break }
      carryOut(session.advance(to: message.time, host: &host))
      guard message.isOwn else {
        if !hasStarted {
          hasStarted = true
          carryOut(session.receive(text: ChumMessage.controlText, at: message.time, host: &host))
          if case .text(ChumMessage.controlText) = message.payload { continue }
        }
        feed(message)
        continue
      }
      switch RecordedLeg.decode(message) {
      case .request(let id, let service, let args)?: expect(id, service, args ?? [])
      case .data(let id, .string(let text))? where foreign[id] == 2: follow(text)
      default: break
      }
    }
    if let end = leg.closes.map(\.time).min() {
      carryOut(session.advance(to: end, host: &host))
    }
    surplus = waiting.map { "service \($0.service) \($0.args.first?.string?.prefix(8) ?? "")" }
    if closeReason == nil { session.connectionClosed(at: leg.closes.first?.time ?? .max / 2, host: &host) }
    logs += session.takeLogs()
  }

  private mutating func feed(_ message: RecordedLeg.Message) {
    switch message.payload {
    case .binary(let bytes):
      guard let chunk = try? ChumBinaryChunk.decode(bytes), let id = chunk.request.flatMap({ ids[$0] }) else {
        carryOut(session.receive(binary: bytes, at: message.time, host: &host))
        return
      }
      let own = ChumBinaryChunk(id: Double(id), data: chunk.data)
      carryOut(session.receive(binary: own.bytes, at: message.time, host: &host))
    case .text(let text):
      let decoded = RecordedLeg.decode(message)
      let renamed: ChumMessage?
      switch decoded {
      case .request(let id, let service, _)?:
        foreign[id] = service
        return
      case .badArguments?, .writeStreamError?: return
      case .data(let id, let data)?: renamed = ids[id].map { .data(id: $0, data) }
      case .error(let id, let name, let message, let code)?:
        renamed = ids[id].map { .error(id: $0, name: name, message: message, code: code) }
      case .stream(let id, let chunk, let encoding)?:
        renamed = ids[id].map { .stream(id: $0, chunk: chunk, encoding: encoding) }
      case .streamEnd(let id)?: renamed = ids[id].map { .streamEnd(id: $0) }
      case .streamError(let id, let text)?: renamed = ids[id].map { .streamError(id: $0, text: text) }
      case nil: renamed = nil
      }
      carryOut(session.receive(text: renamed?.text ?? text, at: message.time, host: &host))
    }
  }

  /// The recorded importer asks: ours must have asked the same.
  private mutating func expect(_ id: Int, _ service: Int, _ args: [JSONValue]) {
    guard let index = waiting.firstIndex(where: { $0.service == service && $0.args == args }) else {
      differences.append(
        "\(leg.recording) \(leg.conn) #\(id): asks \(service) \(args.first?.string?.prefix(8) ?? ""); ours waits with "
          + "[\(waiting.map { "\($0.service) \($0.args.first?.string?.prefix(8) ?? "")" }.joined(separator: ", "))]")
      return
    }
    if index != 0 || waiting[index].id != id { reordered += 1 }
    matched += 1
    ids[id] = waiting[index].id
    waiting.remove(at: index)
  }

  private mutating func carryOut(_ actions: [ChumAction]) {
    for action in actions {
      switch action {
      case .sendText(let text):
        if case .request(let id, let service, let args)? = try? ChumMessage.decode(text) {
          waiting.append(Asked(id: id, service: service, args: args ?? []))
        }
      case .close(let reason): closeReason = reason
      case .sendBinary, .sendEmptyFragments: break
      }
    }
    let new = session.takeLogs()
    for case .merged(let idHash, _) in new { touched.insert(idHash) }
    logs += new
  }

  /// The recorded peer announces its own histories: compares ours where both imported, then takes over what it
  /// appended locally, which nobody else can know.
  private mutating func follow(_ text: String) {
    var lists: [(ObjectHash, [ObjectHash])] = []
    for root in (try? RootEntry.decodeList(text)) ?? [] {
      guard case .versionNode(let node, let idHash, _) = root, let node = ObjectHash(hex: node),
        let idHash = ObjectHash(hex: idHash)
      else { continue }
      if lists.last?.0 == idHash { lists[lists.count - 1].1.append(node) } else { lists.append((idHash, [node])) }
    }
    for (idHash, nodes) in lists {
      let own = host.repository.store.head(idHash).flatMap {
        try? host.repository.announcedNodes(of: $0, includingMerges: false)
      }
      if touched.contains(idHash), followed.contains(idHash), let own,
        nodes.allSatisfy({ host.repository.store.base.knows($0) })
      {
        histories.append((nodes, own))
      }
      if touched.contains(idHash), followed.contains(idHash) { collectMerges(nodes) }
      if own != nodes { takeOver(nodes, of: idHash) }
      touched.remove(idHash)
      let isWhole = nodes.allSatisfy { node in
        guard let data = (try? host.repository.versionNode(node))?.data else { return false }
        return pool[data] != nil && host.repository.store.base.knows(data)
      }
      if isWhole || nodes.count == 1 { followed.insert(idHash) } else { followed.remove(idHash) }
    }
  }

  /// What was appended locally after the import follows the merge that the import made; its bytes travelled later.
  private mutating func collectMerges(_ nodes: [ObjectHash]) {
    for node in nodes where !host.repository.store.base.knows(node) {
      guard let content = pool[node], let object = try? host.repository.codec.read(content, as: .object),
        case .change(let previous?)? = VersionNode(object)?.shape, let before = pool[previous],
        ObjectHead.type(before) == "VersionNodeMerge"
      else { continue }
      merges.append((previous, host.repository.store.base.knows(previous)))
    }
  }

  private mutating func takeOver(_ nodes: [ObjectHash], of idHash: ObjectHash) {
    for node in nodes {
      guard let content = pool[node], let object = try? host.repository.codec.read(content, as: .object),
        let data = VersionNode(object)?.data
      else { return }
      // The data's own references matter for merging lists; whatever travelled of them is taken along.
      var open = [node, data]
      while let hash = open.popLast() {
        guard let content = pool[hash], !host.repository.store.base.knows(hash) else { continue }
        if ObjectHead.form(content) == .object {
          _ = try? host.repository.storeContent(content, origin: .local)
          open += References.scan(content).map(\.hash)
        } else if ObjectHead.form(content) == .idObject {
          _ = try? host.repository.storeIdContent(content, origin: .local)
        }
      }
    }
    var leaves: [ObjectHash] = []
    var rest = Array(nodes.reversed())[...]
    while let leaf = rest.first {
      leaves.append(leaf)
      let walk = (try? host.repository.announcedNodes(of: leaf, includingMerges: false)) ?? []
      rest = rest.drop { walk.contains($0) || $0 == leaf }
    }
    guard let first = leaves.first else { return }
    try? host.repository.store.setHead(first, of: idHash)
    for leaf in leaves.dropFirst() {
      _ = try? host.repository.mergeVersion(leaf, idHash: idHash, adoptsRemoteNode: false)
    }
  }
}
