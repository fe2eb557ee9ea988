public import WireBytes

extension LogEvent {
  /// Reads the members of one line (Fixtures/Recordings/LOG.md). Nil for an event whose name is not known, since a later
  /// version may write more than this one reads. `epoch` is the recording's start in ms since 1970.
  public static func read(_ object: JSONObject, epoch: Double? = nil) throws(LogFailure) -> LogEvent? {
    guard let name = object["log"]?.string else { throw LogFailure("log is not the name of an event") }
    guard let peer = object["peer"]?.string, !peer.isEmpty, peer.utf8.count <= 200 else {
      throw LogFailure("peer is not a name of 1 to 200 bytes")
    }
    let fields = LogFields(name: String(name.prefix(40)), object: object, epoch: epoch)
    let conn = try fields.optionalText("conn")
    var fact = try LogFact.session(name, fields)
    if fact == nil { fact = try LogFact.store(name, fields) }
    guard let fact else { return nil }
    return LogEvent(peer: peer, conn: conn.map { String($0.prefix(200)) }, fact)
  }
}

extension LogFact {
  /// Events of connections: pairing, plugins, the session.
  fileprivate static func session(_ name: String, _ fields: LogFields) throws(LogFailure) -> LogFact? {
    switch name {
    case "identityReady":
      var groups: [String: String] = [:]
      for member in try fields.members("groups") { groups[member.name] = member.value.string }
      return .identityReady(
        LogIdentity(
          person: try fields.text("person"), instance: try fields.optionalText("instance"),
          profile: try fields.optionalText("profile"), authority: try fields.optionalText("authority"), groups: groups))
    case "encrypted": return .encrypted(role: try fields.optionalText("role"))
    case "personVerified":
      return .personVerified(
        person: try fields.text("person"), key: try fields.optionalText("key"), ok: try fields.flag("ok") ?? true)
    case "invitationCreated":
      return .invitationCreated(token: try fields.text("token"), expiresAt: try fields.time("expiresAt"))
    case "invitationEnded":
      return .invitationEnded(token: try fields.text("token"), why: try fields.text("why"))
    case "pairingAccepted": return .pairingAccepted(token: try fields.optionalText("token"))
    case "pairingRefused":
      return .pairingRefused(token: try fields.optionalText("token"), reason: try fields.optionalText("reason"))
    case "pluginAttached":
      return .pluginAttached(plugin: try fields.text("plugin"), index: try fields.integer("index") ?? 0)
    case "pluginPassed":
      return .pluginPassed(
        LogPluginPass(
          plugin: try fields.text("plugin"), isIncoming: try fields.either("dir", "in", "out") ?? true,
          before: try content("before", fields), after: try content("after", fields)))
    case "handlerGotText": return .handlerGotText(try fields.text("content"))
    case "chumStarted":
      return .chumStarted(
        LogChumStart(
          localPerson: try fields.optionalText("localPerson"), remotePerson: try fields.optionalText("remotePerson"),
          localInstance: try fields.optionalText("localInstance"),
          remoteInstance: try fields.optionalText("remoteInstance"), importer: try fields.flag("importer"),
          exporter: try fields.flag("exporter"), keepRunning: try fields.flag("keepRunning"),
          pollMs: try fields.number("pollMs"), groupPolicy: try fields.optionalText("groupPolicy")))
    case "firstFullSync": return .firstFullSync
    case "chumEnded":
      return .chumEnded(outcome: try fields.optionalText("outcome") ?? "", error: try fields.optionalText("error"))
    default: return nil
    }
  }

  /// What passed a plugin: a text or `{"binary":LENGTH}`; nil when missing, and for an `after` of `dropped`.
  private static func content(_ key: String, _ fields: LogFields) throws(LogFailure) -> LogPluginPass.Content? {
    guard let value = fields.value(key) else { return nil }
    if let text = value.string {
      let isDropped = key == "after" && text == "dropped" && fields.object["before"]?.string != "dropped"
      return isDropped ? nil : .text(text)
    }
    let length = try fields.within(key, value).integer("binary")
    guard let length else { throw LogFailure("pluginPassed: \(key) is neither a text nor {\"binary\":length}") }
    return .binary(length: length)
  }

