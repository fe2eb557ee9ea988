import Chum
import Microdata
import Store
import StoreFiles
import Wire
public import WireBytes

/// Measures two machines on one wire in one process: what they cost, without sockets and without encryption.
public struct ChumBenchmark {
  public struct Options: Sendable {
    /// Small objects of the transfer measurement.
    public var objects = 20_000
    /// Bytes of the BLOB.
    public var blob = 256 << 20
    /// Entries of the big store.
    public var stored = 1_000_000
    /// A directory for the store on disk; nil leaves that measurement out.
    public var folder: String?

    public init() {}
  }

  private let options: Options
  private let progress: (String) -> Void

  public static func run(_ options: Options, progress: @escaping (String) -> Void) throws -> JSONValue {
    let benchmark = ChumBenchmark(options: options, progress: progress)
    var results: [JSONValue] = []
    for profile in Profile.allCases {
      results.append(try benchmark.objects(profile, benchmark.options.objects, on: MemoryStore()))
      results.append(try benchmark.channel(profile))
      results.append(try benchmark.blob(profile, on: BenchStore.memory()))
      if let folder = options.folder {
        let few = min(2_000, benchmark.options.objects)
        let store = try DirectoryStore(path: "\(folder)/\(profile.rawValue)-objects")
        results.append(try benchmark.objects(profile, few, on: store))
        results.append(
          try benchmark.blob(profile, on: DirectoryStore(path: "\(folder)/\(profile.rawValue)")))
      }
      results += try benchmark.nothingNew(profile)
      results += try benchmark.growth(profile)
    }
    return ["benchmark": "chum", "results": .array(results)]
  }

  /// Objects that are roots of their own: three requests and a check each.
  private func objects<S: EntryStore>(_ profile: Profile, _ count: Int, on receiver: S) throws -> JSONValue {
    progress("\(profile.rawValue): \(count) objects into \(S.self)")
    var world = try BenchWorld(profile, receiver)
    let group = try world.shareWithFriends()
    for number in 0..<count { try world.grantObject(number, to: group) }
    let (time, link) = try world.measure()
    let stored = link.b.repository.store.count
    return [
      "what": .string("objects, each a root, into \(S.self)"), "profile": .string(profile.rawValue),
      "objects": .number(Double(count)), "seconds": .rounded(time.real), "processorSeconds": .rounded(time.processor),
      "objectsPerSecond": .rounded(Double(count) / time.real),
      "objectsPerProcessorSecond": .rounded(Double(count) / time.processor),
      "messages": .number(Double(link.messageCount)), "stored": .number(Double(stored)),
    ]
  }

  /// One channel: every message drags its history along in the child list, so the cost grows with the square.
  private func channel(_ profile: Profile) throws -> JSONValue {
    let messages = min(1_000, options.objects / 10)
    progress("\(profile.rawValue): a channel of \(messages) messages")
    var world = try BenchWorld(profile, MemoryStore())
    try world.fillChannel(messages)
    let (time, link) = try world.measure()
    return [
      "what": "a channel, one version a message", "profile": .string(profile.rawValue),
      "messagesInChannel": .number(Double(messages)), "seconds": .rounded(time.real),
      "processorSeconds": .rounded(time.processor),
      "MBPerProcessorSecond": .rounded(Double(link.byteCount) / 1e6 / time.processor),
      "bytesOnWire": .number(Double(link.byteCount)),
    ]
  }

  private func blob<S: EntryStore>(_ profile: Profile, on receiver: S) throws -> JSONValue {
    progress("\(profile.rawValue): a BLOB of \(options.blob >> 20) MiB into \(S.self)")
    var world = try BenchWorld(profile, receiver)
    try world.grantBlob(options.blob)
    let before = Resident.restart()
    let (time, link) = try world.measure()
    return [
      "what": .string("one BLOB into \(S.self)"), "profile": .string(profile.rawValue),
      "bytes": .number(Double(options.blob)), "seconds": .rounded(time.real),
      "processorSeconds": .rounded(time.processor),
      "MBPerProcessorSecond": .rounded(Double(options.blob) / 1e6 / time.processor),
      "stored": .number(Double(link.b.repository.store.count)),
      "peakGrowthMiB": .rounded(Double(Resident.peak - before) / 1_048_576),
    ]
  }

  /// Both sides have everything: what one round costs, by the number of roots over the same number of objects.
  private func nothingNew(_ profile: Profile) throws -> [JSONValue] {
    var out: [JSONValue] = []
    for roots in [1, 1_000, 100_000] where roots <= options.stored {
      progress("\(profile.rawValue): nothing new in \(options.stored) objects under \(roots) roots")
      var world = try BenchWorld(profile, MemoryStore())
      try world.fillBoth(options.stored, roots: roots)
      let (time, link) = try world.measure()
      out.append([
        "what": "nothing new, one round", "profile": .string(profile.rawValue),
        "stored": .number(Double(options.stored)),
        "roots": .number(Double(roots)), "seconds": .rounded(time.real), "processorSeconds": .rounded(time.processor),
        "messages": .number(Double(link.messageCount)),
      ])
    }
    return out
  }

  /// A thousand new objects in stores of growing size: the cost should follow what is new.
  private func growth(_ profile: Profile) throws -> [JSONValue] {
    var out: [JSONValue] = []
    for stored in [options.stored / 100, options.stored / 10, options.stored] where stored >= 1_000 {
      progress("\(profile.rawValue): 1000 new objects beside \(stored)")
      var world = try BenchWorld(profile, MemoryStore())
      try world.fillBoth(stored, roots: 100)
      let group = try world.shareWithFriends()
      for number in 0..<1_000 { try world.grantObject(number, to: group) }
      let (time, _) = try world.measure()
      out.append([
        "what": "1000 new objects", "profile": .string(profile.rawValue), "stored": .number(Double(stored)),
        "seconds": .rounded(time.real), "processorSeconds": .rounded(time.processor),
      ])
    }
    return out
  }
}

extension JSONValue {
  /// Four significant places are more than a noisy machine can tell.
  public static func rounded(_ value: Double) -> JSONValue {
    guard value.isFinite, value != 0 else { return .number(value.isFinite ? value : 0) }
    var scale = 1.0
    while value.magnitude * scale < 1_000 { scale *= 10 }
    return .number((value * scale).rounded() / scale)
  }
}
