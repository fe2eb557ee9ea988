import Foundation
import Trace
import Wire
import WireBytes

extension Plants {
  static let foreign = String(repeating: "ab", count: 32)

  static let chum: [Plant] = framing + streams + start + rounds + requests + content + errors

  private static let framing: [Plant] = [
    .leg("FRM-001", "an answer lost", "iop-chum-1", "c9", at: .earlier) {
      $0.items.remove(at: answer($0, $0.index("\"serviceId\":4")))
    },
    .leg("CHUM-004", "the first request lost", "iop-chum-1", "c9", at: .changed(0), also: ["PR-030"]) { editor in
      let request = editor.index("\"serviceId\":1", .fromClient)
      let text = editor.index("synchronisation", .fromClient)
      editor.items[request].time = editor.items[text].time + 1
      editor.items.remove(at: answer(editor, request))
    },
    .leg("STOP-001", "a stop for nothing", "iop-chum-1", "c9") { editor in
      editor.insert(ChumMessage.writeStreamError(id: 4_711).text, .fromClient, after: editor.index("\"serviceId\":4"))
    },
    .leg("FRM-015", "an answer after a minute", "iop-chum-1", "c9") { editor in
      editor.delay(60_000, from: answer(editor, editor.index("\"serviceId\":4")))
    },
    .leg("FRM-002", "an answer to nothing", "iop-chum-1", "c9") { editor in
      editor.insert(ChumMessage.data(id: 4_711, 8).text, .fromServer, after: editor.index("\"serviceId\":4"))
    },
    .leg("FRM-003", "an id left out", "iop-chum-1", "c9") { editor in
      let request = editor.index("\"serviceId\":4", .fromClient)
      editor.items.remove(at: answer(editor, request))
      editor.items.remove(at: request)
    },
    .leg("FRM-004", "an open id again", "iop-chum-1", "c9") { editor in
      let request = editor.index("\"serviceId\":4", .fromClient)
      editor.insert(text(editor, request), .fromClient, after: request)
    },
    .leg("FRM-002", "an answer to oneself", "iop-chum-1", "c9", also: ["FRM-005"]) { editor in
      let request = editor.index("\"serviceId\":4", .fromClient)
      editor.insert(ChumMessage.data(id: id(editor, request), "[]").text, .fromClient, after: request)
    },
    .leg("FRM-012", "args that are no array", "iop-chum-1", "c9", also: ["CF-012"]) { editor in
      editor.replace("\"serviceId\":2,\"args\":[]", "\"serviceId\":2,\"args\":null", .fromClient)
    },
    .leg("FRM-012", "JSON that is no message", "iop-chum-1", "c9") { editor in
      editor.insert("{\"type\":\"greeting\"}", .fromClient, after: editor.index("\"serviceId\":4"))
    },
    .leg("FRM-014", "service 12", "iop-chum-1", "c9") { editor in
      editor.insert(
        ChumMessage.request(id: 900, service: 12, args: []).text, .fromClient, after: editor.index("\"serviceId\":4"))
    },
  ]

