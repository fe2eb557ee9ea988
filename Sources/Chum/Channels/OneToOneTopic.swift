public import Microdata
public import Store

/// The id of a one-to-one topic: two person ID hashes, ascending, joined by `<->` (chum.md 4.5).
public struct OneToOneId: Sendable, Hashable {
  public let first: ObjectHash
  public let second: ObjectHash

  /// The id of two persons, whichever is named first (CHN-008).
  public init(_ one: ObjectHash, _ other: ObjectHash) {
    first = min(one, other)
    second = max(one, other)
  }

  /// Reads an id; nil unless it is exactly two hashes in ascending order around `<->`.
  public init?(_ text: String) {
    let utf8 = Array(text.utf8)
    guard utf8.count == 131, utf8[64..<67].elementsEqual("<->".utf8),
      let first = ObjectHash(hex: String(decoding: utf8[..<64], as: UTF8.self)),
      let second = ObjectHash(hex: String(decoding: utf8[67...], as: UTF8.self)), first < second
    else { return nil }
    self.first = first
    self.second = second
  }

  public var text: String { "\(first)<->\(second)" }
  public var persons: [ObjectHash] { [first, second] }
}

/// A Topic object: the name of a channel for people.
public struct Topic: Sendable, Equatable {
  public let id: String
  public let name: String?
  public let channel: ObjectHash

  public init(id: String, name: String?, channel: ObjectHash) {
    self.id = id
    self.name = name
    self.channel = channel
  }

  public init?(_ object: OneObject) {
    guard object.type == "Topic", let id = object.text("id"), let channel = object.hash("channel") else { return nil }
    self.init(id: id, name: object.text("name"), channel: channel)
  }

  public var object: OneObject {
    var object = OneObject(["$type$": "Topic", "id": .text(id), "channel": .reference(channel)])
    if let name { object.set("name", .text(name)) }
    return object
  }
}
