import Chum
import Microdata
import Store
import Wire
import WireBytes

/// Our exporter in the place of a recorded one: given its store and grants, it gets the recorded requests.
///
/// Grants never travel, so they are read off the recorded lists: before each list the grants are written that lead to
/// it, in its order (which the deployed implementation leaves to its file system), and the heads that its version
/// nodes show. Everything else, the children's order, the entries' form, the errors, is ours to get right.
struct ExporterReplay {
  private(set) var differences: [String] = []
  /// Requests whose answers were compared.
  private(set) var compared = 0
  /// Chunks that went out as empty fragmented messages (F47).
  private(set) var empties = 0
  private(set) var session: ChumSession
  private var host: ChumHost<PretendStore>
  private let leg: RecordedLeg
  private let remotePerson = ObjectHash.of(Array("remote".utf8))
  private let base: PretendStore
  private let codec: PretendCodec
  /// Answers by request id: the texts and chunks in order.
  private var recorded: [Int: [Reassembler.Message]] = [:]
  private var own: [Int: [Reassembler.Message]] = [:]
  private var services: [Int: Int] = [:]

  init(_ leg: RecordedLeg, in recording: RecordedChum, faults: Set<ChumFault> = []) throws {
    self.leg = leg
    let stage = try ExporterStage(leg, recording)
    base = stage.store
    codec = stage.codec
    host = ChumHost(Repository(store: base, codec: codec))
    var configuration = ChumConfiguration(
      profile: .deployed, localPerson: ObjectHash.of(Array("local".utf8)), remotePerson: remotePerson,
      localInstance: "a", remoteInstance: "b")
    configuration.imports = false
    configuration.groupPolicy = .evaluated
    configuration.start = stage.timing
    configuration.sendsEmptyChunks = stage.sendsEmptyChunks
    configuration.faults = faults
    session = ChumSession(configuration)
    for message in leg.messages where message.isOwn {
      if let id = Self.answerId(message.payload) { recorded[id, default: []].append(message.payload) }
    }
    try run()
  }

  /// The request that an answer belongs to.
  private static func answerId(_ message: Reassembler.Message) -> Int? {
    switch message {
    case .binary(let bytes): return (try? ChumBinaryChunk.decode(bytes))?.request
    case .text(let text):
      switch try? ChumMessage.decode(text) {
      case .data(let id, _)?, .error(let id, _, _, _)?, .stream(let id, _, _)?, .streamEnd(let id)?,
        .streamError(let id, _)?:
        return id
      default: return nil
      }
    }
  }

  private mutating func run() throws {
    let start = leg.messages.first?.time ?? 0
    _ = session.start(at: start, host: &host)
    var hasStarted = false
    for message in leg.messages where !message.isOwn {
      take(session.advance(to: message.time, host: &host))
      if !hasStarted {
        hasStarted = true
        take(session.receive(text: ChumMessage.controlText, at: message.time, host: &host))
        if case .text(ChumMessage.controlText) = message.payload { continue }
      }
      switch message.payload {
      case .binary(let bytes):
        // Chunks answer the recorded importer, who is not ours here.
        if bytes.count < 8 { take(session.receive(binary: bytes, at: message.time, host: &host)) }
      case .text(let text):
        switch RecordedLeg.decode(message) {
        case .data?, .error?, .stream?, .streamEnd?, .streamError?: continue
        case .request(let id, let service, _)?:
          // An id that is used again starts a new comparison behind the old answers.
          services[id] = service
          if service == 2 { try grant(recorded[id] ?? []) }
        default: break
        }
        take(session.receive(text: text, at: message.time, host: &host))
      }
    }
    compare()
  }

  private mutating func take(_ actions: [ChumAction]) {
    for action in actions {
      switch action {
      case .sendText(let text):
        if let id = Self.answerId(.text(text)) { own[id, default: []].append(.text(text)) }
      case .sendBinary(let bytes):
        if let id = Self.answerId(.binary(bytes)) { own[id, default: []].append(.binary(bytes)) }
      case .sendEmptyFragments: empties += 1
      case .close: break
      }
    }
  }