  private static let streams: [Plant] = [
    .leg("FRM-006", "text and binary in one stream", "chum-clob-1", "c4") { editor in
      let stream = editor.index("\"type\":\"stream-end\"")
      let id = Double(text(editor, stream).split(separator: ",")[0].split(separator: ":")[1]) ?? 0
      editor.insert(
        .sealed(.binary(ChumBinaryChunk(id: id, data: [1, 2]).bytes)), editor.items[stream].direction, after: stream - 1
      )
    },
    .leg("FRM-007", "a stream without an end", "chum-clob-1", "c4", at: .earlier) { editor in
      let end = editor.index("\"type\":\"stream-end\"")
      editor.items.remove(at: end)
      editor.delay(10_000, from: end)
    },
    .leg("FRM-008", "a chunk behind the end", "chum-clob-1", "c4") { editor in
      let end = editor.index("\"type\":\"stream-end\"")
      let id = Int(text(editor, end).split(separator: ",")[0].split(separator: ":")[1]) ?? 0
      editor.insert(ChumMessage.stream(id: id, chunk: "x", encoding: nil).text, editor.items[end].direction, after: end)
    },
    .leg("FRM-009", "three bytes", "iop-chum-1", "c9") { editor in
      editor.insert(.sealed(.binary([1, 2, 3])), .fromClient, after: editor.index("\"serviceId\":4"))
    },
    .leg("FRM-010", "an object as a stream", "iop-chum-1", "c9") { editor in
      let request = editor.index("\"serviceId\":6", .fromClient)
      editor.insert(
        ChumMessage.stream(id: id(editor, request), chunk: "<div", encoding: "utf8").text, .fromServer, after: request)
    },
    .leg("CF-080", "a chunk without data", "chum-blob-fixed-1", "c9") { editor in
      let end = editor.index("\"type\":\"stream-end\"")
      let id = Double(text(editor, end).split(separator: ",")[0].split(separator: ":")[1]) ?? 0
      editor.insert(
        .sealed(.binary(ChumBinaryChunk(id: id, data: []).bytes)), editor.items[end].direction, after: end - 1)
    },
    .leg("FRM-011", "a stream that does not stop", "chum-clob-1", "c4") { editor in
      let end = editor.index("\"type\":\"stream-end\"")
      let id = Int(text(editor, end).split(separator: ",")[0].split(separator: ":")[1]) ?? 0
      let asker = editor.items[end].direction.opposite
      editor.insert(ChumMessage.writeStreamError(id: id).text, asker, after: end - 1)
      editor.delay(9_000, from: end + 1)
    },
  ]

  private static let start: [Plant] = [
    .leg("CHUM-001", "no control text", "iop-chum-1", "c9", at: .later) { $0.drop("synchronisation", .fromClient) },
    .leg("CHUM-001", "two control texts", "iop-chum-1", "c9") { editor in
      editor.insert("synchronisation", .fromClient, after: editor.index("synchronisation", .fromClient))
    },
    .leg("CHUM-002", "another spelling", "iop-chum-1", "c9") {
      $0.replace("synchronisation", "synchronization", .fromClient)
    },
    .leg("CHUM-003", "a request before the other's text", "iop-chum-1", "c9") { editor in
      let other = editor.index("synchronisation", .fromServer)
      editor.insert(ChumMessage.request(id: 0, service: 1, args: []).text, .fromClient, after: other - 1)
    },
    .leg("CHUM-009", "no proof of the person", "iop-chum-1", "c9", at: .later) { editor in
      let challenge = editor.sealedBinary(0, .fromServer)
      editor.items[editor.sealedBinary(0, .fromClient)].content = editor.items[challenge].content
    },
    .leg("CHUM-005", "roots before the version", "iop-chum-1", "c9") { editor in
      editor.replace("\"serviceId\":1,", "\"serviceId\":2,", .fromClient)
    },
    .leg("CHUM-006", "the version as a text", "iop-chum-1", "c9") {
      $0.replace("\"data\":8}", "\"data\":\"8\"}", .fromServer)
    },
    .leg("CHUM-007", "going on with version 7", "iop-chum-1", "c9", at: .changed(1)) {
      $0.replace("\"data\":8}", "\"data\":7}", .fromServer)
    },
    .leg("CHUM-008", "asking twice in a breath", "iop-chum-1", "c9") { editor in
      let request = editor.index("\"serviceId\":1", .fromClient)
      editor.insert(text(editor, request), .fromClient, after: request)
    },
    .leg("CF-009", "asking again after another error", "iop-chum-1", "c9", at: .later) { editor in
      let request = editor.index("\"serviceId\":1", .fromClient)
      let first = answer(editor, request)
      set(&editor, first, .error(id: id(editor, request), name: "Error", message: "no", code: "SB-READ2"))
      editor.insert(ChumMessage.request(id: 1, service: 1, args: []).text, .fromClient, after: first)
      editor.delay(400, from: first + 1)
    },
    .leg("CHUM-082", "one side never imports", "iop-chum-1", "c9", at: .earlier) { editor in
      var position = 0
      while position < editor.items.count {
        if editor.items[position].direction == .fromClient, text(editor, position).contains("\"serviceId\":2") {
          editor.items.remove(at: position)
        } else {
          position += 1
        }
      }
    },
  ]

