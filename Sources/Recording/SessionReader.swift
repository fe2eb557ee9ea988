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
  private var lastOrder = -Double.infinity

  public init(_ source: Source, options: Options = Options()) throws(RecordingFailure) {
    lines = LineReader(source, limit: options.limits.line)
    guard let first = try lines.next(), !first.isEmpty else {
      throw RecordingFailure(line: 1, "the file is empty: a session starts with a header line")
    }
    let value: JSONValue
    do throws(JSONFailure) { value = try JSONValue.parse(first) } catch {
      throw RecordingFailure(line: 1, "the header is not JSON: \(error)")
    }
    header = try RecordingHeader(value, limits: options.limits)
    var keys = KeyRing(box: options.box)
    if !options.ignoresHeaderKeys { keys.add(header) }
    for log in options.keyLogs {
      do throws(RecordingFailure) { try keys.addKeyLog(log.bytes, limits: options.limits) } catch {
        throw RecordingFailure(line: 0, "key log \(log.name), \(error)")
      }
    }
    analyzer = SessionAnalyzer(keys: keys, limits: options.limits, wantsPlain: options.wantsPlain)
  }

  /// The source, for its position.
  public var source: Source { lines.source }
  public var lineNumber: Int { lines.number }

  /// Takes the next line; false at the end. The events are in `analyzer` until the next call.
  public mutating func next() throws(RecordingFailure) -> Bool {
    while let line = try lines.next() {
      if line.isEmpty { continue }
      let recorded: RecordedLine
      do throws(RecordingFailure) {
        recorded = try RecordedLine(line, number: lines.number)
      } catch {
        // A recorder that was killed leaves half a line; that is no reason to throw the rest away.
        guard lines.lastLineIsOpen else { throw error }
        truncation = error
        return false
      }
      lastTime = recorded.time
      try analyzer.feed(recorded)
      return true
    }
    return false
  }
}
