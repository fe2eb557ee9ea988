import Cryptobox
import Foundation
import Trace
import Wire
import WireBytes

/// What plants of the CHUM need to change one thing and keep the rest.
extension Plants {
  /// An answer of the given side to the request with the given text.
  static func answer(_ editor: SessionEditor, _ request: Int) -> Int {
    guard case .sealed(.text(let text)) = editor.items[request].content,
      case .request(let id, _, _)? = try? ChumMessage.decode(text)
    else { return request }
    return editor.index("{\"responseId\":\(id),", editor.items[request].direction.opposite, from: request)
  }

  static func text(_ editor: SessionEditor, _ position: Int) -> String {
    if case .sealed(.text(let text)) = editor.items[position].content { return text }
    return ""
  }

  static func set(_ editor: inout SessionEditor, _ position: Int, _ message: ChumMessage) {
    editor.items[position].content = .sealed(.text(message.text))
  }

  static func id(_ editor: SessionEditor, _ request: Int) -> Int {
    if case .request(let id, _, _)? = try? ChumMessage.decode(text(editor, request)) { return id }
    return -1
  }

  /// A leg with ID objects, and the hand-driven importer's leg.
  static let idLeg = "c9"
  static let refusalLeg = "c6"

  /// Puts entries in front of the first answered list of roots.
  static func roots(_ editor: inout SessionEditor, times: Int = 1, _ entry: () -> JSONValue) {
    let request = editor.index("\"serviceId\":2", .fromClient)
    let list = JSONValue.array(Array(repeating: entry(), count: times)).compact
    set(&editor, answer(editor, request), .data(id: id(editor, request), .string(list)))
  }

  /// Changes the text of the first answered object of a service.
  static func sent(_ editor: inout SessionEditor, _ service: Int, _ change: (String) -> String) {
    let request = editor.index("\"serviceId\":\(service)")
    let position = answer(editor, request)
    guard case .data(let id, .string(let text))? = try? ChumMessage.decode(self.text(editor, position)) else { return }
    set(&editor, position, .data(id: id, .string(change(text))))
  }

  static func hash(_ editor: inout SessionEditor, _ request: Int, _ hash: String) {
    guard case .request(let id, let service, _)? = try? ChumMessage.decode(text(editor, request)) else { return }
    set(&editor, request, .request(id: id, service: service, args: [.string(hash)]))
  }

  /// Lets a change of one list of roots show in every answer of service 2 to the client.
  static func eachRoots(_ editor: inout SessionEditor, _ change: ([RootEntry]) -> [RootEntry]) {
    eachList(&editor, 2) { text in
      guard let entries = try? RootEntry.decodeList(text), !entries.isEmpty else { return nil }
      return RootEntry.encodeList(change(entries))
    }
  }

  private static func eachList(_ editor: inout SessionEditor, _ service: Int, _ change: (String) -> String?) {
    for position in editor.items.indices {
      guard editor.items[position].direction == .fromClient,
        case .request(let id, service, _)? = try? ChumMessage.decode(text(editor, position))
      else { continue }
      let answered = answer(editor, position)
      guard case .data(_, .string(let list))? = try? ChumMessage.decode(text(editor, answered)),
        let changed = change(list)
      else { continue }
      set(&editor, answered, .data(id: id, .string(changed)))
    }
  }

  /// A root that is announced in each round, refused in the first and never asked for again.
  static func forgotten(_ editor: inout SessionEditor) {
    eachList(&editor, 2) { text in
      guard let entries = try? RootEntry.decodeList(text) else { return nil }
      return RootEntry.encodeList(entries + [.unversioned(hash: foreign, type: "Keys")])
    }
    let list = answer(editor, editor.index("\"serviceId\":2", .fromClient))
    editor.insert(ChumMessage.request(id: 800, service: 4, args: [.string(foreign)]).text, .fromClient, after: list)
    editor.insert(
      ChumMessage.error(id: 800, name: "Error", message: "no", code: "CES-GOC1").text, .fromServer, after: list + 1)
  }

  /// Turns the order of every child list around.
  static func reverseLists(_ editor: inout SessionEditor) {
    eachList(&editor, 4) { text in
      guard let entries = try? ChildEntry.decodeList(text), entries.count > 1 else { return nil }
      return ChildEntry.encodeList(entries.reversed())
    }
  }

  /// Lists every object child as an ID object.
  static func retypeChildren(_ editor: inout SessionEditor) {
    eachList(&editor, 4) { text in
      guard let entries = try? ChildEntry.decodeList(text), !entries.isEmpty else { return nil }
      return ChildEntry.encodeList(entries.map { ChildEntry(kind: $0.kind == .object ? .id : $0.kind, hash: $0.hash) })
    }
  }

  /// Turns the order of the version nodes of each data object around.
  static func swapNodes(_ editor: inout SessionEditor) {
    eachRoots(&editor) { entries in
      let isNode = { (entry: RootEntry) in if case .versionNode = entry { true } else { false } }
      return entries.filter { !isNode($0) } + entries.filter(isNode).reversed()
    }
  }

  /// Announces every version node for data of another type.
  static func retypeNodes(_ editor: inout SessionEditor) {
    eachRoots(&editor) { entries in
      entries.map { entry in
        guard case .versionNode(let node, let idHash, _) = entry else { return entry }
        return .versionNode(node: node, dataIdHash: idHash, dataType: "Letter")
      }
    }
  }

  /// Sends an ID object, and a version under it that belongs to somebody else.
  static func versioned(_ editor: inout SessionEditor) {
    let idObject =
      #"<div data-id-object="true" itemscope itemtype="//refin.io/Person"><span itemprop="email">a@x</span></div>"#
    let version = #"<div itemscope itemtype="//refin.io/Person"><span itemprop="email">b@x</span></div>"#
    let idHash = SHA256.hex(idObject)
    let hash = SHA256.hex(version)
    let request = editor.index("\"serviceId\":2", .fromClient)
    let list = answer(editor, request)
    set(
      &editor, list,
      .data(
        id: id(editor, request),
        .string(RootEntry.encodeList([.versioned(hash: hash, idHash: idHash, type: "Person")]))))
    var at = list
    for (number, service, hash, text) in [(800, 7, idHash, idObject), (801, 6, hash, version)] {
      editor.insert(
        ChumMessage.request(id: number, service: service, args: [.string(hash)]).text, .fromClient, after: at)
      editor.insert(ChumMessage.data(id: number, .string(text)).text, .fromServer, after: at + 1)
      at += 2
    }
  }
}

extension Plants {
  static func sha256(_ text: String) -> String { SHA256.hex(text) }
}
