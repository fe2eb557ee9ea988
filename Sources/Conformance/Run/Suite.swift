public import Requirements
public import Scenario

/// The cases of some directories or files, ready to run.
public struct Suite: Sendable {
  public private(set) var groups: [CaseGroup]
  public let catalogue: Catalogue

  /// Reads files given as name and text, in the order of their names.
  public init(files: [(name: String, text: String)], catalogue: Catalogue) throws(ScenarioFailure) {
    var reader = CaseReader(catalogue: catalogue.requirements.isEmpty ? nil : catalogue)
    groups = []
    for file in files.sorted(by: { $0.name < $1.name }) {
      let group = try reader.read(file.text, file: file.name)
      // Several files may make up one group.
      if let index = groups.firstIndex(where: { $0.name == group.name && $0.target == group.target }) {
        groups[index].cases += group.cases
      } else {
        groups.append(group)
      }
    }
    self.catalogue = catalogue
  }

  public var cases: [Case] { groups.flatMap(\.cases) }

  public func of(_ target: TargetRole) -> Suite {
    var suite = self
    suite.groups = groups.filter { $0.target == target }
    return suite
  }

  /// Keeps what any of the patterns selects: an id or group with `*` and `?`, `tag:NAME`, or a requirement's id.
  public func selecting(_ patterns: [String]) -> Suite {
    guard !patterns.isEmpty else { return self }
    var suite = self
    suite.groups = groups.compactMap { group in
      var group = group
      group.cases = group.cases.filter { definition in patterns.contains { Self.selects($0, definition) } }
      return group.cases.isEmpty ? nil : group
    }
    return suite
  }

  static func selects(_ pattern: String, _ definition: Case) -> Bool {
    if pattern.hasPrefix("tag:") { return definition.tags.contains(String(pattern.dropFirst(4))) }
    if definition.requires.contains(where: { Glob.matches(pattern, $0.text) }) { return true }
    return Glob.matches(pattern, definition.id) || Glob.matches(pattern, definition.group)
      || definition.id.hasPrefix(pattern + "/")
  }
}

/// Shell patterns with `*` and `?`, in time linear in the text for each star.
public enum Glob {
  public static func matches(_ pattern: String, _ text: String) -> Bool {
    let pattern = Array(pattern.utf8)
    let text = Array(text.utf8)
    var (position, index) = (0, 0)
    var star: (position: Int, index: Int)?
    while index < text.count {
      if position < pattern.count, pattern[position] == 0x2A {
        star = (position, index)
        position += 1
      } else if position < pattern.count, pattern[position] == 0x3F || pattern[position] == text[index] {
        position += 1
        index += 1
      } else if let last = star {
        star = (last.position, last.index + 1)
        position = last.position + 1
        index = last.index + 1
      } else {
        return false
      }
    }
    return pattern[position...].allSatisfy { $0 == 0x2A }
  }
}
