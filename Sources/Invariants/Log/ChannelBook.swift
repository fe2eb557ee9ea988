import Cryptobox
import Trace

/// What an instance's log says of one channel.
struct ChannelState: Sendable {
  var id: String?
  var owner: String?
  /// The two persons of a one-to-one id.
  var parts: OneToOne?
  /// Its creation, when the log has it.
  var created: Witness?
  var isVisible = false
  var appends = 0
  /// Updates that the application saw.
  var updates = 0
  /// An import brought entries.
  var isImported = false
  var lastChange = 0.0
}

/// The two persons of a one-to-one topic id (chum.md 5.2).
struct OneToOne: Sendable, Equatable {
  let first: String
  let second: String

  /// Nil unless the id is 64 hex, `<->`, 64 hex, in ascending order.
  init?(_ id: String) {
    guard id.utf8.count == 131 else { return nil }
    let first = String(id.prefix(64))
    let second = String(id.suffix(64))
    guard isHash(first), isHash(second), id.dropFirst(64).hasPrefix("<->"), first < second else { return nil }
    self.first = first
    self.second = second
  }

  func contains(_ person: String) -> Bool { person == first || person == second }
  /// The participant that is not this one; nil when it is none of the two.
  func other(_ person: String) -> String? { person == first ? second : person == second ? first : nil }
  var keys: [HashKey] { [first, second].compactMap { HashKey($0) } }
}

/// Channels, topics and their parts of one instance. Bounded: 20,000 channels and topics, 200,000 parts.
struct ChannelBook {
  static let channelCapacity = 20_000
  static let partCapacity = 200_000

  private(set) var channels: [HashKey: ChannelState] = [:]
  private(set) var topics: [HashKey: LogTopic] = [:]
  /// Topics by their channel.
  private(set) var topicsOf: [HashKey: [HashKey]] = [:]
  /// Entries, creation times and data, with the channel that they belong to.
  private(set) var channelOf: [HashKey: HashKey] = [:]

  /// The channel before the event at hand.
  private(set) var before: ChannelState?

  subscript(channel: HashKey) -> ChannelState? { channels[channel] }

  mutating func note(_ fact: LogFact, _ event: Event) {
    before = nil
    switch fact {
    case .channelCreated(let channel):
      change(channel.channel) { state in
        Self.name(&state, channel.id)
        state.owner = channel.owner
        state.created = state.created ?? Witness(event, "the channel is created")
      }
    case .topicCreated(let topic): note(topic)
    case .messageAppended(let message):
      change(message.channel) { state in
        state.appends += 1
        state.lastChange = event.time
      }
      part([message.entry], of: message.channel)
    case .channelUpdated(let update):
      change(update.channel) { state in
        if let id = update.id { Self.name(&state, id) }
        state.owner = state.owner ?? update.owner
        state.updates += 1
        if update.isImport == true, update.count > 0 { state.isImported = true }
      }
      part(update.entries, of: update.channel)
    case .channelVisible(let channel): change(channel) { $0.isVisible = true }
    case .headSet(let head):
      guard let entries = head.entries else { return }
      change(head.idHash) { state in
        if head.viaChum == true, !entries.isEmpty { state.isImported = true }
        state.lastChange = event.time
      }
      part(entries, of: head.idHash)
    default: break
    }
  }

  private static func name(_ state: inout ChannelState, _ id: String) {
    state.id = String(id.prefix(1_000))
    state.parts = OneToOne(id)
  }

  private mutating func note(_ topic: LogTopic) {
    guard let key = HashKey(topic.topic), topics.count < Self.channelCapacity, topic.id.utf8.count <= 1_000 else {
      return
    }
    let isNew = topics.updateValue(topic, forKey: key) == nil
    guard let channel = HashKey(topic.channel) else { return }
    if isNew { topicsOf[channel, default: []].append(key) }
    // A topic names its channel only when it tells the truth; a received one may lie.
    if topic.isImported != true { change(topic.channel) { if $0.id == nil { Self.name(&$0, topic.id) } } }
  }

  private mutating func change(_ channel: String, _ edit: (inout ChannelState) -> Void) {
    guard let key = HashKey(channel) else { return }
    before = channels[key]
    guard before != nil || channels.count < Self.channelCapacity else { return }
    edit(&channels[key, default: ChannelState()])
  }

  private mutating func part(_ entries: [LogEntry], of channel: String) {
    guard let channel = HashKey(channel) else { return }
    for entry in entries.prefix(10_000) {
      for hash in [entry.entry, entry.creationTime, entry.data] {
        guard let key = hash.flatMap({ HashKey($0) }), channelOf.count < Self.partCapacity else { continue }
        channelOf[key] = channel
      }
    }
  }

  /// ID hash of the ChannelInfo of an id and an owner (chum.md 4.1).
  static func idHash(_ id: String, owner: String?) -> String {
    var text = #"<div data-id-object="true" itemscope itemtype="//refin.io/ChannelInfo"><span itemprop="id">"#
    for character in id {
      switch character {
      case "<": text += "&lt;"
      case ">": text += "&gt;"
      case "&": text += "&amp;"
      default: text.append(character)
      }
    }
    text += "</span>"
    if let owner { text += "<a itemprop=\"owner\" data-type=\"id\">\(owner)</a>" }
    return SHA256.hex(text + "</div>")
  }
}
