public import Requirements
import WireBytes

/// Reads files of cases. What a file says wrong is an error with file, line and column.
public struct CaseReader {
  private var places: [String: Place] = [:]
  private let catalogue: Catalogue?

  /// With a catalogue the requirement ids of the cases must exist in it.
  public init(catalogue: Catalogue? = nil) { self.catalogue = catalogue }

  /// Reads one file; ids must differ from those of files read before.
  public mutating func read(_ yaml: String, file: String) throws(ScenarioFailure) -> CaseGroup {
    let fields = try Fields(try Tree.parse(yaml, file: file), Form.file)
    let target = try fields.choice("target", TargetRole.self) ?? .server
    var group = CaseGroup(
      name: try fields.requiredWord("group"), title: try fields.requiredText("title"), target: target,
      place: fields.place,
      cases: [])
    let tags = try fields.words("tags")
    for tree in try fields.list("cases") { group.cases += try cases(tree, group, tags) }
    guard !group.cases.isEmpty else {
      throw ScenarioFailure(fields.place(of: "cases"), expected: "at least one case", found: "none")
    }
    return group
  }

  private struct Row {
    let suffix: String
    let place: Place
    let variables: [(name: String, value: Template)]
    let faults: [String]?
  }

  private mutating func cases(_ tree: Tree, _ group: CaseGroup, _ tags: [String]) throws(ScenarioFailure) -> [Case] {
    let fields = try Fields(tree, Form.entry)
    let id = try fields.requiredWord("id")
    var rows: [Row] = []
    for row in try fields.list("each") {
      let row = try Fields(row, Form.row, extra: true)
      var variables: [(name: String, value: Template)] = [("row", .value(.string(try row.requiredWord("name"))))]
      for member in row.others { variables.append((member.name, try Template(member.value))) }
      rows.append(
        Row(
          suffix: "/" + (try row.requiredWord("name")), place: row.place, variables: variables,
          faults: row["fault"] == nil ? nil : try row.words("fault")))
    }
    if rows.isEmpty { rows = [Row(suffix: "", place: fields.place, variables: [], faults: nil)] }
    var reader = StepReader()
    let steps = try reader.read(try fields.list("steps"))
    guard !steps.isEmpty else {
      throw ScenarioFailure(fields.place(of: "steps"), expected: "at least one step", found: "none")
    }
    let faults = try fields.words("fault")
    var found: [Case] = []
    for row in rows {
      let name = id + row.suffix
      if let other = places[name] {
        throw ScenarioFailure(row.place, expected: "an id of its own", found: "\(name), which stands at \(other)")
      }
      places[name] = row.place
      found.append(
        Case(
          id: name, title: try fields.requiredText("title"), group: group.name, target: group.target, place: row.place,
          requires: try requirements(fields), binds: try fields.choice("binds", CaseBinding.self) ?? .base,
          tags: tags + (try fields.words("tags")), profiles: Set(try profiles(fields)),
          needsExtension: try fields.word("extension"), takes: try fields.formula("takes"),
          settings: try settings(fields),
          isAlone: try fields.truth("alone") ?? false, faults: row.faults ?? faults,
          withoutFault: try fields.text("withoutFault"), variables: row.variables, steps: steps,
          usesTarget: reader.usesTarget))
    }
    return found
  }

  private func requirements(_ fields: Fields) throws(ScenarioFailure) -> [RequirementID] {
    var ids: [RequirementID] = []
    for word in try fields.words("requires") {
      guard let id = RequirementID(word), catalogue.map({ $0[id] != nil }) ?? true else {
        let similar = catalogue?.similar(to: word).map(\.text).joined(separator: ", ") ?? ""
        throw ScenarioFailure(
          fields.place(of: "requires"),
          expected: "ids of the catalogue" + (similar.isEmpty ? "" : ", such as \(similar)"),
          found: "\"\(word)\"")
      }
      ids.append(id)
    }
    return ids
  }

  private func profiles(_ fields: Fields) throws(ScenarioFailure) -> [String] {
    let words = try fields.words("profiles")
    for word in words where word != "deployed" && word != "strict" {
      throw ScenarioFailure(fields.place(of: "profiles"), expected: "deployed or strict", found: "\"\(word)\"")
    }
    return words.isEmpty ? ["deployed", "strict"] : words
  }

  private func settings(_ fields: Fields) throws(ScenarioFailure) -> [(name: String, value: JSONValue)] {
    guard let tree = fields["settings"] else { return [] }
    guard case .map(let members, _) = tree else {
      throw ScenarioFailure(tree.place, expected: "a mapping of settings", found: tree.kind)
    }
    var found: [(name: String, value: JSONValue)] = []
    for member in members {
      guard case .value(let value) = try Template(member.value) else {
        throw ScenarioFailure(member.value.place, expected: "a number, text or truth", found: member.value.kind)
      }
      found.append((member.name, value))
    }
    return found
  }
}
