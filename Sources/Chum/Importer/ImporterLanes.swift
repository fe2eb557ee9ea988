import Microdata
import Store
import Wire
import WireBytes

extension Importer {
  /// Runs a lane until it has to wait, and what follows when it is done.
  mutating func run<S: EntryStore>(
    _ index: Int, _ now: Int, _ host: inout ChumHost<S>, _ out: inout [ImportCall], _ log: inout [ChumLog]
  ) {
    while !isOver, lanes.indices.contains(index), !lanes[index].isFinished {
      if step(index, &host, &out, &log) { return }
    }
    guard !isOver else { return }
    laneEnded(now, &host, &out, &log)
  }

  /// One small step of a lane; true when it now waits for an answer.
  ///
  /// A step is at most one look into the store, which is what the deployed implementation does between two turns of
  /// its event loop; the order of requests of lanes that start together depends on it ([rec: iop-chum, iom-groups]).
  private mutating func step<S: EntryStore>(
    _ index: Int, _ host: inout ChumHost<S>, _ out: inout [ImportCall], _ log: inout [ChumLog]
  ) -> Bool {
    guard let tree = lanes[index].current else {
      nextTree(index, &host, &log)
      return false
    }
    switch tree.phase {
    case .start:
      lanes[index].current?.awaited = .childList
      out.append(
        ImportCall(service: tree.isId ? 5 : 4, args: [.string(tree.name)], purpose: .lane(index)))
      return true
    case .children(let next):
      guard next < tree.children.count else {
        lanes[index].current?.phase = .root
        return false
      }
      lanes[index].current?.phase = .children(next: next + 1)
      let child = tree.children[next]
      guard !isKnown(child, host) else { return false }
      lanes[index].current?.awaited = .child(child)
      out.append(call(child, index))
      return true
    case .root:
      lanes[index].current?.awaited = .root
      out.append(
        ImportCall(service: tree.isId ? 7 : 6, args: [.string(tree.name)], purpose: .lane(index)))
      return true
    case .done:
      lanes[index].current = nil
      return false
    }
  }

  private func call(_ child: Reference, _ lane: Int) -> ImportCall {
    let name = JSONValue.string(child.hash.hex)
    switch child.kind {
    case .object: return ImportCall(service: 6, args: [name], purpose: .lane(lane))
    case .id: return ImportCall(service: 7, args: [name], purpose: .lane(lane))
    case .blob:
      return ImportCall(
        service: 8, args: [name, .string(ChumMessage.undefined)], purpose: .lane(lane), file: (.blob, child.hash))
    case .clob:
      return ImportCall(service: 8, args: [name, "utf8"], purpose: .lane(lane), file: (.clob, child.hash))
    }
  }

  private func isKnown<S: EntryStore>(_ child: Reference, _ host: ChumHost<S>) -> Bool {
    host.repository.store.knows(child.hash) && !configuration.faults.contains(.knownObjectsFetched)
  }

  private mutating func nextTree<S: EntryStore>(_ index: Int, _ host: inout ChumHost<S>, _ log: inout [ChumLog]) {
    let lane = lanes[index]
    guard lane.next < lane.steps.count else {
      lanes[index].isFinished = true
      finishVersions(index, &host, &log)
      return
    }
    let step = lane.steps[lane.next]
    lanes[index].next += 1
    if lane.failedRoot == step.root { return }
    if !abandoned.isEmpty, abandoned.contains(step.name) { return }
    // A name that is no hash is never known: in profile deployed a request follows (F7).
    if let hash = ObjectHash(hex: step.name), host.repository.store.knows(hash), !has(.knownObjectsFetched) { return }
    lanes[index].current = TreeFetch(step.name, isId: step.isId, step.expectation)
  }

  // MARK: Answers