  private mutating func compare() {
    for (id, service) in services {
      // A recorded request without an answer was lost, or the connection ended first.
      guard let expected = recorded[id], !expected.isEmpty else { continue }
      compared += 1
      let got = own[id] ?? []
      if expected != got {
        differences.append(
          "\(leg.recording) \(leg.conn) #\(id) service \(service): \(Self.show(got)) instead of \(Self.show(expected))")
      }
    }
  }

  private static func show(_ messages: [Reassembler.Message]) -> String {
    messages.map { message in
      switch message {
      case .text(let text): String(text.prefix(1_500))
      case .binary(let bytes): "\(bytes.count) bytes"
      }
    }.joined(separator: " + ")
  }

  /// Writes the grants and heads that lead to a recorded list.
  private mutating func grant(_ answers: [Reassembler.Message]) throws {
    guard case .text(let text)? = answers.last, case .data(_, .string(let list))? = try? ChumMessage.decode(text),
      let roots = try? RootEntry.decodeList(list)
    else { return }
    var repository = Repository(store: base, codec: codec)
    let authority = GrantAuthority(rule: .anyone, checksSubjects: false)
    var principal = Principal()
    var nodes: [ObjectHash: [ObjectHash]] = [:]
    for root in roots {
      guard let hash = ObjectHash(hex: root.key) else { continue }
      switch root {
      case .unversioned, .versioned:
        principal.access()
        _ = try authority.grant(request(.object(hash), principal), by: "test", in: &repository, now: 0)
      case .id:
        principal.idAccess()
        _ = try authority.grant(request(.id(hash), principal), by: "test", in: &repository, now: 0)
      case .versionNode(_, let idHash, _):
        if let idHash = ObjectHash(hex: idHash) { nodes[idHash, default: []].append(hash) }
      }
    }
    for number in 0..<principal.groups {
      let group = OneObject([
        "$type$": "Group", "name": .text("g\(number)"), "person": .array([.reference(remotePerson)]),
      ])
      try repository.storeVersion(group, now: 0)
    }
    for (idHash, list) in nodes { try setHead(list, of: idHash, &repository) }
    host.repository = repository
  }

  /// Direct grants come first, then group by group; a list that goes back to Access shows the next group.
  private struct Principal {
    var groups = 0
    private var sawId = false
    mutating func access() {
      if sawId {
        groups += 1
        sawId = false
      }
    }
    mutating func idAccess() { sawId = true }
  }

  private func request(_ subject: Subject, _ principal: Principal) -> GrantRequest {
    guard principal.groups > 0 else { return GrantRequest(subject, persons: [remotePerson]) }
    let name = "g\(principal.groups - 1)"
    let text =
      #"<div data-id-object="true" itemscope itemtype="//refin.io/Group"><span itemprop="name">\#(name)</span></div>"#
    return GrantRequest(subject, groups: [ObjectHash.of(Array(text.utf8))])
  }

  /// A head whose walk gives the listed nodes: one that exists, or a stand-in merge of the ends of the branches.
  private func setHead(_ listed: [ObjectHash], of idHash: ObjectHash, _ repository: inout Repository<PretendStore>)
    throws
  {
    var leaves: [ObjectHash] = []
    var rest = Array(listed.reversed())[...]
    var seen: Set<ObjectHash> = []
    while let leaf = rest.first {
      leaves.append(leaf)
      let walk = try repository.announcedNodes(of: leaf, includingMerges: false).reversed().filter {
        !seen.contains($0)
      }
      seen.formUnion(walk)
      rest = rest.dropFirst(max(1, walk.count))
    }
    if leaves.count == 1 { return try repository.store.setHead(leaves[0], of: idHash) }
    let text = StandIn.text(
      "VersionNodeMerge", isId: false, leaves.map { Reference(kind: .object, hash: $0) }, number: 1_000_000)
    let name = ObjectHash.of(text)
    repository.store.claim(name, .object, type: "VersionNodeMerge")
    repository.store.standIns[name] = text
    try repository.store.setHead(name, of: idHash)
  }
}
