public import Recording
public import Trace
import Wire
import WireBytes

/// The conversation of a session as a ladder: when, where, who to whom, what.
public struct Ladder: Sendable {
  private let palette: Palette
  private let width: Int
  private var roles: [String: LegRole] = [:]

  /// Texts are cut to `width` characters; 0 writes them whole.
  public init(palette: Palette, width: Int = 160) {
    self.palette = palette
    self.width = width
  }

  /// The lines for one decrypted line; one frame may take several.
  public mutating func text(_ line: PlainLine) -> String {
    note(line)
    var head = pad(JSONText.number(line.time), 10) + "  " + pad(ConsoleReport.printable(line.conn), 5, left: false)
    head += "  " + arrow(line) + "  "
    var mark = ""
    if let proxy = line.proxy { mark = palette.red(" [\(proxy.name) by the recorder]") }
    switch line.layer {
    case .clear: return head + body(line.payload, indent: head) + mark
    case .handshake:
      let who = line.fromInitiator == true ? "initiator" : "acceptor"
      guard case .binary(let key)? = line.payload else {
        return head + palette.red("\(who)'s key message, does not open")
      }
      return head + palette.dim("\(who)'s ephemeral key \(Hex.encode(key.prefix(4)))…")
    case .frame:
      let counter = palette.dim("#\(line.nonce.map(String.init) ?? "?") ")
      if let control = line.control {
        return head + counter + palette.dim(control == "fragment" ? piece(line) : control)
      }
      return head + counter + body(line.payload, indent: head)
    case .reassembled:
      return head + palette.dim("put together of \(line.fragments ?? 0) pieces: ") + body(line.payload, indent: head)
    case .undecryptable:
      return head
        + palette.red("a frame of \(line.cipherLength ?? 0) bytes that does not open with counter \(line.nonce ?? 0)")
    case .unreadable: return head + palette.yellow("an encrypted frame of \(line.cipherLength ?? 0) bytes, no key")
    case .unencrypted: return head + palette.red("in clear: ") + body(line.payload, indent: head)
    }
  }

  /// The line for the side that closes first, or for an event of an instance's log; nil for anything else.
  public func text(_ event: Event) -> String? {
    if case .logged(let log) = event.kind { return text(log, event) }
    guard case .closed(let code, let reason, false) = event.kind else { return nil }
    let who = event.direction == .fromClient ? "client" : "server"
    let head = pad(JSONText.number(event.time), 10) + "  " + pad(ConsoleReport.printable(event.conn), 5, left: false)
    return head + "  " + palette.bold("closed by the \(who): \(code) \(ConsoleReport.printable(cut(reason)))")
  }

  private func text(_ log: LogEvent, _ event: Event) -> String {
    let head = pad(JSONText.number(event.time), 10) + "  " + pad(ConsoleReport.printable(event.conn), 5, left: false)
    var members = JSONObject()
    for member in log.json(time: 0).members where !["t", "log", "peer", "conn"].contains(member.name) {
      members.append(member.name, member.value)
    }
    let what = "\(ConsoleReport.printable(log.peer)) \(log.fact.name)"
    return head + "  " + palette.bold(what) + " " + ConsoleReport.printable(cut(JSONValue.object(members).compact))
  }

  private func piece(_ line: PlainLine) -> String { "a piece of \(line.payload?.length ?? 0) bytes" }

  private mutating func note(_ line: PlainLine) {
    guard roles[line.conn] == nil, line.layer == .clear, line.direction == .fromClient,
      case .text(let text)? = line.payload
    else { return }
    switch try? CommServerMessage.decode(text) {
    case .register: roles[line.conn] = .listener
    case .communicationRequest: roles[line.conn] = .requester
    default: break
    }
  }

  private func arrow(_ line: PlainLine) -> String {
    let client =
      switch roles[line.conn] {
      case .listener?: "listener "
      case .requester?: "requester"
      default: "client   "
      }
    let other = line.layer == .clear ? "server" : "peer  "
    return line.direction == .fromClient ? "\(client) ──▶ \(other)" : "\(client) ◀── \(other)"
  }

