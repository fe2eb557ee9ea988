import Chum
import Cryptobox
import Instance
import Microdata
import Store
import Trace
import Wire

/// What the application stores and grants, and what follows from objects that came.
extension SyncInstance {
  // MARK: Commands

  mutating func carryOut(_ command: SyncCommand, _ random: inout some RandomSource) {
    switch command {
    case .instance(let command): feed(.command(command), &random)
    case .grant(let request, let component):
      do throws(GrantFailure) {
        _ = try rights.grant(request, by: component, in: &host.repository, now: wallTime)
      } catch {
        log(.grantCreated(LogGrant(refused: request, by: component)))
        tell(.trouble("\(error)"))
      }
    case .offer(let subject):
      guard !offers.contains(subject) else { return }
      offers.append(subject)
      for person in contacts.sorted() {
        attempt { machine throws(GrantFailure) in try machine.grantOnce(subject, to: person) }
      }
    case .openTopic(let person):
      attempt { machine throws(GrantFailure) in
        guard let own = machine.mainPerson else { throw .subject("no own person") }
        if machine.settings.syncFaults.contains(.topicGrantedAtFirstMessage) {
          return try machine.makeTopicOnly(OneToOneId(own, person))
        }
        _ = try machine.openTopic(own, person)
      }
    case .say(let text, let person, let attachments):
      attempt { machine throws(GrantFailure) in try machine.say(text, to: person, attachments) }
    case .proposeIoM(let person, let mode):
      attempt { machine throws(GrantFailure) in try machine.proposeIoM(with: person, mode) }
    case .affirmIoM(let request):
      attempt { machine throws(GrantFailure) in try machine.affirmIoM(request) }
    }
  }

  /// Channel, Topic and the grants to both (4.7, 3); what is there stays as it is.
  mutating func openTopic(
    _ own: ObjectHash, _ other: ObjectHash
  ) throws(GrantFailure) -> (channel: ObjectHash, topic: ObjectHash) {
    let id = OneToOneId(own, other)
    let made = try channels.createOneToOne(own, other, rights: &rights, in: &host.repository, now: wallTime)
    if !channels.registry.contains(made.channel) {
      log(.channelCreated(LogChannel(by: Self.topicComponent, channel: made.channel.hex, id: id.text)))
    }
    return made
  }

  /// Planted fault only: channel and Topic without a grant.
  private mutating func makeTopicOnly(_ id: OneToOneId) throws(GrantFailure) {
    do throws(RepositoryFailure) {
      let key = ChannelKey(id: id.text)
      let channel = try channels.create(key, in: &host.repository, now: wallTime).channel
      _ = try host.repository.storeObject(Topic(id: id.text, name: id.text, channel: channel).object)
    } catch { throw .repository(error) }
  }

  static var topicComponent: String { "TopicModel" }

  private mutating func say(
    _ text: String, to person: ObjectHash, _ attachments: [ObjectHash]
  ) throws(GrantFailure) {
    guard let identity = core.keychain.identities.first, let own = ObjectHash(hex: identity.personId) else {
      throw .subject("no own person")
    }
    let channel = try openTopic(own, person).channel
    observe(host.repository.takeEvents(), from: nil, on: nil)
    var message = OneObject(["$type$": "ChatMessage", "text": .text(text)])
    if !attachments.isEmpty { message.set("attachments", .array(attachments.map(OneValue.reference))) }
    message.set("sender", .reference(own))
    do throws(RepositoryFailure) {
      try channels.append(message, to: channel, author: author(identity), in: &host.repository, now: wallTime)
      guard let entry = try channels.entries(of: channel, in: host.repository).first else { return }
      log(.messageAppended(LogMessage(channel: channel.hex, entry: LogEntry(entry))))
    } catch { throw .repository(error) }
  }

  // MARK: What follows from what was stored

  /// Looks at everything that was stored since the last call, and at what that led to. `person` sent it, if somebody did.
  mutating func absorb(from person: ObjectHash?, on id: SocketID?, _ random: inout some RandomSource) {
    var isChanged = false
    // Reactions store objects of their own; a chain of them is short.
    for _ in 0..<8 {
      let events = host.repository.takeEvents()
      guard !events.isEmpty else { break }
      isChanged = true
      observe(events, from: person, on: id)
    }
    tellGrants()
    if isChanged {
      lastLocalChange = now
      // What was done here is durable at once; what comes from a peer waits for company, since it can be fetched again.
      if person == nil { return commit() }
      uncommitted += 1
    }
    if uncommitted > 0, commitDue == nil { commitDue = now + Self.commitDelay }
  }

  /// Makes what came so far durable and visible to other readers of the store.
  public mutating func commit() {
    commitDue = nil
    uncommitted = 0
    do throws(StoreFailure) { try host.repository.store.commit() } catch { tell(.trouble("\(error)")) }
  }

  /// Entries that may wait for a commit, and for how many ms.
  static var commitBatch: Int { 256 }
  static var commitDelay: Double { 100 }

