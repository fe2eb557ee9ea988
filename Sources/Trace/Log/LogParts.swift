public import WireBytes

/// Who an instance is and how its access manager is set up; written at start and when the main identity changes.
public struct LogIdentity: Sendable, Equatable {
  /// Person ID hash of the owner.
  public var person: String
  /// Instance ID hash or name.
  public var instance: String?
  /// ID hash of the owner's main profile.
  public var profile: String?
  /// The only component that may grant; `LeuteAccessRightsManager` when missing.
  public var authority: String?
  /// Configured groups: `iom` and `everyone` to their Group ID hashes.
  public var groups: [String: String]

  public init(
    person: String, instance: String? = nil, profile: String? = nil, authority: String? = nil,
    groups: [String: String] = [:]
  ) {
    self.person = person
    self.instance = instance
    self.profile = profile
    self.authority = authority
    self.groups = groups
  }
}

/// What a plugin did with one message.
public struct LogPluginPass: Sendable, Equatable {
  public enum Content: Sendable, Equatable {
    case text(String)
    /// Bytes, of which only the length is written down.
    case binary(length: Int)
  }
  public var plugin: String
  /// True from the socket upwards.
  public var isIncoming: Bool
  /// Nil when the plugin made the message itself.
  public var before: Content?
  /// Nil when the plugin let nothing pass (`"dropped"` in the file).
  public var after: Content?

  public init(plugin: String, isIncoming: Bool, before: Content?, after: Content?) {
    self.plugin = plugin
    self.isIncoming = isIncoming
    self.before = before
    self.after = after
  }
}

public struct LogChumStart: Sendable, Equatable {
  public var localPerson: String?
  public var remotePerson: String?
  public var localInstance: String?
  public var remoteInstance: String?
  public var importer: Bool?
  public var exporter: Bool?
  public var keepRunning: Bool?
  public var pollMs: Double?
  /// `evaluated`, `ignored` or `filter` (chum.md 3.5).
  public var groupPolicy: String?

  public init(
    localPerson: String? = nil, remotePerson: String? = nil, localInstance: String? = nil,
    remoteInstance: String? = nil, importer: Bool? = nil, exporter: Bool? = nil, keepRunning: Bool? = nil,
    pollMs: Double? = nil, groupPolicy: String? = nil
  ) {
    self.localPerson = localPerson
    self.remotePerson = remotePerson
    self.localInstance = localInstance
    self.remoteInstance = remoteInstance
    self.importer = importer
    self.exporter = exporter
    self.keepRunning = keepRunning
    self.pollMs = pollMs
    self.groupPolicy = groupPolicy
  }
}

public struct LogStoredObject: Sendable, Equatable {
  public var kind: ObjectKind
  public var hash: String
  /// True for `via` = `chum`, false for `local`; nil when not said.
  public var viaChum: Bool?
  /// `new` or `exists`.
  public var status: String?
  /// Type of the microdata, such as `ChatMessage`.
  public var type: String?
  /// ID hash, for a version of a versioned object.
  public var idHash: String?
  /// Hashes that stand in the object: objects, ID objects, BLOBs and CLOBs alike.
  public var references: [String]

  public init(
    kind: ObjectKind, hash: String, viaChum: Bool? = nil, status: String? = nil, type: String? = nil,
    idHash: String? = nil, references: [String] = []
  ) {
    self.kind = kind
    self.hash = hash
    self.viaChum = viaChum
    self.status = status
    self.type = type
    self.idHash = idHash
    self.references = references
  }
}

/// One entry of a channel's list.
public struct LogEntry: Sendable, Equatable {
  /// Hash of the LinkedListEntry.
  public var entry: String?
  /// Hash of the CreationTime.
  public var creationTime: String?
  /// Milliseconds since 1970.
  public var timestamp: Double?
  /// Hash of the message or other data.
  public var data: String?

  public init(entry: String? = nil, creationTime: String? = nil, timestamp: Double? = nil, data: String? = nil) {
    self.entry = entry
    self.creationTime = creationTime
    self.timestamp = timestamp
    self.data = data
  }
}

public struct LogHead: Sendable, Equatable {
  public var idHash: String
  /// Hash of the version node.
  public var node: String?
  /// `VersionNodeEdge`, `VersionNodeChange` or `VersionNodeMerge`.
  public var nodeType: String?
  public var depth: Int?
  /// Hash of the version.
  public var data: String?
  /// True when an import set it, false when a local write did; nil when not said.
  public var viaChum: Bool?
  /// For a channel: its whole list from the head, newest first.
  public var entries: [LogEntry]?

  public init(
    idHash: String, node: String? = nil, nodeType: String? = nil, depth: Int? = nil, data: String? = nil,
    viaChum: Bool? = nil, entries: [LogEntry]? = nil
  ) {
    self.idHash = idHash
    self.node = node
    self.nodeType = nodeType
    self.depth = depth
    self.data = data
    self.viaChum = viaChum
    self.entries = entries
  }
}

/// The Chum object as it was stored (chum.md 2.11.1).
public struct LogChumObject: Sendable, Equatable {
  public var idHash: String
  public var hash: String
  /// `AtoBObjects` and so on; hashes in the order of the bags.
  public var lists: [String: [String]]
  public var statistics: JSONValue?
  public var errors: [JSONValue]

  public init(
    idHash: String, hash: String, lists: [String: [String]] = [:], statistics: JSONValue? = nil,
    errors: [JSONValue] = []
  ) {
    self.idHash = idHash
    self.hash = hash
    self.lists = lists
    self.statistics = statistics
    self.errors = errors
  }
}