  mutating func lane<S: EntryStore>(
    _ index: Int, _ answer: ImportAnswer, _ now: Int, _ host: inout ChumHost<S>, _ out: inout [ImportCall],
    _ log: inout [ChumLog]
  ) {
    guard lanes.indices.contains(index), let tree = lanes[index].current, let awaited = tree.awaited else { return }
    lanes[index].current?.awaited = nil
    do throws(SyncError) {
      switch awaited {
      case .childList:
        let children = try children(answer, of: tree)
        lanes[index].current?.take(children)
      case .child(let child): try take(child, answer, &host, &log)
      case .root:
        let form: ObjectForm = tree.isId ? .idObject : .object
        let (hash, status) = try check.store(
          try value(answer, form), as: form, name: tree.name, tree.expectation, listed: tree.listed, &host)
        fetched += 1
        log.append(.received(Reference(kind: tree.isId ? .id : .object, hash: hash), status: status))
        if case .versions = lanes[index].purpose { lanes[index].stored.append(hash) }
        if profile == .strict { try finishStrictly(tree, hash, now, &host, &log) }
        lanes[index].current?.phase = .done
      }
    } catch {
      reject(index, tree, error, &log)
    }
    run(index, now, &host, &out, &log)
  }

  /// A fault costs its root; in profile deployed a fault of a version node costs the session (F10).
  private mutating func reject(_ index: Int, _ tree: TreeFetch, _ error: SyncError, _ log: inout [ChumLog]) {
    log.append(.rejected(hash: tree.name, error: error))
    if has(.stopsAtFailure) { return fail(error) }
    if has(.failedRootsForgotten) || has(.rootLostAfterError) { abandoned.insert(tree.name) }
    if has(.failedRootsHammered), hammered < 5 {
      hammered += 1
      lanes[index].next -= 1
      lanes[index].current = nil
      return
    }
    if case .versions = lanes[index].purpose, profile == .deployed { return fail(error) }
    record(error)
    lanes[index].failedRoot = lanes[index].steps[lanes[index].next - 1].root
    lanes[index].current = nil
  }

  private func children(_ answer: ImportAnswer, of tree: TreeFetch) throws(SyncError) -> [Reference] {
    guard case .value(let value) = answer else {
      if case .failed(let error) = answer { throw error }
      throw SyncError(code: "DC-PC1", "Expected string, found a stream")
    }
    let children = try ChildListReader.read(value, configuration.limits)
    guard profile == .strict else { return children }
    var seen: Set<ObjectHash> = []
    for child in children {
      guard child.hash.hex != tree.name, seen.insert(child.hash).inserted else {
        throw SyncError(code: "CHUM-CHILDREN", "The child list repeats \(child.hash)")
      }
    }
    return children
  }

  private func value(_ answer: ImportAnswer, _ form: ObjectForm) throws(SyncError) -> JSONValue {
    switch answer {
    case .value(let value): return value
    case .failed(let error): throw error
    case .file:
      let isId = form == .idObject
      throw SyncError(
        code: isId ? "CIEC-FIDO1" : "CIEC-FO1",
        "Expected ONE \(isId ? "ID object" : "object") microdata string, got object")
    }
  }

  private mutating func take<S: EntryStore>(
    _ child: Reference, _ answer: ImportAnswer, _ host: inout ChumHost<S>, _ log: inout [ChumLog]
  ) throws(SyncError) {
    let status: StoreStatus
    switch child.kind {
    case .object, .id:
      let form: ObjectForm = child.kind == .id ? .idObject : .object
      status = try check.store(
        try value(answer, form), as: form, name: child.hash.hex, .child, listed: nil, &host
      ).1
    case .blob, .clob:
      switch answer {
      case .file(let hash, let stored):
        guard hash == child.hash || has(.filesNotChecked), let stored else {
          throw SyncError(code: "CIEC-FBL2", "BLOB hash mismatch, expected: \(child.hash), actual: \(hash)")
        }
        status = stored
      case .failed(let error): throw error
      case .value(let value):
        throw SyncError(code: "CIEC-FBL1", "Expected a file, found \(JavaScript.json(value))")
      }
    }
    fetched += 1
    log.append(.received(child, status: status))
  }

  // MARK: Versions

  /// What profile strict does beyond the deployed importer once a root is stored.
  private mutating func finishStrictly<S: EntryStore>(
    _ tree: TreeFetch, _ hash: ObjectHash, _ now: Int, _ host: inout ChumHost<S>, _ log: inout [ChumLog]
  ) throws(SyncError) {
    // What was listed but is not reached was bait; it is stored as data only, and it is recorded (AT-17).
    if let reached = try? ChildList(of: hash, in: host.repository.store, limit: configuration.limits.children) {
      let bait = tree.listed.subtracting(reached.children.map(\.hash))
      if let example = bait.min() {
        record(SyncError(code: "CHUM-BAIT", "\(bait.count) listed children are not reached, such as \(example)"))
      }
    }
    // A version that came alone gets a head, or nobody would find it (CHUM-051).
    guard let idHash = tree.expectation.idHash, host.repository.store.head(idHash) == nil else { return }
    do throws(RepositoryFailure) {
      let node = VersionNode(.edge, data: hash, depth: 0, creationTime: 0)
      try host.repository.adopt(try host.repository.storeNode(node), node, of: idHash, origin: .chum)
    } catch { throw SyncError(error) }
  }

