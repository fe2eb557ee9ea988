public import Store

extension Channels {
  /// Makes a one-to-one topic on the own instance: channel without owner, Topic object, and the grants to both persons
  /// before anything can be appended.
  @discardableResult
  public mutating func createOneToOne<S: EntryStore>(
    _ me: ObjectHash, _ other: ObjectHash, name: String? = nil, rights: inout LeuteAccessRights,
    in repository: inout Repository<S>, now: Double
  ) throws(GrantFailure) -> (channel: ObjectHash, topic: ObjectHash) {
    let id = OneToOneId(me, other)
    let channel: ObjectHash
    let topic: ObjectHash
    do throws(RepositoryFailure) {
      channel = try create(ChannelKey(id: id.text), in: &repository, now: now).channel
      // The deployed component names such a topic by its id.
      topic = try repository.storeObject(Topic(id: id.text, name: name ?? id.text, channel: channel).object)
    } catch { throw .repository(error) }
    try rights.grantOneToOne(id, channel: channel, topic: topic, in: &repository, now: now)
    return (channel, topic)
  }

  /// Makes a group topic; nobody is granted anything until somebody is added or the channel is updated.
  @discardableResult
  public mutating func createGroup<S: EntryStore>(
    id: String, name: String, owner: ObjectHash? = nil, in repository: inout Repository<S>, now: Double
  ) throws(RepositoryFailure) -> (channel: ObjectHash, topic: ObjectHash) {
    let channel = try create(ChannelKey(id: id, owner: owner), in: &repository, now: now).channel
    return (channel, try repository.storeObject(Topic(id: id, name: name, channel: channel).object))
  }
}
