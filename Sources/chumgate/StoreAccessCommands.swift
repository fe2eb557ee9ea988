import ArgumentParser
import Chum
import Foundation
import Store
import StoreFiles
import WireBytes

struct StoreGrantsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "grants", abstract: "List the grants in force: subject, persons, groups, and who wrote them.")
  @OptionGroup var options: StoreOptions
  @Option(help: "Only what reaches this person, groups included.")
  var person: String?

  func run() throws {
    let repository = try options.open()
    var grants: [(idHash: ObjectHash, grant: Grant)] = []
    if let person {
      let hash = try options.find(person, in: repository)
      grants = repository.grants(for: hash, policy: .evaluated).map { ($0.idHash, $0.grant) }
    } else {
      var ids: [ObjectHash] = []
      try repository.store.forEachEntry { hash, entry in
        if entry.kind == .idObject, entry.type == "Access" || entry.type == "IdAccess" { ids.append(hash) }
        return true
      }
      for idHash in ids {
        guard let version = repository.currentVersion(idHash), let object = try? repository.object(version),
          let grant = Grant(reading: object)
        else { continue }
        grants.append((idHash, grant))
      }
    }
    for (idHash, grant) in grants {
      let component = repository.store.note("grant/\(idHash)").map { String(decoding: $0, as: UTF8.self) }
      let entry = repository.store.entry(grant.subject.hash)
      if options.json {
        let line: JSONValue = [
          "grant": .string(grant.subject.grantType), "subject": .string(grant.subject.hash.hex),
          "type": .string(entry?.type ?? ""), "person": .array(grant.persons.map { .string($0.hex) }),
          "group": .array(grant.groups.map { .string($0.hex) }), "component": component.map(JSONValue.string) ?? .null,
        ]
        print(line.compact)
        continue
      }
      print("\(grant.subject.grantType) \(grant.subject.hash) \(entry?.type ?? "NOT STORED")")
      print("  by \(component ?? "an unknown component")\(grant.isEmpty ? ", revoked" : "")")
      for person in grant.persons { print("  person \(person)") }
      for group in grant.groups {
        print("  group  \(group) with \(repository.members(of: group).count) members")
      }
    }
    if grants.isEmpty, !options.json { print("no grants") }
  }
}

struct StoreWhyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "why", abstract: "Say why a person gets an entry from this store, or why not.",
    discussion: "Exit code 0: the person gets it. 1: the person does not. 2: the question cannot be asked.")
  @OptionGroup var options: StoreOptions
  @Argument(help: "The entry's hash, or the first digits of it.")
  var hash: String
  @Argument(help: "The person's ID hash, or the first digits of it.")
  var person: String
  @Flag(help: "Leave grants to groups out, as the published packages do.")
  var ignoreGroups = false

  func run() throws {
    let repository = try options.open()
    let hash = try options.find(hash, in: repository)
    let person = try options.find(person, in: repository)
    let answer = AccessExplanation(
      of: hash, for: person, in: repository, policy: ignoreGroups ? .ignored : .evaluated)
    if options.json {
      let obstacles: [JSONValue] = answer.obstacles.map { .string("\($0)") }
      let line: JSONValue = [
        "granted": .bool(!answer.ways.isEmpty), "ways": .array(answer.ways.map(Self.json)),
        "obstacles": .array(obstacles),
      ]
      print(line.compact)
    } else {
      print("\(answer.entry.map { $0.type.isEmpty ? $0.kind.name : $0.type } ?? "unknown") \(hash)")
      print(answer.ways.isEmpty ? "person \(person) does not get it:" : "person \(person) gets it:")
      for way in answer.ways {
        let group = way.grant.group.map { " through the group \($0.short)" } ?? ""
        let steps = way.path.map { step in
          "\(repository.store.entry(step)?.type ?? "?") \(step.short)"
        }
        print("  \(way.grant.grant.subject.grantType)\(group), written by \(way.component ?? "an unknown component")")
        print("    \(steps.joined(separator: " → "))")
      }
      for obstacle in answer.obstacles { print("  \(obstacle)") }
    }
    if answer.ways.isEmpty { throw ExitCode(1) }
  }

  private static func json(_ way: AccessExplanation.Way) -> JSONValue {
    let subject = way.grant.grant.subject
    let group: JSONValue = way.grant.group.map { JSONValue.string($0.hex) } ?? .null
    let component: JSONValue = way.component.map { JSONValue.string($0) } ?? .null
    let path: [JSONValue] = way.path.map { .string($0.hex) }
    return [
      "grant": .string(subject.grantType), "subject": .string(subject.hash.hex), "group": group,
      "component": component, "path": .array(path),
    ]
  }
}
