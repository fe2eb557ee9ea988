import Chum
import Glibc
import Microdata
import Store
import StoreFiles
import Wire

enum BenchStore {
  static func memory() -> MemoryStore { MemoryStore(fileLimit: 4 << 30) }
}

/// A sender and a receiver with what a measurement needs in their stores.
struct BenchWorld<Receiver: EntryStore> {
  private var sender: Repository<MemoryStore>
  /// Given away to the session: a copy that stayed here would make its first write copy the whole store.
  private var receiver: Repository<Receiver>?
  private let profile: Profile
  private let alice: ObjectHash
  private let bob: ObjectHash
  private let authority = GrantAuthority(checksSubjects: false)
  /// What the receiver must have afterwards; a run without it measured something else.
  private var expected: [ObjectHash] = []

  init(_ profile: Profile, _ store: Receiver) throws {
    self.profile = profile
    let codec = try MicrodataObjectCodec.standard(profile == .strict ? .strict : .deployed)
    sender = Repository(store: BenchStore.memory(), codec: codec)
    var receiver = Repository(store: store, codec: codec)
    alice = try sender.storeIdContent(Array(IdHash.personMicrodata(email: "alice@bench").utf8), origin: .local).hash
    bob = try sender.storeIdContent(Array(IdHash.personMicrodata(email: "bob@bench").utf8), origin: .local).hash
    for email in ["alice@bench", "bob@bench"] {
      try receiver.storeIdContent(Array(IdHash.personMicrodata(email: email).utf8), origin: .local)
    }
    self.receiver = receiver
  }

  private mutating func grant(_ request: GrantRequest) throws {
    _ = try authority.grant(request, by: GrantAuthority.standardName, in: &sender, now: 1)
  }

  /// A group with the receiver's person in it.
  mutating func shareWithFriends() throws -> ObjectHash {
    try sender.storeVersion(
      OneObject(["$type$": "Group", "name": "friends", "person": .array([.reference(bob)])]), now: 1
    ).idHash
  }

  mutating func grantObject(_ number: Int, to group: ObjectHash) throws {
    let hash = try sender.storeObject(OneObject(["$type$": "PersonName", "name": .text("new object \(number)")]))
    expected.append(hash)
    try grant(GrantRequest(.object(hash), groups: [group]))
  }

  mutating func fillChannel(_ messages: Int) throws {
    var channels = Channels()
    let channel = try channels.create(ChannelKey(id: "bench"), in: &sender, now: 1).channel
    _ = try channels.observe(sender.takeEvents(), in: sender)
    for number in 0..<messages {
      let chat = OneObject(["$type$": "ChatMessage", "text": .text("message \(number)"), "sender": .reference(alice)])
      try channels.append(chat, to: channel, in: &sender, now: Double(10 + number))
    }
    if let version = sender.currentVersion(channel) { expected.append(version) }
    try grant(GrantRequest(.id(channel), persons: [bob]))
  }

