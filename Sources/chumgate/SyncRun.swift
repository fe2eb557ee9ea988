import Chum
import Cryptobox
import Foundation
import Instance
import Network
import Store
import StoreFiles
import SyncInstance
import Synchronization
import Trace
import Wire
import WireBytes

/// A complete instance for as long as `invite` or `join` runs: store, sockets, what the user typed, what is told.
final class SyncRun: Sendable {
  typealias Driver = MachineDriver<SyncInstance<InstanceStore>>

  /// How a wait ended.
  enum End: Equatable { case fulfilled, failed, timeout, interrupted }

  let identity: Identity
  let driver: Driver
  /// Contacts of earlier runs.
  let contacts: Int
  private let options: SyncOptions
  private let isJSON: Bool
  private let folder: InstanceFolder
  private let offers: [Subject]
  private let log: LineFile?
  private let person: ObjectHash

  init(
    _ instance: InstanceOptions, _ options: SyncOptions, folder: InstanceFolder, identity: Identity,
    affirmsIoM: Bool
  ) throws {
    self.options = options
    self.folder = folder
    self.identity = identity
    isJSON = instance.json
    guard let person = ObjectHash(hex: identity.personId) else { throw Exit.usage("the identity has no person") }
    self.person = person
    if let save = options.save {
      try FileManager.default.createDirectory(atPath: save, withIntermediateDirectories: true)
    }
    var repository = try folder.open(instance.profile)
    offers = try options.share.map { try SharedFiles.take($0, person: person, into: &repository) }
    // Recording, logs and objects share one clock: ms since this moment.
    let epoch = (Date().timeIntervalSince1970 * 1_000).rounded(.down)
    let began = Date(timeIntervalSince1970: epoch / 1_000)
    let machine: SyncInstance<InstanceStore>
    do {
      var settings = options.settings(instance, affirmsIoM: affirmsIoM)
      settings.writesLog = options.log != nil
      machine = try SyncInstance(
        settings, keychain: Keychain([identity]), repository: repository,
        epoch: epoch, box: SodiumBox())
    } catch { throw Exit.usage("\(folder.path): \(error)") }
    contacts = machine.contacts.count
    log = try options.log.map { try LineFile($0, appends: false) }
    var driverOptions = try instance.driverOptions(started: began, poll: options.poll)
    driverOptions.clockStart = Date().timeIntervalSince(began) * 1_000
    let (log, isJSON) = (log, isJSON)
    let peer = identity.instanceId
    driverOptions.tap = { output, now, _ in
      switch output {
      case .log(_, let fact):
        // No name of a connection: the log may be read beside the peer's recording, where it would be another's.
        let event = LogEvent(peer: peer, fact)
        log?.write(JSONValue.object(event.json(wall: epoch + (now * 10).rounded() / 10)).compact + "\n")
        return false
      case .sync(.received), .sync(.channelUpdated), .sync(.granted): return isJSON
      default: return true
      }
    }
    driver = Driver(machine, options: driverOptions)
  }

  func start() async {
    await driver.start()
    for subject in offers { await driver.command(.offer(subject)) }
  }

  /// Ends the connections, and says what the store holds.
  func stop() async {
    await driver.stop()
    if let log {
      let peer = identity.instanceId
      await driver.with { machine, now in
        let event = LogEvent(peer: peer, .storeSnapshot(machine.snapshot("end")))
        log.write(JSONValue.object(event.json(wall: machine.epoch + (now * 10).rounded() / 10)).compact + "\n")
      }
    }
    folder.removeIfPassing()
  }

  // MARK: Waiting

  private enum Item: Sendable {
    case output(SyncOutput)
    case line(String)
    case tick, ended, timeout, signal
  }

  /// Reads what is told until the wish is fulfilled, a pairing of ours failed, time is up or a signal came.
  func wait(_ until: InstanceOptions.Until, timeout: Double?, failureEnds: Bool) async -> End {
    let (items, source) = AsyncStream.makeStream(of: Item.self)
    let watchers = [SIGINT, SIGTERM].map { SignalWatch.start($0) { _ in source.yield(.signal) } }
    defer { for watcher in watchers { watcher.cancel() } }
    let driver = driver
    let reader = Task {
      for await output in driver.reports { source.yield(.output(output)) }
      source.yield(.ended)
    }
    defer { reader.cancel() }
    var timers = [Alarm.every(0.5) { source.yield(.tick) }]
    if let timeout { timers.append(Alarm.after(timeout) { source.yield(.timeout) }) }
    defer { for timer in timers { timer.cancel() } }
    if options.chat { Self.readLines { source.yield(.line($0)) } }
    var state = SyncState(lingers: 2 * options.poll + 1)
    let printer = SyncPrinter(isJSON: isJSON)
    let end = await take(items, until, failureEnds, printer, &state)
    for copy in state.copies { await copy.value }
    return end
  }

