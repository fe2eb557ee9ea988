import ArgumentParser
import Foundation
import Recording
import Report

/// What the commands share towards the terminal.
enum Terminal {
  static let isTerminal = isatty(STDOUT_FILENO) == 1
  static let palette = Palette(enabled: isTerminal && ProcessInfo.processInfo.environment["NO_COLOR"] == nil)

  static func error(_ text: String) {
    Output.note("error: " + ConsoleReport.printable(text) + "\n")
  }

  /// A line on standard error that tells how far a long file is; nothing when nobody watches.
  final class Progress {
    private let label: String
    private let total: Int?
    private let isShown = isatty(STDERR_FILENO) == 1
    private var next = Date().addingTimeInterval(1)
    private var wrote = false

    init(label: String, total: Int?) {
      self.label = label
      self.total = total
    }

    func update(_ position: Int) {
      guard isShown, Date() >= next else { return }
      next = Date().addingTimeInterval(0.2)
      wrote = true
      let done = total.map { $0 > 0 ? "\(position * 100 / $0) %" : "" } ?? "\(position >> 20) MiB"
      Output.note("\r\(label): \(done)   ")
    }

    func end() {
      if wrote { Output.note("\r\u{1B}[K") }
    }
  }
}

/// Exits with the codes of the house and a word on why.
enum Exit {
  static func usage(_ text: String) -> any Error {
    Terminal.error(text)
    return ExitCode(2)
  }

  static func nothingRan(_ text: String) -> any Error {
    Terminal.error("nothing ran: \(text)")
    return ExitCode(4)
  }
}

/// Files that commands read and write.
enum Inputs {
  /// Logs of instances, each with its file name for findings and errors.
  static func logs(_ paths: [String]) throws(RecordingFailure) -> [(name: String, source: FileSource)] {
    var logs: [(name: String, source: FileSource)] = []
    for path in paths {
      do throws(RecordingFailure) {
        logs.append((URL(fileURLWithPath: path).lastPathComponent, try FileSource(path: path)))
      } catch {
        throw RecordingFailure(line: 0, "log \(path): \(error.reason)")
      }
    }
    return logs
  }

  /// The recordings that the arguments name, directories searched, sorted.
  static func recordings(_ arguments: [String]) throws -> [String] {
    var paths: [String] = []
    for argument in arguments {
      var isDirectory: ObjCBool = false
      guard argument != "-", unsafe FileManager.default.fileExists(atPath: argument, isDirectory: &isDirectory),
        isDirectory.boolValue
      else {
        paths.append(argument)
        continue
      }
      let names = try FileManager.default.contentsOfDirectory(atPath: argument).sorted()
      paths += names.filter { $0.hasSuffix(".har") || $0.hasSuffix(".ndjson") && !$0.hasSuffix(".plain.ndjson") }
        .map { URL(fileURLWithPath: argument).appendingPathComponent($0).path }
    }
    return paths
  }

  static func bytes(_ path: String) throws -> [UInt8] {
    let source: FileSource
    do { source = try FileSource(path: path) } catch { throw Exit.usage("\(path): \(error)") }
    var bytes: [UInt8] = []
    while true {
      let piece = try source.next()
      if piece.isEmpty { return bytes }
      bytes += piece
      if bytes.count > 1 << 30 { throw Exit.usage("\(path): larger than 1 GiB") }
    }
  }

  static func write(_ text: String, to path: String?) throws {
    guard let path else { return }
    if path == "-" { return Output.write(text) }
    try Output.file(Array(text.utf8), path: path)
  }
}
