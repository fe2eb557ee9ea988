import Glibc
public import WireBytes

/// The few files that fuzz programs read, without Foundation: it would triple the start of each program.
public enum FuzzFiles {
  public static func read(_ path: String) -> [UInt8]? {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var out: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = unsafe piece.withUnsafeMutableBytes { unsafe Glibc.read(file, $0.baseAddress, $0.count) }
      guard count >= 0 else { return nil }
      if count == 0 { return out }
      out += piece[..<count]
    }
  }

  /// The recipes file: `CHUMGATE_RECIPES`, or that of the source tree this was built from.
  public static var recipesPath: String {
    if let path = unsafe getenv("CHUMGATE_RECIPES") { return unsafe String(cString: path) }
    let parts = #filePath.split(separator: "/").dropLast(4)
    return "/" + parts.joined(separator: "/") + "/Fixtures/Vectors/recipes.json"
  }

  public static func recipesJSON() throws(FuzzFilesFailure) -> JSONValue {
    guard let bytes = read(recipesPath) else { throw FuzzFilesFailure(reason: "cannot read \(recipesPath)") }
    do throws(JSONFailure) { return try JSONValue.parse(bytes) } catch {
      throw FuzzFilesFailure(reason: "\(recipesPath): \(error)")
    }
  }
}

public struct FuzzFilesFailure: Error, Sendable, CustomStringConvertible {
  public let reason: String
  public var description: String { reason }
}
