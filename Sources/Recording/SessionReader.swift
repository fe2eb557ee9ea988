public import Cryptobox
import Trace
import WireBytes

/// Reads a session line by line and gives its events; holds one line and what is open, never the session.
public struct SessionReader<Source: ByteSource> {
  public struct Options: Sendable {
    public var limits = RecordingLimits()
    /// Contents of key logs, each with the name to use in errors.
    public var keyLogs: [(name: String, bytes: [UInt8])] = []
    /// Leave the header's keys alone: shows what a judge without keys can see.
    public var ignoresHeaderKeys = false
    /// Collect decrypted lines for `chumgate show`.
    public var wantsPlain = false
    public var box: any BoxProvider = SodiumBox()

    public init() {}
  }

  public let header: RecordingHeader
  public private(set) var analyzer: SessionAnalyzer
  /// What is wrong with a last line that was cut off; everything before it was judged.
  public private(set) var truncation: RecordingFailure?
  public private(set) var lastTime = 0.0
  private var lines: LineReader<Source>
  private var logs: LogMerger<Source>
  private var clock: LogLine.Clock
  /// The first line of a log that stands alone, without a session's header.
  private var firstLine: [UInt8]?
  /// The session's next line, read ahead while earlier lines of logs come first.
  private var waiting: Line?
  private var isSessionOver = false

  private enum Line {
    case frame(RecordedLine)
    case log(LogLine)

    var time: Double {
      switch self {
      case .frame(let line): line.time
      case .log(let line): line.time
      }
    }
  }

  /// Reads the header. A file that begins with an event of an instance's log is judged as a log without a session.
  ///
  /// `logs` are logs in files of their own, each with the name to use in findings and errors.
  public init(
    _ source: Source, options: Options = Options(), logs others: [(name: String, source: Source)] = []
  ) throws(RecordingFailure) {
    lines = LineReader(source, limit: options.limits.line)
    guard let first = try lines.next(), !first.isEmpty else {
      throw RecordingFailure(line: 1, "the file is empty: a session starts with a header line")
    }
    let isLog = LogLine.mayBeLog(first)
    let value: JSONValue
    do throws(JSONFailure) {
      value = try JSONValue.parse(first, limits: isLog ? LogLine.limits : .standard)
    } catch {
      throw RecordingFailure(line: 1, "the header is not JSON: \(error)")
    }
    if isLog, value["log"] != nil, value["type"]?.string != "header" {
      header = RecordingHeader()
      firstLine = first
      clock = LogLine.Clock(epoch: nil, startsItself: true)
    } else {
      header = try RecordingHeader(value, limits: options.limits)
      clock = LogLine.Clock(epoch: header.started)
    }
    var keys = KeyRing(box: options.box)
    if !options.ignoresHeaderKeys { keys.add(header) }
    for log in options.keyLogs {
      do throws(RecordingFailure) { try keys.addKeyLog(log.bytes, limits: options.limits) } catch {
        throw RecordingFailure(line: 0, "key log \(log.name), \(error)")
      }
    }
    analyzer = SessionAnalyzer(keys: keys, limits: options.limits, wantsPlain: options.wantsPlain)
    // Of logs without a session the first one's first wall time is the start.
    if let firstLine, let line = try LogLine(firstLine, number: 1, clock: &clock) { waiting = .log(line) }
    logs = try LogMerger(others, epoch: clock.epoch, limits: options.limits)
  }

  /// The source, for its position.
  public var source: Source { lines.source }
  public var lineNumber: Int { lines.number }
  /// True when the file is an instance's log and no session.
  public var isLogAlone: Bool { firstLine != nil }

  /// Takes the next line, of the session or of a log, by time; false at the end. The events are in `analyzer` until the
  /// next call.
  public mutating func next() throws(RecordingFailure) -> Bool {
    if waiting == nil, !isSessionOver { waiting = try nextLine() }
    if !logs.isEmpty {
      let log = try logs.next(before: waiting?.time ?? .infinity)
      if truncation == nil { truncation = logs.truncation }
      if let (line, file) = log {
        lastTime = max(lastTime, line.time)
        analyzer.feed(line, file: file)
        return true
      }
    }
    switch waiting {
    case .frame(let recorded):
      waiting = nil
      lastTime = recorded.time
      try analyzer.feed(recorded)
    case .log(let log):
      waiting = nil
      lastTime = log.time
      analyzer.feed(log)
    case nil: return false
    }
    return true
  }

  private mutating func nextLine() throws(RecordingFailure) -> Line? {
    while let line = try lines.next() {
      if line.isEmpty { continue }
      do throws(RecordingFailure) {
        if LogLine.mayBeLog(line), let log = try LogLine(line, number: lines.number, clock: &clock) { return .log(log) }
        if isLogAlone { throw RecordingFailure(line: lines.number, "no member log: not an event of an instance's log") }
        return .frame(try RecordedLine(line, number: lines.number))
      } catch {
        // A recorder that was killed leaves half a line; that is no reason to throw the rest away.
        guard lines.lastLineIsOpen else { throw error }
        truncation = error
        break
      }
    }
    isSessionOver = true
    return nil
  }
}
