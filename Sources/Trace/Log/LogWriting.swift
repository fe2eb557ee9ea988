public import WireBytes

extension LogEvent {
  /// The line of the event at a time of the recording in ms, as ``read(_:epoch:)`` reads it.
  public func json(time: Double) -> JSONObject {
    var members = LogMembers()
    members.object.append("t", .number(time))
    members.object.append("log", .string(fact.name))
    members.object.append("peer", .string(peer))
    members.add("conn", conn)
    fact.write(&members)
    return members.object
  }

  /// The same with the wall clock's ms since 1970 instead of the recording's time.
  public func json(wall: Double) -> JSONObject {
    var object = JSONObject()
    object.append("wall", .number(wall))
    for member in json(time: 0).members.dropFirst() { object.append(member.name, member.value) }
    return object
  }
}

/// Collects members; what is missing is not written.
private struct LogMembers {
  var object = JSONObject()

  mutating func add(_ name: String, _ text: String?) { if let text { object.append(name, .string(text)) } }
  mutating func add(_ name: String, _ number: Double?) { if let number { object.append(name, .number(number)) } }
  mutating func add(_ name: String, _ number: Int?) { if let number { object.append(name, .number(Double(number))) } }
  mutating func add(_ name: String, _ flag: Bool?) { if let flag { object.append(name, .bool(flag)) } }
  mutating func add(_ name: String, _ texts: [String]?) {
    if let texts { object.append(name, .array(texts.map { .string($0) })) }
  }
  mutating func add(_ name: String, _ flag: Bool?, _ yes: String, _ no: String) {
    if let flag { object.append(name, .string(flag ? yes : no)) }
  }
  mutating func add(_ name: String, _ entries: [LogEntry]?) {
    guard let entries else { return }
    object.append(
      name,
      .array(
        entries.map { entry in
          var members = LogMembers()
          members.add(entry)
          return .object(members.object)
        }))
  }
  mutating func add(_ entry: LogEntry) {
    add("entry", entry.entry)
    add("creationTime", entry.creationTime)
    add("timestamp", entry.timestamp)
    add("data", entry.data)
  }
  mutating func add(_ name: String, _ content: LogPluginPass.Content?) {
    switch content {
    case .text(let text): object.append(name, .string(text))
    case .binary(let length): object.append(name, ["binary": .number(Double(length))])
    case nil: break
    }
  }
  mutating func add(_ head: LogHead) {
    add("node", head.node)
    add("nodeType", head.nodeType)
    add("depth", head.depth)
    add("data", head.data)
    add("via", head.viaChum, "chum", "local")
    add("entries", head.entries)
  }
  mutating func add(_ name: String, map: [String: JSONValue]) {
    var inner = JSONObject()
    for (key, value) in map.sorted(by: { $0.key < $1.key }) { inner.append(key, value) }
    object.append(name, .object(inner))
  }
}

extension LogFact {
  fileprivate func write(_ out: inout LogMembers) {
    switch self {
    case .identityReady(let identity):
      out.add("person", identity.person)
      out.add("instance", identity.instance)
      out.add("profile", identity.profile)
      out.add("authority", identity.authority)
      out.add("groups", map: identity.groups.mapValues { .string($0) })
    case .encrypted(let role): out.add("role", role)
    case .personVerified(let person, let key, let ok):
      out.add("person", person)
      out.add("key", key)
      out.add("ok", ok)
    case .invitationCreated(let token, let expiresAt):
      out.add("token", token)
      out.add("expiresAt", expiresAt)
    case .invitationEnded(let token, let why):
      out.add("token", token)
      out.add("why", why)
    case .pairingAccepted(let token): out.add("token", token)
    case .pairingRefused(let token, let reason):
      out.add("token", token)
      out.add("reason", reason)
    case .pluginAttached(let plugin, let index):
      out.add("plugin", plugin)
      out.add("index", index)
    case .pluginPassed(let pass):
      out.add("plugin", pass.plugin)
      out.add("dir", pass.isIncoming, "in", "out")
      out.add("before", pass.before)
      if pass.after == nil { out.add("after", "dropped") } else { out.add("after", pass.after) }
    case .handlerGotText(let text): out.add("content", text)
    case .chumStarted(let start):
      out.add("localPerson", start.localPerson)
      out.add("remotePerson", start.remotePerson)
      out.add("localInstance", start.localInstance)
      out.add("remoteInstance", start.remoteInstance)
      out.add("importer", start.importer)
      out.add("exporter", start.exporter)
      out.add("keepRunning", start.keepRunning)
      out.add("pollMs", start.pollMs)
      out.add("groupPolicy", start.groupPolicy)
    case .firstFullSync: break
    case .chumEnded(let outcome, let error):
      out.add("outcome", outcome)
      out.add("error", error)
    default: writeStore(&out)
    }
  }

