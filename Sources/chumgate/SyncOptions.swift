import ArgumentParser
import Chum
import Cryptobox
import Foundation
import Instance
import Microdata
import Network
import Store
import StoreFiles
import SyncInstance
import Wire
import WireBytes

/// What `invite` and `join` do once the connection stands.
struct SyncOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Keep identity, contacts and objects in this directory. Without it they are forgotten at the end.",
      valueName: "dir"))
  var store: String?
  @Option(
    help: ArgumentHelp("Share a file, or a text, with every contact. Can be given again.", valueName: "file|text"))
  var share: [String] = []
  @Flag(help: "Say the lines of standard input in the one-to-one topic with the contact, and print what is said there.")
  var chat = false
  @Option(help: ArgumentHelp("Write every file that comes into this directory.", valueName: "dir"))
  var save: String?
  @Option(
    help: ArgumentHelp("Write the instance log, for the rules of `chumgate replay`.", valueName: "file"))
  var log: String?
  @Option(help: "Seconds between two rounds of synchronisation.")
  var poll = 5.0
  @Flag(help: "The same as --until synced.")
  var untilSynced = false

  func validate() throws {
    guard (0.05...3_600).contains(poll) else { throw ValidationError("--poll is 0.05 to 3,600 s") }
  }

  func until(_ given: InstanceOptions.Until?) -> InstanceOptions.Until {
    if untilSynced { return .synced }
    return given ?? (chat ? .forever : share.isEmpty ? .chum : .synced)
  }

  func settings(_ options: InstanceOptions, affirmsIoM: Bool) -> SyncSettings {
    var settings = SyncSettings(options.settings())
    settings.pollInterval = Int(poll * 1_000)
    settings.affirmsIoM = affirmsIoM
    return settings
  }
}

/// The directory of an instance: its store, and beside it the identity with the keys.
struct InstanceFolder {
  let path: String
  /// Made for this run, and removed behind it.
  let isPassing: Bool

  init(_ given: String?) throws {
    if let given {
      (path, isPassing) = (given, false)
    } else {
      let name = "chumgate-\(ProcessInfo.processInfo.processIdentifier)-\(UInt32.random(in: 0...(.max)))"
      (path, isPassing) = (FileManager.default.temporaryDirectory.appendingPathComponent(name).path, true)
    }
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch { throw Exit.usage("cannot make \(path): \(error.localizedDescription)") }
  }

  private var identityPath: String { "\(path)/identity_secret.id.json" }
  var hasIdentity: Bool { FileManager.default.fileExists(atPath: identityPath) }

  /// The identity of earlier runs, or the given one, or a new one, which is kept. `url` is where it is to be reached.
  func identity(_ options: InstanceOptions, url: String?) throws -> Identity {
    guard hasIdentity else {
      guard url != nil || options.identity != nil else {
        throw Exit.usage("\(path) holds no instance yet: a first run needs --server or an invitation")
      }
      let identity = try options.ownIdentity(url: url)
      try IdentityFiles.write(identity.secretFile, to: identityPath, secret: true)
      return identity
    }
    let kept = try IdentityFiles.secret(identityPath)
    if let given = options.identity, try IdentityFiles.secret(given).instanceId != kept.instanceId {
      throw Exit.usage("\(path) belongs to another identity than \(given)")
    }
    guard let url, url != kept.url else { return kept }
    return try InstanceOptions.moved(kept, to: url)
  }

  func open(_ profile: InstanceOptions.Behaviour) throws -> Repository<InstanceStore> {
    do {
      let codec = try MicrodataObjectCodec.standard(profile == .strict ? .strict : .deployed)
      return Repository(store: try InstanceStore(path: path), codec: codec)
    } catch let failure as StoreFailure { throw Exit.usage("\(path): \(failure)") }
  }

  func removeIfPassing() {
    if isPassing { try? FileManager.default.removeItem(atPath: path) }
  }
}

/// Files and texts on their way into and out of a store, piece by piece.
enum SharedFiles {
  private static let piece = 1 << 20