  mutating func grantBlob(_ size: Int) throws {
    let ticket = try sender.store.beginFile()
    let piece = (0..<(1 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }
    var left = size
    while left > 0 {
      try sender.store.append(left < piece.count ? Array(piece[..<left]) : piece, to: ticket)
      left -= piece.count
    }
    let blob = try sender.store.finishFile(ticket, kind: .blob, expected: nil).hash
    expected.append(blob)
    let descriptor = try sender.storeObject(
      OneObject([
        "$type$": "BlobDescriptor", "data": .reference(blob), "lastModified": 1, "name": "bench",
        "size": .number(Double(size)), "type": "application/octet-stream",
      ]))
    try grant(GrantRequest(.object(descriptor), persons: [bob]))
  }

  /// The same objects on both sides, spread over roots that refer to them.
  mutating func fillBoth(_ count: Int, roots: Int) throws {
    let each = max(1, count / roots)
    for root in 0..<roots {
      var members: [OneValue] = []
      members.reserveCapacity(each)
      for number in 1..<max(2, each) {
        let object = OneObject(["$type$": "PersonName", "name": .text("\(root) \(number)")])
        members.append(.reference(try both(object)))
      }
      let chat = OneObject([
        "$type$": "ChatMessage", "text": .text("root \(root)"), "attachments": .array(members),
        "sender": .reference(alice),
      ])
      try grant(GrantRequest(.object(try both(chat)), persons: [bob]))
    }
    _ = (sender.takeEvents(), receiver?.takeEvents())
  }

  private mutating func both(_ object: OneObject) throws -> ObjectHash {
    let content = try sender.codec.write(object, as: .object)
    let type = object.type?.string ?? ""
    _ = try receiver?.store.put(content, kind: .object, type: type)
    return try sender.store.put(content, kind: .object, type: type).0
  }

  private mutating func giveReceiver() throws -> Repository<Receiver> {
    guard let given = receiver.take() else { throw BenchFailure(reason: "a world is measured once") }
    return given
  }

  /// One session until the receiver's first round is over; throws when that did not bring what it should have.
  mutating func measure() throws -> (time: BenchTime, link: ChumLink<MemoryStore, Receiver>) {
    var one = ChumConfiguration(
      profile: profile, localPerson: alice, remotePerson: bob, localInstance: "a", remoteInstance: "b")
    one.groupPolicy = .evaluated
    one.imports = false
    var other = ChumConfiguration(
      profile: profile, localPerson: bob, remotePerson: alice, localInstance: "b", remoteInstance: "a")
    other.exports = false
    var link = ChumLink(a: ChumHost(sender), one, b: ChumHost(try giveReceiver()), other)
    sender = Repository(store: MemoryStore(), codec: sender.codec)
    let start = BenchTime.now
    link.start()
    while !link.logsB.contains(.firstFullSync), link.closeReason == nil, link.step(limit: 4_000) {}
    let time = BenchTime.now - start
    guard link.logsB.contains(.firstFullSync) else {
      throw BenchFailure(reason: "the first round did not end: \(link.closeReason ?? "time is up")")
    }
    if let error = link.sessionB.errors.first { throw BenchFailure(reason: "the receiver refused: \(error)") }
    let missing = expected.count { !link.b.repository.store.knows($0) }
    guard missing == 0 else { throw BenchFailure(reason: "\(missing) of \(expected.count) entries did not arrive") }
    return (time, link)
  }
}

/// A measurement that did not measure what it says.
struct BenchFailure: Error, CustomStringConvertible {
  let reason: String
  var description: String { "bench chum: \(reason)" }
}

/// Real time and the processor's time: on a machine with other work only the second says what the code costs.
public struct BenchTime: Sendable {
  public var real: Double
  public var processor: Double

  public static var now: BenchTime {
    var clock = timespec()
    _ = unsafe clock_gettime(CLOCK_MONOTONIC, &clock)
    let real = Double(clock.tv_sec) + Double(clock.tv_nsec) / 1e9
    _ = unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &clock)
    return BenchTime(real: real, processor: Double(clock.tv_sec) + Double(clock.tv_nsec) / 1e9)
  }

  public static func - (end: BenchTime, start: BenchTime) -> BenchTime {
    BenchTime(real: end.real - start.real, processor: end.processor - start.processor)
  }
}

/// The process's memory, as the kernel counts it.
public enum Resident {
  /// Forgets the largest size so far, so that the next `peak` is of what comes now; gives the present size in bytes.
  public static func restart() -> Int {
    let file = unsafe open("/proc/self/clear_refs", O_WRONLY)
    if file >= 0 {
      _ = unsafe write(file, "5", 1)
      close(file)
    }
    return status("VmRSS:")
  }

  public static var peak: Int { status("VmHWM:") }

  private static func status(_ name: String) -> Int {
    let file = unsafe open("/proc/self/status", O_RDONLY)
    guard file >= 0 else { return 0 }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 8_192)
    let count = unsafe read(file, &bytes, bytes.count)
    guard count > 0 else { return 0 }
    for line in String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n") where line.hasPrefix(name) {
      return line.split(separator: " ").compactMap { Int($0) }.first.map { $0 * 1_024 } ?? 0
    }
    return 0
  }
}
