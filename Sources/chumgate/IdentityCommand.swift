import ArgumentParser
import Cryptobox
import Foundation
import Instance
import Network
import Wire
import WireBytes

struct IdentityCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "identity", abstract: "Make and read identities: a person on a device, with all keys.",
    subcommands: [IdentityNewCommand.self, IdentityShowCommand.self])
}

struct IdentityNewCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "new",
    abstract: "Make a new identity: NAME.id.json to give away, NAME_secret.id.json for you alone.",
    discussion: """
      The secret file is readable by its owner only. Nothing is overwritten.

        chumgate identity new alice --url wss://comm.example.org
        chumgate identity show alice_secret.id.json
      """)

  @Argument(help: "Name of the files.")
  var name: String
  @Option(help: "CommServer or direct URL under which this identity is to be reached.")
  var url: String?
  @Option(help: "The person's email, any text. (Default: 64 random letters.)")
  var email: String?
  @Option(help: "The instance's name, any text. (Default: 64 random letters.)")
  var instanceName: String?
  @Option(help: "Directory of the files.")
  var directory = "."

  func validate() throws {
    guard !name.isEmpty, !name.contains("/"), name != ".", name != ".." else {
      throw ValidationError("the name is the beginning of two file names; --directory says where")
    }
    if let url, WebSocketURL(url) == nil { throw ValidationError("\(url) is no ws:// or wss:// URL") }
  }

  func run() throws {
    var random = SystemRandom()
    let identity = Identity.create(
      url: url, personEmail: email, instanceName: instanceName, random: &random, box: SodiumBox())
    let folder = URL(fileURLWithPath: directory)
    try IdentityFiles.write(
      identity.publicFile, to: folder.appendingPathComponent("\(name).id.json").path, secret: false)
    try IdentityFiles.write(
      identity.secretFile, to: folder.appendingPathComponent("\(name)_secret.id.json").path, secret: true)
    print(IdentityFiles.summary(identity.publicFile).compact)
  }
}

struct IdentityShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Check an identity file and print its ids; secrets are never printed.",
    discussion: "Strict by default: lengths, and public halves that belong to the secret ones (IDF-001 to IDF-007).")

  @Argument(help: "A file, or - for standard input.")
  var file: String
  @Flag(help: "Take what the deployed implementation takes: even hex of any length.")
  var deployed = false

  func run() throws {
    let identity = try IdentityFiles.read(file, profile: deployed ? .deployed : .strict)
    print(IdentityFiles.summary(identity).compact)
  }
}

/// Identity files on disk.
enum IdentityFiles {
  static func read(_ path: String, profile: Profile = .strict) throws -> IdentityFile {
    let text = String(decoding: try Inputs.bytes(path), as: UTF8.self)
    do { return try IdentityFile.parse(text, profile: profile) } catch { throw Exit.usage("\(path): \(error)") }
  }

  /// An identity that this side can prove.
  static func secret(_ path: String) throws -> Identity {
    let file = try read(path)
    do { return try Identity(file, box: SodiumBox()) } catch { throw Exit.usage("\(path): \(error)") }
  }

  static func write(_ file: IdentityFile, to path: String, secret: Bool) throws {
    guard !FileManager.default.fileExists(atPath: path) else {
      throw Exit.usage("\(path) exists; nothing is overwritten")
    }
    // IDF-008: nobody else may read secrets.
    let attributes: [FileAttributeKey: Any] = [.posixPermissions: secret ? 0o600 : 0o644]
    let data = Data((file.fileText + "\n").utf8)
    guard FileManager.default.createFile(atPath: path, contents: data, attributes: attributes) else {
      throw Exit.usage("cannot write \(path)")
    }
  }

  static func summary(_ file: IdentityFile) -> JSONValue {
    [
      "kind": .string(file.kind.rawValue), "person": .string(file.personId), "instance": .string(file.instanceId),
      "personEmail": .string(file.personEmail), "instanceName": .string(file.instanceName),
      "personKey": .string(file.personKeyPublic), "instanceKey": .string(file.instanceKeyPublic),
      "url": file.url.map { .string($0) } ?? .null,
    ]
  }
}
