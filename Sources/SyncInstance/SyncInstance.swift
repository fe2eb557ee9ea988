public import Chum
public import Cryptobox
public import Instance
public import Store
import Trace
import Wire

/// A complete ONE instance as a value: connections, pairing and routes (``Instance``), and above them the store, access
/// grants, channels and CHUM in both roles on every connection to a known peer.
///
/// Like the machines below it knows no socket, clock or generator. Times are monotonic ms; `epoch` is the wall time in
/// ms since 1970 at time 0, for what goes into objects. The store is any ``EntryStore``. Feed events to
/// ``handle(_:at:random:into:)``, carry the actions out in order, and send ``InstanceEvent/timer`` at ``nextDeadline``.
public struct SyncInstance<Store: EntryStore> {
  public let settings: SyncSettings
  public internal(set) var core: Instance
  /// The repository, into which applications store; what they stored is looked at with the next event or command.
  public var host: ChumHost<Store>
  public internal(set) var channels = Channels()
  public internal(set) var rights: LeuteAccessRights
  /// Wall time at time 0, ms since 1970.
  public let epoch: Double
  /// The CHUM sessions that run, by their connection.
  public internal(set) var sessions: [SocketID: SyncSession] = [:]
  /// Persons that are contacts, with the time since when.
  public internal(set) var contacts: Set<ObjectHash> = []
  /// What every contact gets.
  public internal(set) var offers: [Subject] = []
  /// When something was stored or granted here for the last time.
  public internal(set) var lastLocalChange = 0.0

  let box: AnyBox
  var sessionNumber = 0
  var now = 0.0
  var out: [SyncAction] = []
  /// Grants that were told already.
  var toldGrants = 0
  /// Internet-of-Me requests that both identities were seen to affirm.
  public internal(set) var completeRequests: Set<ObjectHash> = []
  /// Persons with whom an Internet-of-Me pairing was made, and who are to get the request once they are stored.
  var proposals: Set<ObjectHash> = []
  /// What peers sent and what followed since the last commit; when it is due at the latest.
  var uncommitted = 0
  var commitDue: Double?
  /// What the running call received, for the log to tell it from what was made of it here.
  var receivedNow: Set<ObjectHash> = []

  /// An instance on a store: a new one, or the same one again after a restart, with its contacts and channels.
  ///
  /// What belongs to the own persons is stored when it is not there. Throws when the store does.
  public init(
    _ settings: SyncSettings, keychain: Keychain, repository: Repository<Store>, epoch: Double, box: any BoxProvider
  ) throws(RepositoryFailure) {
    self.settings = settings
    self.epoch = epoch
    self.box = AnyBox(box)
    host = ChumHost(repository)
    rights = LeuteAccessRights(profile: settings.topicTrust)
    core = Instance(settings: settings.instance, keychain: keychain, box: box)
    try found(keychain)
    core = Instance(settings: settings.instance, keychain: keychain, book: try peers(keychain), box: box)
    try restoreChannels()
    _ = host.repository.takeEvents()
    do throws(StoreFailure) { try host.repository.store.commit() } catch { throw .store(error) }
  }

  /// The same instance after a crash, on what its store holds; tokens, sessions and connections are gone. Socket numbers
  /// go on, so that no id comes twice.
  public init(restarting old: SyncInstance, repository: Repository<Store>) throws(RepositoryFailure) {
    try self.init(
      old.settings, keychain: old.core.keychain, repository: repository, epoch: old.epoch, box: old.box)
    offers = old.offers
    let book = core.book
    core = Instance(restarting: old.core, book: book)
    now = old.now
    lastLocalChange = old.now
  }

  /// Milliseconds since 1970.
  public var wallTime: Double { (epoch + now).rounded(.down) }

  // MARK: Events

  /// Takes one event of the connections and appends what has to be done for it, in order.
  public mutating func handle(
    _ event: InstanceEvent, at now: Double, random: inout some RandomSource, into actions: inout [SyncAction]
  ) {
    begin(now, &actions)
    if case .start = event { logStart() }
    feed(event, &random)
    if case .timer = event { tick(&random) }
    finish(&random, &actions)
  }

