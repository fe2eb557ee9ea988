import ArgumentParser
import Recording
import Trace
import WireBytes

struct ShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "show", abstract: "Print a session as people read it.")

  @Argument(help: "A session file (*.session.ndjson or one-ws-recording/1); - for standard input.")
  var file: String

  @Flag(help: "One JSON object a decrypted frame, in wire order.")
  var json = false

  func run() throws {
    var options = SessionReader<FileSource>.Options()
    options.wantsPlain = true
    var reader = try SessionReader(try FileSource(path: file), options: options)
    while try reader.next() {
      for line in reader.analyzer.plainLines where line.layer == .frame {
        var object = JSONObject([
          "t": .number(line.time), "conn": .string(line.conn), "dir": .string(line.direction.name),
        ])
        if let nonce = line.nonce { object.append("nonce", .number(Double(nonce))) }
        object.append("kind", .string(line.payload?.op.rawValue ?? "binary"))
        if let control = line.control { object.append("control", .string(control)) }
        switch line.payload {
        case .text(let text): object.append("data", .string(text))
        case .binary(let bytes): object.append("data", .string(Base64.encode(bytes)))
        case nil: break
        }
        print(JSONValue.object(object).compact)
      }
    }
  }
}