  /// Stores what `--share` names: a file as BLOB and descriptor, a text as chat message.
  static func take(
    _ argument: String, person: ObjectHash, into repository: inout Repository<InstanceStore>
  ) throws -> Subject {
    var isFolder: ObjCBool = false
    do {
      guard unsafe FileManager.default.fileExists(atPath: argument, isDirectory: &isFolder) else {
        let message = OneObject(["$type$": "ChatMessage", "text": .text(argument), "sender": .reference(person)])
        return .object(try repository.storeObject(message))
      }
      guard !isFolder.boolValue else { throw Exit.usage("\(argument) is a directory; share its files") }
      return .object(try file(argument, into: &repository))
    } catch let failure as RepositoryFailure { throw Exit.usage("cannot share \(argument): \(failure)") }
  }

  private static func file(_ path: String, into repository: inout Repository<InstanceStore>) throws -> ObjectHash {
    guard let handle = FileHandle(forReadingAtPath: path) else { throw Exit.usage("cannot read \(path)") }
    defer { try? handle.close() }
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    let total = (attributes[.size] as? NSNumber)?.intValue
    let modified = (attributes[.modificationDate] as? Date) ?? Date(timeIntervalSince1970: 0)
    let name = URL(fileURLWithPath: path).lastPathComponent
    let progress = Terminal.Progress(label: name, total: total)
    defer { progress.end() }
    do {
      let ticket = try repository.store.beginFile()
      var size = 0
      while let data = try? handle.read(upToCount: piece), !data.isEmpty {
        try repository.store.append([UInt8](data), to: ticket)
        size += data.count
        progress.update(size)
      }
      let blob = try repository.store.finishFile(ticket, kind: .blob, expected: nil).hash
      try repository.store.commit()
      let descriptor = OneObject([
        "$type$": "BlobDescriptor", "data": .reference(blob),
        "lastModified": .number((modified.timeIntervalSince1970 * 1_000).rounded(.down)), "name": .text(name),
        "size": .number(Double(size)), "type": .text(type(of: name)),
      ])
      return try repository.storeObject(descriptor)
    } catch { throw Exit.usage("cannot store \(path): \(error)") }
  }

  private static func type(of name: String) -> String {
    let types = [
      "txt": "text/plain", "md": "text/markdown", "html": "text/html", "json": "application/json", "png": "image/png",
      "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "svg": "image/svg+xml", "pdf": "application/pdf",
      "mp3": "audio/mpeg", "mp4": "video/mp4", "zip": "application/zip",
    ]
    return types[name.split(separator: ".").last.map { $0.lowercased() } ?? ""] ?? "application/octet-stream"
  }

  /// Writes a BLOB under the name that its descriptor gives, made harmless; nothing is overwritten. Gives the path.
  static func save(
    _ line: FileLine, from store: InstanceStore, to folder: String
  ) throws -> String {
    let letters = line.name.unicodeScalars.map { scalar -> Character in
      let isHarmless =
        scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || "-_ ".unicodeScalars.contains(scalar)
      return isHarmless || scalar == "." ? Character(scalar) : "_"
    }
    var name = String(String(letters).drop { $0 == "." }.prefix(100))
    if name.isEmpty { name = "file" }
    var path = "\(folder)/\(name)"
    if FileManager.default.fileExists(atPath: path) { path = "\(folder)/\(line.descriptor.hex.prefix(8))-\(name)" }
    if FileManager.default.fileExists(atPath: path) { return path }
    let passing = path + ".part"
    guard FileManager.default.createFile(atPath: passing, contents: nil),
      let handle = FileHandle(forWritingAtPath: passing)
    else { throw StoreFailure(.device("cannot write \(passing)")) }
    var offset = 0
    while true {
      let bytes = try store.read(line.blob, from: offset, count: piece)
      if bytes.isEmpty { break }
      try handle.write(contentsOf: Data(bytes))
      offset += bytes.count
    }
    try handle.close()
    try FileManager.default.moveItem(atPath: passing, toPath: path)
    return path
  }
}
