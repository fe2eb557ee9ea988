public import Store

/// The one component that writes grants, `LeuteAccessRightsManager` of the seed (chum.md 4.7).
///
/// Others tell it what happened; it decides who gets what. One-to-one channels are granted to both persons when they
/// are created, because the event "updated" comes only with the first message; group channels at their first update.
public struct LeuteAccessRights: Sendable {
  public let authority: GrantAuthority
  /// The group of the own identities; nil: no grant is written for it (4.7, 2).
  public let ownGroup: ObjectHash?
  /// The group of all known persons.
  public let everyoneGroup: ObjectHash?
  public let profile: TopicTrust
  private var updatedChannels: Set<ObjectHash> = []
  /// Every request and its outcome, duplicates included.
  public private(set) var records: [GrantRecord] = []

  /// What a received Topic may lead to.
  public enum TopicTrust: Sendable {
    /// As the deployed topic component: both persons of its id get whatever channel it names (F45).
    case deployed
    /// Only the channel that its id computes to, and only when the sender is one of the two (4.7, 6; CHN-017).
    case strict
  }

  /// Planted fault only: requests at the same moment start from the same grant (F20).
  public var races = false
  private var before: (time: Double, grants: [Subject: Grant?]) = (-1, [:])

  public init(
    authority: GrantAuthority = GrantAuthority(), ownGroup: ObjectHash? = nil, everyoneGroup: ObjectHash? = nil,
    profile: TopicTrust = .strict
  ) {
    self.authority = authority
    self.ownGroup = ownGroup
    self.everyoneGroup = everyoneGroup
    self.profile = profile
  }

  public mutating func grant<S: EntryStore>(
    _ request: GrantRequest, by component: String = GrantAuthority.standardName, in repository: inout Repository<S>,
    now: Double
  ) throws(GrantFailure) -> GrantRecord {
    let request = races ? raced(request, repository, now) : request
    let record = try authority.grant(request, by: component, in: &repository, now: now)
    records.append(record)
    return record
  }

  /// The request as a component writes it that read the grant before the other one wrote.
  private mutating func raced<S: EntryStore>(
    _ request: GrantRequest, _ repository: Repository<S>, _ now: Double
  ) -> GrantRequest {
    if before.time != now { before = (now, [:]) }
    guard request.mode == .add else { return request }
    if before.grants[request.subject] == nil {
      before.grants[request.subject] = .some(repository.currentGrant(request.subject))
    }
    let old = before.grants[request.subject] ?? nil
    return GrantRequest(
      request.subject, persons: (old?.persons ?? []) + request.persons, groups: (old?.groups ?? []) + request.groups,
      mode: .replace)
  }

  /// Writes only what is not granted yet, so that repeating an event reports no duplicate.
  private mutating func ensure<S: EntryStore>(
    _ subject: Subject, persons: [ObjectHash] = [], groups: [ObjectHash] = [], _ repository: inout Repository<S>,
    _ now: Double
  ) throws(GrantFailure) {
    let before = repository.currentGrant(subject)
    let newPersons = persons.filter { before?.persons.contains($0) != true }
    let newGroups = groups.filter { before?.groups.contains($0) != true }
    guard !newPersons.isEmpty || !newGroups.isEmpty else { return }
    _ = try grant(
      GrantRequest(subject, persons: newPersons, groups: newGroups), in: &repository, now: now)
  }

  /// A one-to-one topic was made: its channel and the Topic object are granted to both, before any message (CHN-006).
  public mutating func grantOneToOne<S: EntryStore>(
    _ id: OneToOneId, channel: ObjectHash, topic: ObjectHash, in repository: inout Repository<S>, now: Double
  ) throws(GrantFailure) {
    try ensure(.id(channel), persons: id.persons, &repository, now)
    try ensure(.object(topic), persons: id.persons, &repository, now)
  }

  /// Adds persons or groups to a topic: always the channel and the Topic object together (CHN-015).
  public mutating func grantTopic<S: EntryStore>(
    channel: ObjectHash, topic: ObjectHash, persons: [ObjectHash] = [], groups: [ObjectHash] = [],
    in repository: inout Repository<S>, now: Double
  ) throws(GrantFailure) {
    try ensure(.id(channel), persons: persons, groups: groups, &repository, now)
    try ensure(.object(topic), persons: persons, groups: groups, &repository, now)
  }

  /// The event "updated": the first one of a channel grants it to the own identities, and the Topic that names it with it
  /// (CHN-015), without which another device would not list the conversation.
  public mutating func channelUpdated<S: EntryStore>(
    _ update: ChannelUpdate, in repository: inout Repository<S>, now: Double
  ) throws(GrantFailure) {
    guard updatedChannels.insert(update.channel).inserted, let ownGroup else { return }
    try ensure(.id(update.channel), groups: [ownGroup], &repository, now)
    for topic in repository.store.referrers(ReverseKey(target: update.channel, type: "Topic")).prefix(100) {
      guard let object = try? repository.object(topic), Topic(object)?.channel == update.channel else { continue }
      try ensure(.object(topic), groups: [ownGroup], &repository, now)
    }
  }

  /// A Topic object arrived by CHUM from a person; true when it led to grants.
  public mutating func topicArrived<S: EntryStore>(
    _ hash: ObjectHash, from sender: ObjectHash, in repository: inout Repository<S>, now: Double
  ) throws(GrantFailure) -> Bool {
    guard let object = try? repository.object(hash), let topic = Topic(object) else { return false }
    guard let id = OneToOneId(topic.id) else { return false }
    switch profile {
    case .deployed: break
    case .strict:
      let computed = try? ChannelKey(id: topic.id).idHash(repository.codec)
      guard topic.channel == computed, id.persons.contains(sender) else { return false }
    }
    try grantOneToOne(id, channel: topic.channel, topic: hash, in: &repository, now: now)
    return true
  }

  /// The own main profile is shared with everyone at the start and when the main identity changes (ACC-029).
  public mutating func shareMainProfile<S: EntryStore>(
    _ profile: ObjectHash, in repository: inout Repository<S>, now: Double
  ) throws(GrantFailure) {
    guard let everyoneGroup else { return }
    try ensure(.id(profile), groups: [everyoneGroup], &repository, now)
  }
}
