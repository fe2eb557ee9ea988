import ArgumentParser
import Chum
import Foundation
import Microdata
import Store
import StoreFiles
import Wire
import WireBytes

/// An instance's store; the explode command has a directory of another kind.
typealias InstanceStore = StoreFiles.DirectoryStore

struct StoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "store", abstract: "Look into an instance's store: what is there, who may have it, and why.",
    discussion: """
      The store is opened for reading only; a running instance is not disturbed.

        chumgate store ls --store DIR --kind object --type Profile
        chumgate store show HASH --store DIR
        chumgate store grants --store DIR
        chumgate store why HASH PERSON --store DIR
      """,
    subcommands: [StoreListCommand.self, StoreShowCommand.self, StoreGrantsCommand.self, StoreWhyCommand.self])
}

struct StoreOptions: ParsableArguments {
  @Option(name: .long, help: ArgumentHelp("The store's directory.", valueName: "dir"))
  var store: String

  @Option(name: .long, help: ArgumentHelp("More types: a one-recipes/1 file.", valueName: "file"))
  var recipes: String?

  @Flag(name: .long, help: "One JSON object a line, for machines.")
  var json = false

  func open() throws -> Repository<InstanceStore> {
    do {
      let registry: RecipeRegistry
      if let recipes {
        registry = try RecipeRegistry(recipesFile: [UInt8](try Data(contentsOf: URL(fileURLWithPath: recipes))))
      } else {
        registry = StandardRecipes.registry
      }
      let codec = MicrodataObjectCodec(try MicrodataCodec(registry), profile: .deployed)
      return Repository(store: try InstanceStore(path: store, readOnly: true), codec: codec)
    } catch let failure as StoreFailure {
      throw Exit.usage("\(store): \(failure)")
    } catch let failure as RecipesFileError {
      throw Exit.usage("\(recipes ?? ""): \(failure)")
    }
  }

  /// A hash as given: whole, or the first digits of exactly one entry.
  func find(_ text: String, in repository: Repository<InstanceStore>) throws -> ObjectHash {
    if let hash = ObjectHash(hex: text) { return hash }
    guard text.count >= 4, Hex.isHex(text + (text.count.isMultiple(of: 2) ? "" : "0")) else {
      throw Exit.usage("\(text) is no hash: 64 lower-case hex digits, or at least the first 4 of a stored one")
    }
    var found: [ObjectHash] = []
    try repository.store.forEachEntry { hash, _ in
      if hash.hex.hasPrefix(text) { found.append(hash) }
      return found.count < 2
    }
    guard found.count == 1 else {
      throw Exit.usage("\(text) is the beginning of \(found.isEmpty ? "no" : "more than one") stored hash")
    }
    return found[0]
  }
}

struct StoreListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "ls", abstract: "List entries: kind, size, type, hash.")
  @OptionGroup var options: StoreOptions
  @Option(help: "Only this kind: object, id, blob or clob.")
  var kind: String?
  @Option(help: "Only this ONE type.")
  var type: String?
  @Option(help: "At most this many.")
  var limit = 1_000

  func validate() throws {
    if let kind, !StoredKind.allCases.map(\.name).contains(kind) {
      throw ValidationError("--kind is object, id, blob or clob, not \(kind)")
    }
    guard limit > 0 else { throw ValidationError("--limit is at least 1") }
  }

  func run() throws {
    let repository = try options.open()
    var shown = 0
    var isCut = false
    try repository.store.forEachEntry { hash, entry in
      guard kind == nil || entry.kind.name == kind, type == nil || entry.type == type else { return true }
      guard shown < limit else {
        isCut = true
        return false
      }
      shown += 1
      if options.json {
        let line: JSONValue = [
          "hash": .string(hash.hex), "kind": .string(entry.kind.name), "size": .number(Double(entry.size)),
          "type": .string(entry.type),
        ]
        print(line.compact)
      } else {
        let size = String(repeating: " ", count: max(0, 10 - String(entry.size).count)) + String(entry.size)
        print("\(entry.kind.name.padding(toLength: 7, withPad: " ", startingAt: 0))\(size)  \(hash)  \(entry.type)")
      }
      return true
    }
    if isCut { Output.note("… more; raise --limit\n") }
    if !options.json {
      Output.note("\(shown) shown, \(repository.store.count) stored\n")
    }
  }
}

struct StoreShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show one entry: its content, its version history, what it refers to.")
  @OptionGroup var options: StoreOptions
  @Argument(help: "The hash, or the first digits of it.")
  var hash: String

  func run() throws {
    let repository = try options.open()
    let hash = try options.find(hash, in: repository)
    guard let entry = repository.store.entry(hash) else { throw Exit.usage("\(hash) is not stored") }
    print("\(entry.kind.name) \(hash)\ntype   \(entry.type.isEmpty ? "–" : entry.type)\nsize   \(entry.size)")
    if let head = repository.store.head(hash) {
      print("head   \(head)")
      for node in (try? repository.announcedNodes(of: head, includingMerges: true)) ?? [] {
        guard let value = try? repository.versionNode(node) else { continue }
        print(
          "  \(value.type.dropFirst("VersionNode".count)) \(node.short) depth \(JSONText.number(value.depth)) data \(value.data)"
        )
      }
    }
    guard entry.kind == .object || entry.kind == .idObject else { return }
    let content = try repository.store.content(hash)
    for reference in References.scan(content) {
      let state = repository.store.entry(reference.hash).map { $0.type.isEmpty ? $0.kind.name : $0.type } ?? "MISSING"
      print("refers \(reference.kind.rawValue) \(reference.hash) \(state)")
    }
    print(String(decoding: content, as: UTF8.self))
  }
}
