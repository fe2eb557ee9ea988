import Microdata
import Store
import Wire
import WireBytes

/// A request that the importer wants sent.
struct ImportCall {
  enum Purpose: Sendable {
    case version, roots, fin
    case lane(Int)
  }
  let service: Int
  let args: [JSONValue]
  let purpose: Purpose
  /// For service 8: what the stream must become.
  var file: (kind: StoredKind, expected: ObjectHash)?
}

/// How a request ended.
enum ImportAnswer {
  case value(JSONValue)
  case file(ObjectHash, StoreStatus?)
  case failed(SyncError)
}

/// The role that asks (chum.md 2.7): version, then rounds of roots, trees and version nodes, for ever or once.
struct Importer {
  enum State: Equatable {
    case idle
    case waitingToStart(due: Int)
    case awaitingVersion
    case waitingToRepeat(due: Int)
    case awaitingRoots
    case working
    case pausing(due: Int)
    case awaitingFin
    case ended
    case failed(SyncError)
  }

  let configuration: ChumConfiguration
  var state = State.idle
  private(set) var round = 0
  private(set) var errors: [SyncError] = []
  private(set) var errorCount = 0
  let check: ObjectCheck
  private var repeats = 0
  /// When service 1 is asked again, should nothing come.
  private var silenceDue: Int?
  var lanes: [Lane] = []
  var versionLanes: [Lane] = []
  var fetched = 0
  var didFullSync = false
  /// Planted faults only: names that are not asked for again, and how often a failing one was hammered.
  var abandoned: Set<String> = []
  var hammered = 0

  /// Repeats of service 1 after UNKNOWN-SERVICE, and the pause between them (chum.md 2.7).
  static let versionRepeats = 15
  static let repeatPause = 300

  init(_ configuration: ChumConfiguration) {
    self.configuration = configuration
    check = ObjectCheck(profile: configuration.profile, limits: configuration.limits, faults: configuration.faults)
  }

  var profile: Profile { configuration.profile }
  func has(_ fault: ChumFault) -> Bool { configuration.faults.contains(fault) }

  /// When `advance` has something to do.
  var deadline: Int? {
    switch state {
    case .waitingToStart(let due), .waitingToRepeat(let due), .pausing(let due): due
    case .awaitingVersion: silenceDue
    default: nil
    }
  }

  var isOver: Bool {
    switch state {
    case .ended, .failed: true
    default: false
    }
  }

  mutating func start(at due: Int) { state = .waitingToStart(due: due) }

  /// Moves on when its time has come.
  mutating func advance(_ now: Int, _ out: inout [ImportCall], _ log: inout [ChumLog]) {
    guard let due = deadline, now >= due else { return }
    switch state {
    case .waitingToStart, .waitingToRepeat, .awaitingVersion:
      if state == .awaitingVersion { repeats += 1 }
      state = .awaitingVersion
      silenceDue = repeats < Self.versionRepeats ? configuration.versionSilence.map { now + $0 } : nil
      out.append(ImportCall(service: 1, args: [], purpose: .version))
    default: startRound(&out, &log)
    }
  }

  private mutating func startRound(_ out: inout [ImportCall], _ log: inout [ChumLog]) {
    round += 1
    fetched = 0
    state = .awaitingRoots
    log.append(.roundStarted(round))
    out.append(ImportCall(service: 2, args: [], purpose: .roots))
  }

  mutating func fail(_ error: SyncError) {
    guard !isOver else { return }
    state = .failed(error)
    lanes = []
    versionLanes = []
  }

  /// The connection is gone: between rounds that is a normal end (chum.md 2.7).
  mutating func connectionClosed(_ faults: Set<ChumFault>) {
    switch state {
    case _ where faults.contains(.closesForgotten): state = .ended
    case _ where faults.contains(.closesAlwaysFailures): fail(.connectionClosed)
    case .idle, .waitingToStart, .waitingToRepeat, .pausing: state = .ended
    default: fail(.connectionClosed)
    }
  }

