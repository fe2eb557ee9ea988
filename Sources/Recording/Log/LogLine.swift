public import Trace
import WireBytes

/// One line of an instance's log (Fixtures/Recordings/LOG.md), alone or among the frames of a session.
public struct LogLine: Sendable {
  public enum Content: Sendable {
    case event(LogEvent)
    /// An event that this version does not know, by its name.
    case unknown(String)
  }

  public let number: Int
  /// Milliseconds since the start of the recording.
  public let time: Double
  public let content: Content

  /// A store's inventory stands on one line; more members than this are no inventory of a test any more.
  static let limits = JSONLimits(depth: 32, values: 2_000_000)

  /// Relates wall times to a recording; the first wall time of a log alone is its start.
  public struct Clock: Sendable {
    /// The start in ms since 1970.
    public private(set) var epoch: Double?
    private let startsItself: Bool

    public init(epoch: Double?, startsItself: Bool = false) {
      self.epoch = epoch
      self.startsItself = startsItself
    }

    fileprivate mutating func time(wall: Double) -> Double? {
      if epoch == nil, startsItself { epoch = wall }
      return epoch.map { wall - $0 }
    }
  }

  /// True when a member called `log` stands in the line: quotes inside of strings are escaped, so that this text names a
  /// member, or ends a string.
  static func mayBeLog(_ line: [UInt8]) -> Bool {
    // A frame of megabytes is not searched: whoever writes a log puts the name of the event in front.
    let end = min(line.count, 128)
    var index = 0
    while index + 5 < end {
      if line[index] == 0x22, line[index + 1] == 0x6C, line[index + 2] == 0x6F, line[index + 3] == 0x67,
        line[index + 4] == 0x22
      {
        var next = index + 5
        while next < end, line[next] == 0x20 || line[next] == 0x09 { next += 1 }
        if next < end, line[next] == 0x3A { return true }
      }
      index += 1
    }
    return false
  }

  /// Reads one line; nil when it is an object without a member `log`.
  public init?(_ bytes: [UInt8], number: Int, clock: inout Clock) throws(RecordingFailure) {
    let value: JSONValue
    do throws(JSONFailure) { value = try JSONValue.parse(bytes, limits: Self.limits) } catch {
      throw RecordingFailure(line: number, "not JSON: \(error)")
    }
    guard case .object(let object) = value else {
      throw RecordingFailure(line: number, "a JSON \(value.kindName), not an object")
    }
    guard let name = object["log"] else { return nil }
    self.number = number
    time = try Self.time(object, number, &clock)
    do throws(LogFailure) {
      if let event = try LogEvent.read(object, epoch: clock.epoch) {
        content = .event(event)
      } else {
        content = .unknown(String((name.string ?? "").prefix(40)))
      }
    } catch {
      throw RecordingFailure(line: number, "log event \(error)")
    }
  }

  private static func time(
    _ object: JSONObject, _ number: Int, _ clock: inout Clock
  ) throws(RecordingFailure) -> Double {
    if let time = object["t"]?.number {
      guard time.isFinite, time.magnitude < 1e15 else { throw RecordingFailure(line: number, "t is not a time in ms") }
      return time
    }
    guard let wall = object["wall"]?.number, wall.isFinite, wall.magnitude < 1e15 else {
      throw RecordingFailure(line: number, "neither t (ms of the recording) nor wall (ms since 1970) is a number")
    }
    guard let time = clock.time(wall: wall) else {
      throw RecordingFailure(line: number, "wall cannot be related: the session's header has no started")
    }
    return time
  }
}
