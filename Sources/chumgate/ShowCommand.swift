import ArgumentParser
import Foundation
import Recording
import Report
import Trace
import WireBytes

struct ShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Print a session as people read it: who, what, in clear and decrypted.",
    discussion: """
      With --json: one object a decrypted frame in wire order (t, line, conn, dir, nonce, kind, control, data; data is
      the text, or base64 of the bytes). --all adds clear messages, key messages and messages put together from
      fragments, each with its layer, and the events of instance logs as they are written.

        chumgate show session.ndjson --conn c5 --since 2000
        chumgate show session.ndjson --log alice.log.ndjson
      """)

  @Argument(help: "A session file (one-ws-recording/1); - for standard input.")
  var file: String

  @Flag(help: "One JSON object a decrypted frame, in wire order.")
  var json = false

  @Flag(help: "With --json: every line, not only decrypted frames.")
  var all = false

  @Option(help: ArgumentHelp("Only this connection; may be repeated.", valueName: "name"))
  var conn: [String] = []

  @Option(help: ArgumentHelp("Only from this time on.", valueName: "ms"))
  var since: Double?

  @Option(help: "Characters of a text to print; 0 for all.")
  var width = 160

  @Option(help: ArgumentHelp("Session keys: lines of ephemeral public key and shared key in hex.", valueName: "file"))
  var keyLog: [String] = []

  @Option(help: ArgumentHelp("An instance's log, merged by time; may be repeated.", valueName: "file"))
  var log: [String] = []

  func run() throws {
    var options = SessionReader<FileSource>.Options()
    options.wantsPlain = true
    options.keyLogs = try keyLog.map { (name: $0, bytes: try Inputs.bytes($0)) }
    var ladder = Ladder(palette: Terminal.palette, width: max(width, 0))
    var printed = 0
    do throws(RecordingFailure) {
      var reader = try SessionReader(try FileSource(path: file), options: options, logs: Inputs.logs(log))
      while try reader.next() {
        for line in reader.analyzer.plainLines {
          // The ladder learns the roles from lines that are not printed, too.
          let text = json ? jsonText(line) : ladder.text(line)
          guard let text, isWanted(line) else { continue }
          print(text)
          printed += 1
        }
        for event in reader.analyzer.events {
          guard isWanted(event), let text = json ? jsonText(event) : ladder.text(event) else { continue }
          print(text)
          printed += 1
        }
      }
      if let truncation = reader.truncation { Terminal.error("\(file): the last line is cut off: \(truncation)") }
    } catch {
      throw Exit.usage("\(file): \(error)")
    }
    if printed == 0, !conn.isEmpty || since != nil { throw Exit.nothingRan("no frame fits --conn and --since") }
  }

  private func isWanted(_ line: PlainLine) -> Bool {
    (conn.isEmpty || conn.contains(line.conn)) && line.time >= since ?? -.infinity
  }

  private func isWanted(_ event: Event) -> Bool {
    var names = [event.conn]
    if case .logged(let log) = event.kind, let name = log.conn { names.append(name) }
    return (conn.isEmpty || names.contains(where: conn.contains)) && event.time >= since ?? -.infinity
  }

  private func jsonText(_ event: Event) -> String? {
    guard all, case .logged(let log) = event.kind else { return nil }
    return JSONValue.object(log.json(time: event.time)).compact
  }

  private func jsonText(_ line: PlainLine) -> String? {
    guard all || line.layer == .frame else { return nil }
    var object = JSONObject([
      "t": .number(line.time), "line": .number(Double(line.line)), "conn": .string(line.conn),
      "dir": .string(line.direction.name), "layer": .string(line.layer.rawValue),
    ])
    if let nonce = line.nonce { object.append("nonce", .number(Double(nonce))) }
    if let payload = line.payload { object.append("kind", .string(payload.op.rawValue)) }
    if let control = line.control { object.append("control", .string(control)) }
    switch line.payload {
    case .text(let text): object.append("data", .string(text))
    case .binary(let bytes): object.append("data", .string(Base64.encode(bytes)))
    case nil: break
    }
    if let length = line.cipherLength { object.append("cipherLength", .number(Double(length))) }
    if let padding = line.paddingBytes { object.append("paddingBytes", .number(Double(padding))) }
    if let fragments = line.fragments { object.append("fragments", .number(Double(fragments))) }
    return JSONValue.object(object).compact
  }
}
