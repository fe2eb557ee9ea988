/// A position in a file that a person wrote; lines and columns count from 1.
public struct Place: Sendable, Hashable, CustomStringConvertible {
  public let file: String
  public let line: Int
  public let column: Int

  public init(file: String, line: Int, column: Int) {
    self.file = file
    self.line = line
    self.column = column
  }

  public var description: String { "\(file):\(line):\(column)" }
}

/// What is wrong with a scenario file: where, what should stand there, what stands there.
public struct ScenarioFailure: Error, Sendable, Equatable, CustomStringConvertible {
  public let place: Place
  public let expected: String
  public let found: String

  public init(_ place: Place, expected: String, found: String) {
    self.place = place
    self.expected = expected
    self.found = found
  }

  public var description: String { "\(place): expected \(expected), found \(found)" }
}