  /// Merges what a lane of version nodes brought (chum.md 2.8.2): deployed the deepest node alone, strict every leaf.
  private mutating func finishVersions<S: EntryStore>(
    _ index: Int, _ host: inout ChumHost<S>, _ log: inout [ChumLog]
  ) {
    let lane = lanes[index]
    guard case .versions(let text) = lane.purpose, !lane.stored.isEmpty, let idHash = ObjectHash(hex: text),
      !configuration.faults.contains(.headNotMerged)
    else { return }
    do throws(RepositoryFailure) {
      var nodes: [(hash: ObjectHash, node: VersionNode)] = []
      for hash in lane.stored { nodes.append((hash, try host.repository.versionNode(hash))) }
      for hash in leaves(nodes) {
        let outcome = try host.repository.mergeVersion(hash, idHash: idHash, adoptsRemoteNode: profile == .strict)
        log.append(.merged(idHash: idHash, outcome))
      }
    } catch {
      let error = SyncError(error)
      log.append(.rejected(hash: text, error: error))
      if profile == .deployed { fail(error) } else { record(error) }
    }
  }

  private func leaves(_ nodes: [(hash: ObjectHash, node: VersionNode)]) -> [ObjectHash] {
    if profile == .deployed {
      var deepest = nodes[0]
      for candidate in nodes.dropFirst() where candidate.node.depth > deepest.node.depth { deepest = candidate }
      return [deepest.hash]
    }
    let followed = Set(nodes.flatMap(\.node.predecessors))
    return nodes.map(\.hash).filter { !followed.contains($0) }
  }

  // MARK: The round

  /// Goes on to the version nodes after the roots, and to the pause after those.
  private mutating func laneEnded<S: EntryStore>(
    _ now: Int, _ host: inout ChumHost<S>, _ out: inout [ImportCall], _ log: inout [ChumLog]
  ) {
    if lanes.count == 1, case .roots = lanes[0].purpose {
      lanes = versionLanes
      versionLanes = []
      startVersionLanes(now, &host, &out, &log)
    } else if profile == .strict, let next = lanes.firstIndex(where: { !$0.isFinished }) {
      return run(next, now, &host, &out, &log)
    }
    guard !isOver, lanes.allSatisfy(\.isFinished) else { return }
    lanes = []
    log.append(.roundEnded(round, fetched: fetched))
    if !didFullSync {
      didFullSync = true
      log.append(.firstFullSync)
    }
    if has(.finNotSent), !configuration.keepRunning {
      state = .ended
    } else if configuration.keepRunning {
      state = .pausing(due: now + configuration.pollInterval)
    } else {
      state = .awaitingFin
      out.append(ImportCall(service: 10, args: [], purpose: .fin))
    }
  }

  /// Deployed: all groups at once, each looking into the store once a turn. Strict: one after the other, so that
  /// nothing is asked for twice.
  private mutating func startVersionLanes<S: EntryStore>(
    _ now: Int, _ host: inout ChumHost<S>, _ out: inout [ImportCall], _ log: inout [ChumLog]
  ) {
    if profile == .strict {
      for index in lanes.indices {
        while !isOver, !lanes[index].isFinished {
          if step(index, &host, &out, &log) { return }
        }
      }
      return
    }
    var running = Array(lanes.indices)
    while !running.isEmpty, !isOver {
      var still: [Int] = []
      for index in running where !isOver {
        let before = lanes[index].next
        var waits = false
        // One look into the store is one turn; building the tree that it leads to is not.
        repeat {
          waits = step(index, &host, &out, &log)
        } while !waits && lanes[index].next == before
          && !lanes[index].isFinished
        if !waits, lanes[index].current != nil { waits = step(index, &host, &out, &log) }
        if !waits, !lanes[index].isFinished { still.append(index) }
      }
      running = still
    }
  }
}