  private static let rounds: [Plant] = [
    .leg("CHUM-011", "an object before the roots", "iop-chum-1", "c9") {
      $0.replace("\"serviceId\":2,", "\"serviceId\":6,", .fromClient)
    },
    .leg("CHUM-014", "a root that is no hash", "iop-chum-1", "c9") {
      roots(&$0) { ["type": "unversioned", "hash": "../../x", "oneType": "Keys"] }
    },
    .leg("CHUM-015", "a root twice", "iop-chum-1", "c9") {
      roots(&$0, times: 2) { ["type": "unversioned", "hash": .string(foreign), "oneType": "Keys"] }
    },
    .leg("CHUM-016", "a node before its id", "iop-chum-1", "c9") {
      roots(&$0) {
        ["type": "version_node", "node": .string(foreign), "dataIdHash": .string(foreign), "dataType": "Person"]
      }
    },
    .leg("CHUM-080", "a Chum object offered", "iop-chum-1", "c9") {
      roots(&$0) { ["type": "unversioned", "hash": .string(foreign), "oneType": "Chum"] }
    },
    .leg("CHUM-016", "a node before its predecessor", "iop-chum-1", "c9", at: .later) { swapNodes(&$0) },
    .leg("CHUM-070", "four requests at once", "iop-chum-1", "c9", at: .later) { editor in
      let request = editor.index("\"serviceId\":4", .fromClient)
      for number in 0..<40 {
        guard case .request(_, _, let args)? = try? ChumMessage.decode(text(editor, request)) else { return }
        editor.insert(
          ChumMessage.request(id: 900 + number, service: 4, args: args).text, .fromClient, after: request + number)
      }
    },
    .leg("CHUM-068", "an object after FIN", "iop-chum-1", "c9", at: .later) { editor in
      let request = editor.index("\"serviceId\":2", .fromClient)
      editor.insert(ChumMessage.request(id: 900, service: 10, args: []).text, .fromClient, after: request - 1)
      editor.insert(ChumMessage.data(id: 900, .string(ChumMessage.undefined)).text, .fromServer, after: request)
    },
    .leg("CHUM-058", "polling without a pause", "iop-chum-1", "c9") { editor in
      let first = editor.index("\"serviceId\":2", .fromClient)
      let second = editor.index("\"serviceId\":2", .fromClient, from: first + 1)
      editor.delay(-4_000, from: second)
    },
    .leg("CHUM-057", "polling stops", "iop-chum-1", "c9", at: .earlier) { editor in
      let first = editor.index("\"serviceId\":2", .fromClient)
      let second = editor.index("\"serviceId\":2", .fromClient, from: first + 1)
      editor.delay(15_000, from: second)
    },
    .leg("CHUM-067", "a request after FIN", "iop-chum-1", "c9", at: .later) { editor in
      editor.insert(
        ChumMessage.request(id: 2, service: 10, args: []).text, .fromClient,
        after: editor.index("\"serviceId\":2", .fromClient))
    },
  ]