  mutating func record(_ error: SyncError) {
    if has(.failuresNotRecorded) { return }
    errorCount += 1
    if errors.count < configuration.limits.errors { errors.append(error) }
  }

  // MARK: Answers

  mutating func answered<S: EntryStore>(
    _ purpose: ImportCall.Purpose, _ answer: ImportAnswer, at now: Int, _ host: inout ChumHost<S>,
    _ out: inout [ImportCall], _ log: inout [ChumLog]
  ) {
    guard !isOver else { return }
    switch purpose {
    case .version: version(answer, now, &out, &log)
    case .roots: roots(answer, now, &host, &out, &log)
    case .fin: state = .ended
    case .lane(let index): lane(index, answer, now, &host, &out, &log)
    }
  }

  private mutating func version(
    _ answer: ImportAnswer, _ now: Int, _ out: inout [ImportCall], _ log: inout [ChumLog]
  ) {
    // The answer to an earlier request than the one that was heard first.
    guard state == .awaitingVersion else { return }
    switch answer {
    case .value(.number(8)): startRound(&out, &log)
    case .value(let value):
      let name = configuration.connection
      let remote = excerpt(JavaScript.text(value), 80)
      fail(
        SyncError(
          code: "CS-MISMATCH", "[\(name)] Chum protocol mismatch, local: 8, remote: \(remote)"))
    case .failed(let error):
      guard error.cause?.code == "UNKNOWN-SERVICE", repeats < Self.versionRepeats || has(.repeatsVersionForEver) else {
        return fail(error)
      }
      repeats += 1
      state = .waitingToRepeat(due: now + Self.repeatPause)
    case .file: fail(SyncError(code: "CS-MISMATCH", "A stream instead of a version"))
    }
  }

  private mutating func roots<S: EntryStore>(
    _ answer: ImportAnswer, _ now: Int, _ host: inout ChumHost<S>, _ out: inout [ImportCall], _ log: inout [ChumLog]
  ) {
    let outcome: RootListReader.Outcome
    do throws(SyncError) {
      guard case .value(let value) = answer else {
        if case .failed(let error) = answer { throw error }
        throw SyncError(code: "DAH-PAO1", "Expected string, found a stream")
      }
      outcome = try RootListReader.read(value, profile, configuration.limits)
    } catch { return fail(error) }
    for error in outcome.dropped {
      record(error)
      log.append(.rejected(hash: "", error: error))
    }
    plan(outcome.items)
    state = .working
    run(0, now, &host, &out, &log)
  }

  /// One lane for the roots in list order, and one for the nodes of each ID hash.
  private mutating func plan(_ items: [RootItem]) {
    var steps: [Lane.Step] = []
    var groups: [String: Int] = [:]
    versionLanes = []
    for (index, item) in items.enumerated() {
      switch item.kind {
      case .unversioned:
        steps.append(.init(name: item.hash, isId: false, expectation: .init(type: item.type), root: index))
      case .versioned(let idHash):
        steps.append(.init(name: idHash, isId: true, expectation: .init(type: item.type), root: index))
        steps.append(
          .init(
            name: item.hash, isId: false,
            expectation: .init(type: item.type, idHash: ObjectHash(hex: idHash)), root: index))
      case .id: steps.append(.init(name: item.hash, isId: true, expectation: .init(type: item.type), root: index))
      case .versionNode(let dataIdHash):
        let step = Lane.Step(
          name: item.hash, isId: false, expectation: .init(nodeData: (dataIdHash, item.type)), root: index)
        if let lane = groups[dataIdHash] {
          versionLanes[lane].steps.append(step)
        } else {
          groups[dataIdHash] = versionLanes.count
          versionLanes.append(Lane(.versions(dataIdHash: dataIdHash), [step]))
        }
      }
    }
    lanes = [Lane(.roots, steps)]
  }
}