  private func writeStore(_ out: inout LogMembers) {
    switch self {
    case .objectReceived(let kind, let requested, let actual):
      out.add("kind", kind.rawValue)
      out.add("requestedHash", requested)
      out.add("actualHash", actual)
    case .objectStored(let object):
      out.add("kind", object.kind.rawValue)
      out.add("hash", object.hash)
      out.add("via", object.viaChum, "chum", "local")
      out.add("status", object.status)
      out.add("type", object.type)
      out.add("idHash", object.idHash)
      if !object.references.isEmpty { out.add("references", object.references) }
    case .objectRejected(let hash, let code):
      out.add("hash", hash)
      out.add("code", code)
    case .headSet(let head):
      out.add("idHash", head.idHash)
      out.add(head)
    case .chumStored(let chum):
      out.add("idHash", chum.idHash)
      out.add("hash", chum.hash)
      out.add("lists", map: chum.lists.mapValues { .array($0.map { .string($0) }) })
      if let statistics = chum.statistics { out.object.append("statistics", statistics) }
      out.object.append("errors", .array(chum.errors))
    case .grantCreated(let grant): write(grant, &out)
    case .groupChanged(let group, let persons, let cause):
      out.add("group", group)
      out.add("persons", persons)
      out.add("cause", cause)
    default: writeChannels(&out)
    }
  }

  private func write(_ grant: LogGrant, _ out: inout LogMembers) {
    out.add("by", grant.by)
    out.add("subject", grant.subject)
    out.add("subjectKind", grant.subjectKind?.rawValue)
    out.add("persons", grant.persons)
    out.add("groups", grant.groups)
    out.add("mode", grant.mode)
    out.add("resultPersons", grant.resultPersons)
    out.add("resultGroups", grant.resultGroups)
    out.add("status", grant.status)
    out.add("started", grant.started)
    out.add("versions", grant.versions)
    out.add("cause", grant.isByChum, "chum", "local")
    out.add("because", grant.because)
  }

  private func writeChannels(_ out: inout LogMembers) {
    switch self {
    case .channelCreated(let channel):
      out.add("by", channel.by)
      out.add("channel", channel.channel)
      out.add("id", channel.id)
      out.add("owner", channel.owner)
    case .topicCreated(let topic):
      out.add("topic", topic.topic)
      out.add("id", topic.id)
      out.add("channel", topic.channel)
      out.add("origin", topic.isImported, "import", "local")
      out.add("sender", topic.sender)
    case .messageAppended(let message):
      out.add("channel", message.channel)
      out.add(message.entry)
    case .channelUpdated(let update):
      out.add("channel", update.channel)
      out.add("id", update.id)
      out.add("owner", update.owner)
      if update.entries.isEmpty { out.add("entries", update.count) } else { out.add("entries", update.entries) }
      out.add("newEntries", update.newEntries)
      out.add("origin", update.isImport, "import", "local")
    case .channelVisible(let channel): out.add("channel", channel)
    case .storeSnapshot(let snapshot): write(snapshot, &out)
    default: break
    }
  }

  private func write(_ snapshot: LogSnapshot, _ out: inout LogMembers) {
    out.add("when", snapshot.when)
    var inventory = JSONObject()
    for item in snapshot.inventory {
      var members = LogMembers()
      members.add("kind", item.kind.rawValue)
      members.add("length", item.length)
      members.add("sha256", item.sha256)
      inventory.append(item.hash, .object(members.object))
    }
    if snapshot.tellsInventory { out.object.append("inventory", .object(inventory)) }
    var heads = JSONObject()
    for head in snapshot.heads {
      var members = LogMembers()
      members.add(head)
      heads.append(head.idHash, .object(members.object))
    }
    out.object.append("heads", .object(heads))
    let grants = snapshot.grants.map { grant -> JSONValue in
      var members = LogMembers()
      members.add("subject", grant.subject)
      members.add("subjectKind", grant.subjectKind.rawValue)
      members.add("persons", grant.persons)
      members.add("groups", grant.groups)
      return .object(members.object)
    }
    if snapshot.tellsGrants { out.object.append("grants", .array(grants)) }
    out.add("groups", map: snapshot.groups.mapValues { .array($0.map { .string($0) }) })
  }
}