  private static let requests: [Plant] = [
    .leg("CHUM-020", "a guessed hash", "iop-chum-1", "c9") { editor in
      hash(&editor, editor.index("\"serviceId\":6", .fromClient), foreign)
    },
    .leg("CHUM-028", "an object as a file", "iop-chum-1", "c9") {
      $0.replace("\"serviceId\":6,", "\"serviceId\":8,", .fromClient)
    },
    .leg("ARGS-001", "a name for a hash", "iop-chum-1", "c9") {
      hash(&$0, $0.index("\"serviceId\":6", .fromClient), "readme")
    },
    .leg("CHUM-074", "the same object twice", "iop-chum-1", "c9") { editor in
      let request = editor.index("\"serviceId\":6", .fromClient)
      let other = editor.index("\"serviceId\":6", .fromClient, from: request + 1)
      if case .request(_, _, let args)? = try? ChumMessage.decode(text(editor, request)), let hash = args?.first?.string
      {
        Plants.hash(&editor, editor.index("\"serviceId\":4", .fromClient), hash)
        Plants.hash(&editor, other, hash)
        editor.insert(text(editor, request), .fromClient, after: request)
      }
    },
    .leg("CHUM-073", "a refused root that is forgotten", "iop-chum-1", "c9", at: .later) { forgotten(&$0) },
    .leg("CHUM-023", "a child after its parent", "iop-chum-1", "c9", at: .changed(1)) { editor in
      let second = editor.index("\"serviceId\":2", .fromClient, from: editor.index("\"serviceId\":2", .fromClient) + 1)
      let list = editor.index("\"serviceId\":4", .fromClient, from: editor.index("ChatMessage", from: second) - 4)
      guard case .request(_, _, let args)? = try? ChumMessage.decode(text(editor, list)),
        let parent = args?.first?.string
      else { return }
      let answered = answer(editor, list)
      editor.insert(
        ChumMessage.request(id: 800, service: 6, args: [.string(parent)]).text, .fromClient, after: answered)
    },
    .leg("CHUM-084", "an instance with itself", "iop-chum-1", "c9", at: .later) { editor in
      let mine = editor.items[editor.index("instance_id_object", .fromClient)].content
      editor.items[editor.index("instance_id_object", .fromServer)].content = mine
    },
  ]

  private static let content: [Plant] = [
    .leg("CHUM-033", "a line end behind an object", "iop-chum-1", "c9") { editor in
      sent(&editor, 6) { $0 + "\n" }
    },
    .leg("CHUM-033", "a bare < in a text", "iop-chum-1", "c9") { $0.replace("Hello Bob", "Hello < Bob") },
    .leg("CHUM-033", "an ID object with a member too many", "iom-groups-1", idLeg, also: ["CHUM-034"]) { editor in
      sent(&editor, 7) { $0.replacingOccurrences(of: "</div>", with: "<span itemprop=\"zzz\">1</span></div>") }
    },
    .leg("ANSWER-001", "a number for an object", "iop-chum-1", "c9") { editor in
      let request = editor.index("\"serviceId\":6", .fromClient)
      set(&editor, answer(editor, request), .data(id: id(editor, request), 5))
    },
    .leg("CHUM-026", "a list the wrong way round", "iop-chum-1", "c9", at: .later) { editor in
      reverseLists(&editor)
    },
    .leg("CHUM-035", "a version of something else", "iop-chum-1", "c9", at: .later) { versioned(&$0) },
    .leg("CHUM-036", "a node for data of another type", "iop-chum-1", "c9", at: .later) { editor in
      retypeNodes(&editor)
    },
    .leg("CHUM-029", "one letter of an object changed", "iop-chum-1", "c9") { $0.replace("Hello Bob", "Hallo Bob") },
    .leg("CHUM-030", "an ID object for an object", "iop-chum-1", "c9") { editor in
      editor.replace("<div itemscope", "<div data-id-object=\\\"true\\\" itemscope", .fromServer)
    },
    .leg("CHUM-031", "an object for an ID object", "iom-groups-1", idLeg) {
      $0.replace("<div data-id-object=\\\"true\\\" itemscope", "<div itemscope")
    },
    .leg("CHUM-037", "a root of another type", "chum-blob-fixed-1", "c9", at: .later) {
      $0.replace("BlobDescriptor\\\"}", "Letter\\\"}")
    },
    .leg("CHUM-018", "a Person as version node", "iop-chum-1", "c9") {
      $0.replace("VersionNodeEdge", "Person", .fromServer)
    },
    .leg("CHUM-039", "rights on the wire", "iop-chum-1", "c9") {
      $0.replace("refin.io/ChatMessage", "refin.io/IdAccess", .fromServer)
    },
    .leg("CHUM-025", "a list without its references", "iop-chum-1", "c9", at: .later) { editor in
      let request = editor.index("\"serviceId\":4", .fromClient)
      let position = answer(editor, request)
      set(&editor, position, .data(id: id(editor, request), "[]"))
    },
    .leg("CHUM-025", "objects listed as ID objects", "iop-chum-1", "c9", at: .later, also: ["CHUM-027"]) {
      retypeChildren(&$0)
    },
    .leg("LIST-001", "a list that is no list", "iop-chum-1", "c9") { editor in
      let request = editor.index("\"serviceId\":4", .fromClient)
      set(&editor, answer(editor, request), .data(id: id(editor, request), "{}"))
    },
    .leg("CHUM-041", "an object nobody announced", "iop-chum-1", "c9", at: .changed(1)) {
      hash(&$0, $0.index("\"serviceId\":6", .fromClient), foreign)
    },
  ]

