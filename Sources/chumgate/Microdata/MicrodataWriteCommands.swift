import ArgumentParser
import Cryptobox
import Foundation
import Microdata
import WireBytes

struct MicrodataSerialiseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serialise", abstract: "Write values (JSON in the encoding of the vectors) as microdata.",
    discussion: """
      Each file holds one JSON value, or one a line. With one value the output is exactly the object's bytes, without a
      line break at the end; with several, one object a line.

        chumgate microdata parse a.html | chumgate microdata serialise -
        echo '{"$type$":"Person","email":"a@b.c"}' | chumgate microdata serialise --form id -
      """, aliases: ["serialize"])

  @OptionGroup var options: RecipeOptions
  @Argument(help: ArgumentHelp("JSON files; - for standard input.", valueName: "file"))
  var files: [String]
  @Option(help: "deployed writes what the reference writes; strict refuses what cannot be read back.")
  var profile = MicrodataProfile.deployed
  @Option(help: "object, or id for the ID object.")
  var form = FormOption.object

  func run() throws {
    let codec = try options.codec()
    var values: [(path: String, value: OneValue)] = []
    for path in files { values += try read(path).map { (path, $0) } }
    var refused = 0
    for (path, value) in values {
      do throws(MicrodataError) {
        let bytes = try codec.serialise(value, form: form == .id ? .idObject : .object, profile: profile)
        writeOut(values.count == 1 ? bytes : bytes + [0x0A])
      } catch {
        Refusal.show(error, path, nil)
        refused += 1
      }
    }
    if values.isEmpty { throw Exit.nothingRan("no value in \(files.joined(separator: ", "))") }
    if refused > 0 { throw ExitCode(1) }
  }

  private func read(_ path: String) throws -> [OneValue] {
    let bytes = try Inputs.bytes(path)
    let limits = JSONLimits(depth: 600)
    do {
      if let whole = try? JSONValue.parse(bytes, limits: limits) { return [try OneValue(vector: whole)] }
      return try bytes.split(separator: 0x0A).map { try OneValue(vector: JSONValue.parse(Array($0), limits: limits)) }
    } catch let error as JSONFailure {
      throw Exit.usage("\(path): not JSON: \(error)")
    } catch let error as VectorFormatError {
      throw Exit.usage("\(path): \(error)")
    }
  }
}

/// A directory whose files are named by their hashes, as a ONE store is.
struct DirectoryStore: ObjectStore {
  let directory: URL
  private var versions: [String: String] = [:]

  init(_ path: String, _ codec: MicrodataCodec) throws {
    directory = URL(fileURLWithPath: path)
    let keys: [URLResourceKey] = [.contentModificationDateKey]
    guard let urls = try? FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: keys)
    else {
      throw Exit.usage("\(path): no such directory")
    }
    // The newest file of an ID hash is its current version.
    let dated = urls.map { url in
      (url, (try? url.resourceValues(forKeys: Set(keys)).contentModificationDate) ?? .distantPast)
    }
    for (url, _) in dated.sorted(by: { $0.1 < $1.1 }) {
      guard let bytes = try? [UInt8](Data(contentsOf: url)), let id = try? codec.extractId(bytes) else { continue }
      versions[SHA256.hex(id)] = url.lastPathComponent
    }
  }

  func file(_ hash: String) -> StoredFile? {
    guard hash.utf8.count == 64, hash.utf8.allSatisfy({ $0 != 0x2F && $0 != 0x2E }) else { return nil }
    guard let data = try? Data(contentsOf: directory.appendingPathComponent(hash)) else { return nil }
    return .blob([UInt8](data))
  }

  func version(ofId idHash: String) -> String? { versions[idHash] }
  func hash(_ bytes: [UInt8]) -> String { SHA256.hex(bytes) }

  mutating func store(_ file: StoredFile, hash: String, idHash: String?) {
    // The caller looks whether the file is there; a full disk is not the codec's fault.
    try? Data(file.bytes).write(to: directory.appendingPathComponent(hash), options: .atomic)
    if let idHash { versions[idHash] = hash }
  }
}

struct MicrodataImplodeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "implode", abstract: "Put everything that an object refers to into its text.",
    discussion: """
      The store is a directory whose files are named by their SHA-256. ID references take the newest version there.

        chumgate microdata implode --store objects 51802aed…
      """)

  @OptionGroup var options: RecipeOptions
  @Argument(help: "The hash of the object.") var hash: String
  @Option(help: ArgumentHelp("The directory of stored files.", valueName: "dir")) var store: String

  func run() throws {
    let codec = try options.codec()
    let store = try DirectoryStore(store, codec)
    do throws(MicrodataError) { writeOut(try codec.implode(hash, from: store)) } catch {
      Refusal.show(error, hash, store.file(hash)?.bytes)
      throw ExitCode(1)
    }
  }
}

struct MicrodataExplodeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explode",
    abstract: "Take imploded text apart into files named by their hashes; print the root's hash.",
    discussion: """
      deployed stores inner objects before their hashes are compared, as the reference does; strict stores nothing
      unless everything fits.
      """)

  @OptionGroup var options: RecipeOptions
  @Argument(help: "A file with imploded text; - for standard input.") var file: String
  @Option(help: ArgumentHelp("The directory to put files into.", valueName: "dir")) var store: String
  @Option(help: "deployed or strict.")
  var profile = MicrodataProfile.strict
  @Option(help: ArgumentHelp("Take this type only; may be repeated.", valueName: "type"))
  var expected: [String] = []

  func run() throws {
    let codec = try options.codec()
    var store = try DirectoryStore(store, codec)
    let bytes = try Inputs.bytes(file)
    do throws(MicrodataError) {
      let types: ExpectedType = expected.isEmpty ? .any : .oneOf(expected.map { OneText($0) })
      let root = try codec.explode(bytes, into: &store, expected: types, profile: profile)
      guard store.file(root) != nil else { throw MicrodataError("CGM-STORE", "cannot write to the store") }
      print(root)
    } catch {
      Refusal.show(error, file, bytes)
      throw ExitCode(1)
    }
  }
}