  /// Carries out a command.
  public mutating func run(
    _ command: SyncCommand, at now: Double, random: inout some RandomSource, into actions: inout [SyncAction]
  ) {
    begin(now, &actions)
    carryOut(command, &random)
    finish(&random, &actions)
  }

  /// The socket has taken more: so many bytes wait still. Files go on.
  public mutating func drained(
    _ id: SocketID, unsent: Int, at now: Double, random: inout some RandomSource, into actions: inout [SyncAction]
  ) {
    begin(now, &actions)
    advance(id, unsent: unsent, &random)
    finish(&random, &actions)
  }

  /// Tells how many bytes a socket has not taken yet, before the next event is handed in.
  public mutating func note(unsent: Int, on id: SocketID) { sessions[id]?.chum.unsentBytes = unsent }

  /// Files wait for the socket to take more.
  public func hasPendingFiles(on id: SocketID) -> Bool { sessions[id]?.chum.hasPendingFiles ?? false }

  /// When ``InstanceEvent/timer`` is due; nil when nothing waits.
  public var nextDeadline: Double? {
    var first = min(core.nextDeadline ?? .infinity, commitDue ?? .infinity)
    for session in sessions.values { if let due = session.chum.deadline { first = min(first, Double(due)) } }
    return first == .infinity ? nil : first
  }

  /// Everything that was asked for has come, and the contacts with whom CHUM runs have what they may have: each side
  /// listed its roots, and nothing was fetched for it. False while no session runs.
  public var isSynchronised: Bool {
    !sessions.isEmpty
      && sessions.values.allSatisfy { session in
        let peerHasAll = session.chum.peerIsCaughtUpTo.map { Double($0) >= lastLocalChange } ?? false
        return (!settings.imports || session.isQuiet) && (!settings.exports || peerHasAll)
      }
  }

  // MARK: The loop

  mutating func begin(_ now: Double, _ actions: inout [SyncAction]) {
    self.now = max(now, self.now)
    swap(&out, &actions)
  }

  mutating func finish(_ random: inout some RandomSource, _ actions: inout [SyncAction]) {
    absorb(from: nil, on: nil, &random)
    swap(&out, &actions)
  }

  /// Hands an event to the connections and everything that they tell to CHUM. Sends keep the order in which they were
  /// encrypted, because all actions of one call go out before what its reports lead to.
  mutating func feed(_ event: InstanceEvent, _ random: inout some RandomSource) {
    var actions: [InstanceAction] = []
    core.handle(event, at: now, random: &random, into: &actions)
    var reports: [InstanceReport] = []
    for action in actions {
      if case .report(let report) = action {
        reports.append(report)
        // The messages are CHUM's; nobody else has to see each of them.
        if case .application = report { continue }
      }
      out.append(.instance(action))
    }
    for report in reports { heard(report, &random) }
  }

  private mutating func heard(_ report: InstanceReport, _ random: inout some RandomSource) {
    switch report {
    case .ready(let id, let record): startSession(id, record, &random)
    case .application(let id, let message): receive(message, on: id, &random)
    case .ended(let id, _, _): connectionEnded(id, &random)
    case .peerStored(let record): attempt { machine throws(GrantFailure) in try machine.addContact(record) }
    case .pairingSucceeded(let success): paired(success, &random)
    case .identified(let id, _, let peer):
      log(.personVerified(person: peer.person, key: peer.personKey.hex, ok: true), on: id)
    case .invitationCreated(let invitation, _, let time):
      let end = epoch + time
      log(.invitationCreated(token: invitation.token, expiresAt: end))
    case .invitationEnded(let token, let why): log(.invitationEnded(token: token, why: why.rawValue))
    default: break
    }
  }

  mutating func log(_ fact: @autoclosure () -> LogFact, on id: SocketID? = nil) {
    if settings.writesLog { out.append(.log(id, fact())) }
  }
  mutating func tell(_ report: SyncReport) { out.append(.report(report)) }

  /// Runs something that the store may refuse; a refusal is told and changes nothing else.
  mutating func attempt(_ body: (inout Self) throws(GrantFailure) -> Void) {
    do throws(GrantFailure) { try body(&self) } catch { tell(.trouble("\(error)")) }
  }
}

extension SyncInstance: Sendable where Store: Sendable {}