  private func take(
    _ items: AsyncStream<Item>, _ until: InstanceOptions.Until, _ failureEnds: Bool, _ printer: SyncPrinter,
    _ state: inout SyncState
  ) async -> End {
    for await item in items {
      switch item {
      case .output(let output):
        await tell(output, printer, &state)
        if isFulfilled(until, by: output) { return .fulfilled }
        if failureEnds, case .connection(.pairingFailed(let failure)) = output, failure.initiatedLocally {
          return .failed
        }
        if until == .synced, case .sync(.ended) = output, state.wasSynchronised { return .fulfilled }
      case .line(let text): await say(text, &state)
      case .tick:
        let (isSynchronised, transfers) = await driver.with { machine, _ in
          (machine.isSynchronised, machine.sessions.values.flatMap(\.chum.transfers))
        }
        printer.progress(transfers, &state)
        if until == .synced, state.isThrough(isSynchronised) { return .fulfilled }
      case .ended, .signal: return .interrupted
      case .timeout: return state.wasSynchronised && until == .synced ? .fulfilled : .timeout
      }
    }
    return .interrupted
  }

  private func isFulfilled(_ until: InstanceOptions.Until, by output: SyncOutput) -> Bool {
    switch (until, output) {
    case (.paired, .connection(.pairingSucceeded)), (.chum, .sync(.started)): true
    default: false
    }
  }

  private func tell(_ output: SyncOutput, _ printer: SyncPrinter, _ state: inout SyncState) async {
    switch output {
    case .connection(.ready(_, let record)): state.names[record.person] = record.personEmail
    case .sync(.contact(let person, let email)):
      state.names[person.hex] = email
      for text in state.unsaid { await driver.command(.say(text, to: person, attachments: [])) }
      state.unsaid = []
    default: break
    }
    printer.tell(output, state)
    guard let folder = options.save, case .sync(.file(let line)) = output else { return }
    // The copy reads beside this writer, so the file must be committed first.
    await driver.with { machine, _ in machine.commit() }
    // A long copy is no business of the machine's, whose timers go on; the store can be read beside its writer.
    let (path, isJSON) = (self.folder.path, isJSON)
    let copy = Task.detached {
      do {
        let saved = try SharedFiles.save(line, from: try InstanceStore(path: path, readOnly: true), to: folder)
        SyncPrinter(isJSON: isJSON).line("saved", "saved as \(saved)", JSONObject(["path": .string(saved)]))
      } catch { Terminal.error("\(line.name) was not saved: \(error)") }
    }
    state.copies.append(copy)
  }

  /// Says a line to every contact; without one it waits for the first.
  private func say(_ text: String, _ state: inout SyncState) async {
    let persons = await driver.with { machine, _ in machine.contacts.sorted() }
    if persons.isEmpty, state.unsaid.count < 1_000 { state.unsaid.append(text) }
    for person in persons { await driver.command(.say(text, to: person, attachments: [])) }
  }

  // MARK: Outside

  /// Whole lines of standard input; a last one without its end counts when the input ends.
  private static func readLines(_ body: @escaping @Sendable (String) -> Void) {
    let rest = Mutex([UInt8]())
    FileHandle.standardInput.readabilityHandler = { handle in
      let data = handle.availableData
      let lines = rest.withLock { rest -> [String] in
        rest += data
        var lines: [String] = []
        while let end = rest.firstIndex(of: 0x0A) {
          lines.append(String(decoding: rest[..<end], as: UTF8.self))
          rest.removeSubrange(...end)
        }
        if data.isEmpty || rest.count > 1 << 20, !rest.isEmpty {
          lines.append(String(decoding: rest, as: UTF8.self))
          rest = []
        }
        return lines
      }
      if data.isEmpty { handle.readabilityHandler = nil }
      for line in lines where !line.isEmpty { body(line) }
    }
  }
}
