/// One grant as it was asked for and as it came out (chum.md 3.2).
public struct LogGrant: Sendable, Equatable {
  /// The component that asked for it.
  public var by: String?
  public var subject: String
  /// `object` for Access, `id` for IdAccess; nil when the request named neither or both.
  public var subjectKind: ObjectKind?
  public var persons: [String]
  public var groups: [String]
  /// `add` or `replace`; anything else is for ACC-009 to say.
  public var mode: String?
  /// Principals of the version that came out; nil when not said.
  public var resultPersons: [String]?
  public var resultGroups: [String]?
  /// `new`, `exists` or `refused`.
  public var status: String?
  /// Time at which writing began, in ms of the recording; the event itself stands at the end.
  public var started: Double?
  /// Number of versions of the grant object afterwards.
  public var versions: Int?
  /// True when an import wrote it; nil when not said, which counts as local.
  public var isByChum: Bool?
  /// Hash of the Topic object that caused it.
  public var because: String?

  public init(
    by: String? = nil, subject: String, subjectKind: ObjectKind?, persons: [String] = [], groups: [String] = [],
    mode: String? = "add", resultPersons: [String]? = nil, resultGroups: [String]? = nil, status: String? = nil,
    started: Double? = nil, versions: Int? = nil, isByChum: Bool? = nil, because: String? = nil
  ) {
    self.by = by
    self.subject = subject
    self.subjectKind = subjectKind
    self.persons = persons
    self.groups = groups
    self.mode = mode
    self.resultPersons = resultPersons
    self.resultGroups = resultGroups
    self.status = status
    self.started = started
    self.versions = versions
    self.isByChum = isByChum
    self.because = because
  }
}

public struct LogChannel: Sendable, Equatable {
  public var by: String?
  /// ID hash of the ChannelInfo.
  public var channel: String
  public var id: String
  /// Person ID hash; nil for a channel without owner.
  public var owner: String?

  public init(by: String? = nil, channel: String, id: String, owner: String? = nil) {
    self.by = by
    self.channel = channel
    self.id = id
    self.owner = owner
  }
}

public struct LogTopic: Sendable, Equatable {
  /// Hash of the Topic object.
  public var topic: String
  public var id: String
  /// ID hash of the ChannelInfo that it names.
  public var channel: String
  /// True when it came by CHUM; nil when not said, which counts as made here.
  public var isImported: Bool?
  /// Person ID hash of the peer that it came from.
  public var sender: String?

  public init(topic: String, id: String, channel: String, isImported: Bool? = nil, sender: String? = nil) {
    self.topic = topic
    self.id = id
    self.channel = channel
    self.isImported = isImported
    self.sender = sender
  }
}

public struct LogMessage: Sendable, Equatable {
  public var channel: String
  public var entry: LogEntry

  public init(channel: String, entry: LogEntry) {
    self.channel = channel
    self.entry = entry
  }
}

/// The event "channel updated" as the application saw it (chum.md 4.4).
public struct LogUpdate: Sendable, Equatable {
  public var channel: String
  public var id: String?
  public var owner: String?
  /// Number of entries of the event.
  public var count: Int
  /// The entries, when the log names them.
  public var entries: [LogEntry]
  /// How many of them were not there before.
  public var newEntries: Int?
  /// True for `origin` = `import`, false for `local`; nil when not said.
  public var isImport: Bool?

  public init(
    channel: String, id: String? = nil, owner: String? = nil, count: Int, entries: [LogEntry] = [],
    newEntries: Int? = nil, isImport: Bool? = nil
  ) {
    self.channel = channel
    self.id = id
    self.owner = owner
    self.count = count
    self.entries = entries
    self.newEntries = newEntries
    self.isImport = isImport
  }
}

/// A store as it stood at one moment.
public struct LogSnapshot: Sendable, Equatable {
  public struct Item: Sendable, Equatable {
    public var hash: String
    public var kind: ObjectKind
    public var length: Int?
    public var sha256: String?
    public init(hash: String, kind: ObjectKind, length: Int? = nil, sha256: String? = nil) {
      self.hash = hash
      self.kind = kind
      self.length = length
      self.sha256 = sha256
    }
  }
  /// The latest version of one grant object.
  public struct Grant: Sendable, Equatable {
    public var subject: String
    public var subjectKind: ObjectKind
    public var persons: [String]
    public var groups: [String]
    public init(subject: String, subjectKind: ObjectKind, persons: [String], groups: [String]) {
      self.subject = subject
      self.subjectKind = subjectKind
      self.persons = persons
      self.groups = groups
    }
  }
  /// `start` or `end`; nil when not said.
  public var when: String?
  /// In ascending order of the hashes.
  public var inventory: [Item]
  /// ID hash to node, and to data where the log says it.
  public var heads: [LogHead]
  public var grants: [Grant]
  /// Group ID hash to the members of its latest version.
  public var groups: [String: [String]]
  /// False when the log has no inventory, or no grants, at all: then nothing follows from what is not in them.
  public var tellsInventory = true
  public var tellsGrants = true

  public init(
    when: String? = nil, inventory: [Item] = [], heads: [LogHead] = [], grants: [Grant] = [],
    groups: [String: [String]] = [:]
  ) {
    self.when = when
    self.inventory = inventory
    self.heads = heads
    self.grants = grants
    self.groups = groups
  }
}
