import Testee

/// Runs a shell command and hands out what it writes, line by line.
public struct ChildLines {
  public enum Ending: Sendable, Equatable {
    case exited(String)
    /// It was stopped: its time was over, or the caller had enough.
    case stopped
  }

  /// Runs until the command ends, `line` returns false, or so many milliseconds have passed.
  public static func run(
    _ command: String, milliseconds: Int, line: (String) -> Bool
  ) throws(FuzzDriverFailure) -> Ending {
    guard var process = TesteeProcess(command: command, showsErrors: true) else {
      throw FuzzDriverFailure(reason: "cannot start: \(command)")
    }
    let end = TesteeProcess.now() + milliseconds
    var buffer: [UInt8] = []
    while true {
      let left = end - TesteeProcess.now()
      guard left > 0 else { return .stopped }
      guard process.wait(toWrite: false, milliseconds: min(left, 1_000)).canRead else { continue }
      let transfer = process.read(into: &buffer)
      while let newline = buffer.firstIndex(where: { $0 == 0x0A || $0 == 0x0D }) {
        let text = String(decoding: buffer[..<newline], as: UTF8.self)
        buffer.removeFirst(newline + 1)
        if !text.isEmpty, !line(text) { return .stopped }
      }
      guard transfer == .closed else { continue }
      if !buffer.isEmpty { _ = line(String(decoding: buffer, as: UTF8.self)) }
      // A command that writes nothing closes its output long before it ends.
      return .exited(process.ending(waiting: max(500, end - TesteeProcess.now())))
    }
  }
}