  private static let errors: [Plant] = [
    .leg("CHUM-032", "M2O-PH1", "iop-chum-1", "c9") { editor in
      let request = editor.index("\"serviceId\":4", .fromClient)
      set(
        &editor, answer(editor, request),
        .error(id: id(editor, request), name: "Error", message: "M2O-PH1: no microdata", code: "M2O-PH1"))
    },
    .leg("CHUM-045", "content in an error", "iop-chum-1", "c9") { editor in
      let request = editor.index("\"serviceId\":4", .fromClient)
      set(
        &editor, answer(editor, request),
        .error(id: id(editor, request), name: "Error", message: "bad: <div itemscope", code: nil))
    },
    .leg("CHUM-046", "a stack trace in an error", "iop-chum-1", "c9") { editor in
      let request = editor.index("\"serviceId\":4", .fromClient)
      set(
        &editor, answer(editor, request),
        .error(id: id(editor, request), name: "Error", message: "x\n    at file://a.js", code: nil))
    },
    .leg("CHUM-043", "refusals that tell", "fail-chum-request-1", refusalLeg) { editor in
      // The second refusal of service 6 for a foreign hash gets another code.
      let first = editor.index("CES-GO1")
      let second = editor.index("CES-GO1", from: first + 1)
      editor.replace("\"code\":\"CES-GO1\"", "\"code\":\"SB-READ2\"", from: second)
    },
    .events("CHUM-085", "an answer of 65 MiB", "iop-chum-1", "c9") { events in
      guard
        let index = events.firstIndex(where: { if case .responded(_, .data) = $0.kind { true } else { false } }),
        case .responded(let id, .data(let value, _)) = events[index].kind
      else { return }
      let event = events[index]
      events[index] = Event(
        seq: event.seq, time: event.time, line: event.line, leg: event.leg, conn: event.conn,
        direction: event.direction, kind: .responded(id: id, .data(value, bytes: 65 << 20)))
    },
    .leg("CHUM-075", "a normal end after another version", "iop-chum-1", "c9", at: .later, also: ["CF-074"]) { editor in
      editor.replace("\"data\":8}", "\"data\":7}", .fromServer)
      editor.replace("Corresponding route was stopped", "Chum ended [1] normally. Error count 0")
    },
    .leg("CHUM-075", "a mismatch that never was", "iop-chum-1", "c9") { editor in
      editor.replace("Corresponding route was stopped", "Chum ended [1] with error: Error: CS-MISMATCH: [1] x")
    },
  ]
}
