import Foundation
import WireBytes

/// A server in a process of its own, so that its CPU time and memory can be told from the load generator's.
final class ChildServer {
  let url: String
  let pid: Int32
  private let process = Process()
  /// Ends with this process, however that ends; the child stops when it does.
  private let lifeline = Pipe()

  enum Failure: Error, CustomStringConvertible {
    case noReadyLine(String)
    var description: String {
      switch self {
      case .noReadyLine(let command): "no ready line from: \(command)"
      }
    }
  }

  /// Runs this very program with other arguments and waits for its JSON ready line.
  init(_ arguments: [String]) throws {
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = arguments + ["--until-input-ends"]
    process.standardInput = lifeline
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    var line: [UInt8] = []
    while let byte = try output.fileHandleForReading.read(upToCount: 1)?.first, byte != 0x0A { line.append(byte) }
    guard let url = try? JSONValue.parse(line)["url"]?.string else {
      process.terminate()
      throw Failure.noReadyLine("chumgate " + arguments.joined(separator: " "))
    }
    self.url = url
    pid = process.processIdentifier
  }

  var cpuSeconds: Double { ProcessMemory.cpuSeconds(of: pid) ?? 0 }
  var residentBytes: Int { ProcessMemory.residentBytes(of: pid) ?? 0 }

  func stop() {
    process.terminate()
    process.waitUntilExit()
  }
}