  private func body(_ payload: RecordedLine.Payload?, indent: String) -> String {
    switch payload {
    case nil: return ""
    case .binary(let bytes):
      let start = Hex.encode(bytes.prefix(16))
      return palette.dim("\(bytes.count) bytes \(start)\(bytes.count > 16 ? "…" : "")")
    case .text(let text):
      let inner = "\n" + String(repeating: " ", count: 44)
      if let microdata = microdata(in: text) {
        let shown = ConsoleReport.printable(cut(microdata.envelope))
        return shown + inner
          + MicrodataLayout.lines(microdata.text).map { ConsoleReport.printable(cut($0)) }.joined(separator: inner)
      }
      return ConsoleReport.printable(cut(chum(text) ?? text))
    }
  }

  /// Requests and answers of CHUM in words; nil for everything else.
  private func chum(_ text: String) -> String? {
    guard text.utf8.starts(with: "{".utf8), text.utf8.count < 1 << 20, let message = try? ChumMessage.decode(text)
    else { return nil }
    switch message {
    case .request(let id, let service, let args):
      let name = ChumService(rawValue: service)?.name ?? "service \(service)"
      let list = (args ?? []).map { " " + ($0.string ?? $0.compact) }.joined()
      return "request \(id): \(name)\(list)"
    case .badArguments(let id, let service): return "request \(id): service \(service), args is no array: \(text)"
    case .data(let id, let data): return "answer \(id): \(data.string ?? data.compact)"
    case .error(let id, let name, let message, let code):
      return "error \(id): \(palette.yellow(code ?? name ?? "no code")) \(message ?? "")"
    case .stream(let id, let chunk, _): return "stream \(id): \(chunk.utf8.count) bytes: \(chunk)"
    case .streamEnd(let id): return "stream \(id) ends"
    case .streamError(let id, let text): return "stream \(id) fails: \(text)"
    case .writeStreamError(let id): return "stream \(id) cannot be taken"
    }
  }

  /// The microdata of a data answer, and the answer without it.
  private func microdata(in text: String) -> (envelope: String, text: String)? {
    guard text.utf8.count < 1 << 20, case .data(let id, .string(let data))? = try? ChumMessage.decode(text),
      data.utf8.starts(with: "<div".utf8)
    else { return nil }
    return ("answer \(id):", data)
  }

  private func cut(_ text: String) -> String { width > 0 ? excerpt(text, width) : text }

  private func pad(_ text: String, _ width: Int, left: Bool = true) -> String {
    let blanks = String(repeating: " ", count: max(0, width - text.count))
    return left ? blanks + text : text + blanks
  }
}

/// Microdata on lines of its own, two blanks a level; for the eye only, nothing is checked.
enum MicrodataLayout {
  /// Deeper levels are written at this indentation, so that hostile nesting stays readable.
  private static let deepest = 20

  static func lines(_ text: String) -> [String] {
    var lines: [String] = []
    var depth = 0
    var rest = Substring(text)
    var open = ""
    func indent(_ line: String) -> String { String(repeating: "  ", count: min(depth, deepest)) + line }
    while let start = rest.firstIndex(of: "<") {
      let words = String(rest[..<start])
      guard let end = rest[start...].firstIndex(of: ">") else { break }
      let tag = String(rest[start...end])
      rest = rest[rest.index(after: end)...]
      if tag.hasPrefix("</") {
        if !open.isEmpty {
          lines.append(indent(open + words + tag))
          open = ""
        } else {
          depth = max(0, depth - 1)
          lines.append(indent(words + tag))
        }
        continue
      }
      if !open.isEmpty {
        lines.append(indent(open + words))
        depth += 1
      }
      open = tag
    }
    if !open.isEmpty || !rest.isEmpty { lines.append(indent(open + String(rest))) }
    return lines
  }
}