  /// Events of the store, of access and of channels.
  fileprivate static func store(_ name: String, _ fields: LogFields) throws(LogFailure) -> LogFact? {
    switch name {
    case "objectReceived":
      return .objectReceived(
        kind: try fields.kind("kind"), requestedHash: try fields.text("requestedHash"),
        actualHash: try fields.text("actualHash"))
    case "objectStored":
      return .objectStored(
        LogStoredObject(
          kind: try fields.kind("kind"), hash: try fields.text("hash"),
          viaChum: try fields.either("via", "chum", "local"), status: try fields.optionalText("status"),
          type: try fields.optionalText("type"), idHash: try fields.optionalText("idHash"),
          references: try fields.texts("references") ?? []))
    case "objectRejected":
      return .objectRejected(hash: try fields.text("hash"), code: try fields.optionalText("code"))
    case "headSet": return .headSet(try head(fields, idHash: try fields.text("idHash")))
    case "chumStored":
      var lists: [String: [String]] = [:]
      for member in try fields.members("lists") { lists[member.name] = LogFields.texts(member.value) }
      return .chumStored(
        LogChumObject(
          idHash: try fields.text("idHash"), hash: try fields.text("hash"), lists: lists,
          statistics: fields.value("statistics"), errors: try fields.items("errors")))
    case "grantCreated": return .grantCreated(try grant(fields))
    case "groupChanged":
      return .groupChanged(
        group: try fields.text("group"), persons: try fields.texts("persons") ?? [],
        cause: try fields.optionalText("cause"))
    case "channelCreated":
      return .channelCreated(
        LogChannel(
          by: try fields.optionalText("by"), channel: try fields.text("channel"), id: try fields.text("id"),
          owner: try fields.optionalText("owner")))
    case "topicCreated":
      return .topicCreated(
        LogTopic(
          topic: try fields.text("topic"), id: try fields.text("id"), channel: try fields.text("channel"),
          isImported: try fields.either("origin", "import", "local"), sender: try fields.optionalText("sender")))
    case "messageAppended":
      return .messageAppended(LogMessage(channel: try fields.text("channel"), entry: try fields.entry()))
    case "channelUpdated": return .channelUpdated(try update(fields))
    case "channelVisible": return .channelVisible(channel: try fields.text("channel"))
    case "storeSnapshot": return .storeSnapshot(try snapshot(fields))
    default: return nil
    }
  }

  private static func head(_ fields: LogFields, idHash: String) throws(LogFailure) -> LogHead {
    LogHead(
      idHash: idHash, node: try fields.optionalText("node"), nodeType: try fields.optionalText("nodeType"),
      depth: try fields.integer("depth"), data: try fields.optionalText("data"),
      viaChum: try fields.either("via", "chum", "local"), entries: try fields.entries("entries"))
  }

  private static func grant(_ fields: LogFields) throws(LogFailure) -> LogGrant {
    LogGrant(
      by: try fields.optionalText("by"), subject: try fields.text("subject"),
      subjectKind: try fields.either("subjectKind", "id", "object").map { $0 ? .id : .object },
      persons: try fields.texts("persons") ?? [], groups: try fields.texts("groups") ?? [],
      mode: try fields.optionalText("mode"), resultPersons: try fields.texts("resultPersons"),
      resultGroups: try fields.texts("resultGroups"), status: try fields.optionalText("status"),
      started: try fields.time("started"), versions: try fields.integer("versions"),
      isByChum: try fields.either("cause", "chum", "local"), because: try fields.optionalText("because"))
  }

  private static func update(_ fields: LogFields) throws(LogFailure) -> LogUpdate {
    let isCounted = fields.value("entries")?.number != nil
    let entries = isCounted ? [] : try fields.entries("entries") ?? []
    let count = isCounted ? try fields.integer("entries") : entries.count
    var new = fields.value("newEntries")?.integer
    if new == nil { new = try fields.entries("newEntries")?.count }
    return LogUpdate(
      channel: try fields.text("channel"), id: try fields.optionalText("id"), owner: try fields.optionalText("owner"),
      count: count ?? entries.count, entries: entries, newEntries: new,
      isImport: try fields.either("origin", "import", "local"))
  }

  private static func snapshot(_ fields: LogFields) throws(LogFailure) -> LogSnapshot {
    var snapshot = LogSnapshot(when: try fields.optionalText("when"))
    snapshot.tellsInventory = fields.value("inventory") != nil
    snapshot.tellsGrants = fields.value("grants") != nil
    for member in try fields.members("inventory") {
      let item = try fields.within("inventory", member.value)
      snapshot.inventory.append(
        LogSnapshot.Item(
          hash: member.name, kind: try item.kind("kind"), length: try item.integer("length"),
          sha256: try item.optionalText("sha256")))
    }
    for member in try fields.members("heads") {
      if let node = member.value.string {
        snapshot.heads.append(LogHead(idHash: member.name, node: node))
      } else {
        snapshot.heads.append(try head(fields.within("heads", member.value), idHash: member.name))
      }
    }
    for value in try fields.items("grants") {
      let item = try fields.within("grants", value)
      snapshot.grants.append(
        LogSnapshot.Grant(
          subject: try item.text("subject"), subjectKind: try item.kind("subjectKind"),
          persons: try item.texts("persons") ?? [], groups: try item.texts("groups") ?? []))
    }
    for member in try fields.members("groups") {
      guard let persons = LogFields.texts(member.value) else {
        throw LogFailure("storeSnapshot: groups: \(member.name.prefix(16))… is not a list of persons")
      }
      snapshot.groups[member.name] = persons
    }
    return snapshot
  }
}
