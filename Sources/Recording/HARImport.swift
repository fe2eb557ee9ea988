import Trace
import WireBytes

/// Reads WebSocket messages out of an HTTP archive, as Chromium's network panel exports them, and gives a session.
///
/// An archive has no close frames and no other side's view; what is there is in the page's direction: `send` went to the
/// server, `receive` came from it.
public enum HARImport {
  /// The bytes of a `one-ws-recording/1` session with a connection for each WebSocket of the archive.
  public static func session(_ bytes: [UInt8]) throws(RecordingFailure) -> [UInt8] {
    // Archives begin with a byte order mark when some tools write them.
    let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
    let value: JSONValue
    do throws(JSONFailure) {
      value = try JSONValue.parse(text, limits: JSONLimits(depth: 64, values: 20_000_000))
    } catch {
      throw RecordingFailure(line: 0, "the archive is not JSON: \(error)")
    }
    guard let entries = value["log"]?["entries"]?.array else {
      throw RecordingFailure(line: 0, "no log.entries: this is no HTTP archive (HAR)")
    }
    var connections: [Connection] = []
    for (index, entry) in entries.enumerated() {
      guard let messages = entry["_webSocketMessages"]?.array else { continue }
      connections.append(try Connection(entry, messages, index: index, number: connections.count + 1))
    }
    guard !connections.isEmpty else {
      throw RecordingFailure(line: 0, "none of the archive's \(entries.count) entries has _webSocketMessages")
    }
    return write(connections, started: entries.first?["startedDateTime"]?.string ?? "")
  }

  private struct Connection {
    let name: String
    let url: String
    var opened: Double
    var lines: [(time: Double, direction: Direction, payload: RecordedLine.Payload)] = []

    init(_ entry: JSONValue, _ messages: [JSONValue], index: Int, number: Int) throws(RecordingFailure) {
      name = "c\(number)"
      url = entry["request"]?["url"]?.string ?? ""
      for (position, message) in messages.enumerated() {
        let place = "log.entries[\(index)]._webSocketMessages[\(position)]"
        guard let time = message["time"]?.number, time.isFinite, time >= 0, time < 1e11 else {
          throw RecordingFailure(line: 0, "\(place).time is not a time in seconds")
        }
        guard let data = message["data"]?.string else { throw RecordingFailure(line: 0, "\(place).data is no string") }
        let direction: Direction
        switch message["type"]?.string {
        case "send": direction = .fromClient
        case "receive": direction = .fromServer
        default: throw RecordingFailure(line: 0, "\(place).type is neither send nor receive")
        }
        switch message["opcode"]?.integer {
        case 1: lines.append((time, direction, .text(data)))
        case 2:
          guard let bytes = Base64.decode(data) else { throw RecordingFailure(line: 0, "\(place).data is not base64") }
          lines.append((time, direction, .binary(bytes)))
        // Control frames are no messages, and some exporters write them with opcode -1 when a socket failed.
        default: continue
        }
      }
      opened = lines.map(\.time).min() ?? .infinity
      if let text = entry["startedDateTime"]?.string, let started = ISODate.seconds(text) {
        opened = min(opened, started)
      }
    }
  }

  private static func write(_ connections: [Connection], started: String) -> [UInt8] {
    let zero = connections.map(\.opened).filter(\.isFinite).min() ?? 0
    var writer = SessionWriter()
    writer.header(
      name: "har", description: "Imported from an HTTP archive with \(connections.count) WebSockets.", started: started)
    enum Step {
      case open(String)
      case message(Direction, RecordedLine.Payload)
    }
    var steps: [(time: Double, conn: String, step: Step)] = []
    for connection in connections {
      let opened = connection.opened.isFinite ? connection.opened : zero
      steps.append((opened, connection.name, .open(connection.url)))
      for line in connection.lines {
        steps.append((line.time, connection.name, .message(line.direction, line.payload)))
      }
    }
    // A stable order: what has the same time stays as it stood in the archive.
    let order = steps.indices.sorted { (steps[$0].time, $0) < (steps[$1].time, $1) }
    for index in order {
      let (time, conn, step) = steps[index]
      let at = (time - zero) * 1_000
      switch step {
      case .open(let url):
        writer.open(at, conn, .fromClient, JSONObject(["path": .string(path(url)), "url": .string(url)]))
        writer.open(at, conn, .fromServer, JSONObject(["extensions": nil, "protocol": nil]))
      case .message(let direction, .text(let text)): writer.text(at, conn, direction, text)
      case .message(let direction, .binary(let bytes)): writer.binary(at, conn, direction, bytes)
      }
    }
    return writer.take()
  }

  private static func path(_ url: String) -> String {
    guard let scheme = url.firstRange(of: "://") else { return "/" }
    let rest = url[scheme.upperBound...]
    return rest.firstIndex(of: "/").map { String(rest[$0...]) } ?? "/"
  }
}

/// The dates of archives: `2026-11-22T22:15:43.937Z`.
enum ISODate {
  /// Seconds since 1970; nil when the text is no such date.
  static func seconds(_ text: String) -> Double? {
    let parts = text.split { "-T:Z+".contains($0) }
    guard parts.count >= 6, text.contains("T"), let year = Int(parts[0]), let month = Int(parts[1]),
      let day = Int(parts[2]), let hour = Int(parts[3]), let minute = Int(parts[4]), let second = Double(parts[5]),
      (1_970...9_999).contains(year), (1...12).contains(month), (1...31).contains(day), (0...24).contains(hour),
      (0...59).contains(minute), (0..<61).contains(second)
    else { return nil }
    // Days from the civil date, March first, so that the leap day is the last of a year.
    let shifted = month > 2 ? year : year - 1
    let era = shifted / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    var offset = 0
    if let zone = text.dropFirst(19).firstIndex(where: { $0 == "+" || $0 == "-" }) {
      let digits = text[text.index(after: zone)...].split(separator: ":").compactMap { Int($0) }
      offset = ((digits.first ?? 0) * 60 + (digits.count > 1 ? digits[1] : 0)) * (text[zone] == "+" ? 60 : -60)
    }
    return Double(days * 86_400 + hour * 3_600 + minute * 60 - offset) + second
  }

  /// The date of seconds since 1970, in UTC with milliseconds.
  static func text(_ seconds: Double) -> String {
    let whole = Int(max(0, min(seconds, 253_402_300_799)))
    let days = whole / 86_400 + 719_468
    let era = days / 146_097
    let dayOfEra = days - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    func pad(_ number: Int, _ width: Int) -> String {
      let digits = String(number)
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    let day = dayOfYear - (153 * shifted + 2) / 5 + 1
    let clock = [whole / 3_600 % 24, whole / 60 % 60, whole % 60].map { pad($0, 2) }.joined(separator: ":")
    let milliseconds = Int((seconds - seconds.rounded(.down)) * 1_000)
    return "\(pad(year, 4))-\(pad(month, 2))-\(pad(day, 2))T\(clock).\(pad(milliseconds, 3))Z"
  }
}
