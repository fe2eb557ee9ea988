/// Logs in files of their own, merged with a session by time; holds one line of each.
struct LogMerger<Source: ByteSource> {
  private struct File {
    let name: String
    var lines: LineReader<Source>
    var clock: LogLine.Clock
    var next: LogLine?
    /// Time by which the next line is merged: a line that goes back in time waits for no one.
    var due = -Double.infinity
    var truncation: RecordingFailure?

    mutating func advance() throws(RecordingFailure) {
      next = nil
      do throws(RecordingFailure) { try read() } catch {
        throw RecordingFailure(line: 0, "log \(name), \(error)")
      }
    }

    private mutating func read() throws(RecordingFailure) {
      while let bytes = try lines.next() {
        if bytes.isEmpty { continue }
        do throws(RecordingFailure) {
          guard let line = try LogLine(bytes, number: lines.number, clock: &clock) else {
            throw RecordingFailure(line: lines.number, "no member log: not an event of an instance's log")
          }
          next = line
          due = max(due, line.time)
          return
        } catch {
          // An instance that was killed leaves half a line.
          guard lines.lastLineIsOpen else { throw error }
          truncation = RecordingFailure(line: error.line, "log \(name): \(error.reason)")
          return
        }
      }
    }
  }

  private var files: [File] = []
  /// A last line that was cut off.
  var truncation: RecordingFailure? { files.lazy.compactMap(\.truncation).first }

  /// `epoch` is the session's start in ms since 1970.
  init(
    _ logs: [(name: String, source: Source)], epoch: Double?, limits: RecordingLimits
  ) throws(RecordingFailure) {
    for log in logs {
      var file = File(
        name: log.name, lines: LineReader(log.source, limit: limits.logLine), clock: LogLine.Clock(epoch: epoch))
      try file.advance()
      files.append(file)
    }
  }

  var isEmpty: Bool { files.isEmpty }

  /// The earliest line before `time`; of two at one time the file given first comes first, a session before all logs.
  mutating func next(before time: Double) throws(RecordingFailure) -> (line: LogLine, file: String)? {
    var found: Int?
    for index in files.indices where files[index].next != nil && files[index].due < time {
      if let known = found, files[known].due <= files[index].due { continue }
      found = index
    }
    guard let found, let line = files[found].next else { return nil }
    let name = files[found].name
    try files[found].advance()
    return (line, name)
  }

}