  private mutating func observe(_ events: [StoreEvent], from person: ObjectHash?, on id: SocketID?) {
    for event in events { note(event, from: person, on: id) }
    do throws(RepositoryFailure) {
      for event in try channels.observe(events, in: host.repository) { try follow(event) }
    } catch { tell(.trouble("a channel cannot be read: \(error)")) }
  }

  private mutating func note(_ event: StoreEvent, from person: ObjectHash?, on id: SocketID?) {
    switch event {
    case .unversionedStored(let hash, let type, let origin):
      if origin == .local { logStored(Reference(kind: .object, hash: hash), .new, isReceived: false, on: nil) }
      arrived(hash, type, origin == .chum ? person : nil, isOwn: origin == .local)
    case .idObjectStored(let hash, _, let status, let origin):
      if origin == .local { logStored(Reference(kind: .id, hash: hash), status, isReceived: false, on: nil) }
    case .versionStored(let idHash, let type, let data, let node, let origin):
      logVersion(idHash, type, data, node, origin, on: id)
    }
  }

  /// Objects that mean something to this instance.
  private mutating func arrived(_ hash: ObjectHash, _ type: String, _ sender: ObjectHash?, isOwn: Bool) {
    switch type {
    case "Topic":
      guard let topic = (try? host.repository.object(hash)).flatMap({ Topic($0) }) else { return }
      log(
        .topicCreated(
          LogTopic(
            topic: hash.hex, id: topic.id, channel: topic.channel.hex, isImported: !isOwn, sender: sender?.hex)))
      guard let sender else { return }
      tellGrants()
      attempt { machine throws(GrantFailure) in
        _ = try machine.rights.topicArrived(
          hash, from: sender, in: &machine.host.repository, now: machine.wallTime)
      }
      tellGrants(because: hash)
    case "BlobDescriptor":
      guard !isOwn, let object = try? host.repository.object(hash), let blob = object.hash("data") else { return }
      tell(
        .file(
          FileLine(
            descriptor: hash, blob: blob, name: object.text("name") ?? "", size: object.number("size") ?? 0)))
    case "IoMRequest", "Signature":
      attempt { machine throws(GrantFailure) in try machine.iomObjectStored(hash, type, isOwn: isOwn) }
    default: break
    }
  }

  private mutating func follow(_ event: ChannelEvent) throws(RepositoryFailure) {
    switch event {
    case .visible(let channel, _):
      log(.channelVisible(channel: channel.hex))
      try register(channel)
    case .updated(let update):
      log(.channelUpdated(LogUpdate(update)))
      attempt { machine throws(GrantFailure) in
        try machine.rights.channelUpdated(update, in: &machine.host.repository, now: machine.wallTime)
      }
      tell(.channelUpdated(update))
      for entry in update.entries.reversed() where entry.isNew { try tell(entry.entry, in: update) }
    }
  }

  private mutating func tell(_ entry: ListEntry, in update: ChannelUpdate) throws(RepositoryFailure) {
    let object = try host.repository.object(entry.data)
    guard object.type == "ChatMessage", let text = object.text("text"), let sender = object.hash("sender") else {
      return
    }
    tell(
      .message(
        ChatLine(
          channel: update.channel, message: entry.data, sender: sender, timestamp: entry.timestamp, text: text,
          attachments: object.hashes("attachments"), isOwn: update.origin == .local)))
  }

  /// `because`: the Topic that came and led to them.
  private mutating func tellGrants(because topic: ObjectHash? = nil) {
    let records = rights.records
    guard toldGrants < records.count else { return }
    for record in records[toldGrants...] {
      log(.grantCreated(LogGrant(record, because: topic)))
      tell(.granted(record))
    }
    toldGrants = records.count
  }

  // MARK: The registry of channels

  /// Where the registry is kept: a reverse map of the store, to which a channel adds one line. A ChannelRegistry object
  /// as the deployed one keeps would be written anew, whole, for every channel that a peer makes visible.
  private static var registry: ReverseKey {
    ReverseKey(target: ObjectHash.of(Array("ChannelRegistry".utf8)), type: "ChannelInfo")
  }

  private mutating func register(_ channel: ObjectHash) throws(RepositoryFailure) {
    do throws(StoreFailure) { try host.repository.store.addReferrer(channel, to: Self.registry) } catch {
      throw .store(error)
    }
  }

  /// After a restart: the channels of earlier runs, without telling of their messages again.
  mutating func restoreChannels() throws(RepositoryFailure) {
    var events: [StoreEvent] = []
    for channel in host.repository.store.referrers(Self.registry) {
      guard let node = host.repository.store.head(channel) else { continue }
      let data = try host.repository.versionNode(node).data
      events.append(.versionStored(idHash: channel, type: "ChannelInfo", data: data, node: node, origin: .local))
    }
    _ = try channels.observe(events, in: host.repository)
  }
}
