/// Reads the JSON-like text that the deployed writer makes of keys which need escaping (A3): the strict profile keeps
/// it readable (MD-095).
///
/// A key goes up to the first `":` behind which a value begins. Text counts as written when writing the value that it
/// says gives the same text again.
struct RawKeyJSON {
  private let view: ByteView
  private var index = 0
  private static let depthLimit = 128

  static func isWritten(_ view: ByteView, isTop: Bool) -> Bool {
    guard let value = value(view), !(isTop && value == .undefined) else { return false }
    guard let text = try? SortedJSON.text(value, profile: .deployed, limits: .standard) else { return false }
    return text.withView { $0.equals(view) }
  }

  static func value(_ view: ByteView) -> OneValue? {
    if Array("undefined".utf8).withView({ view.equals($0) }) { return .undefined }
    let function = Array("[FUNCTION] ".utf8)
    if function.withView({ view.has($0, at: 0) }) {
      return .function(OneText(view.slice(function.count, view.count)))
    }
    var reader = RawKeyJSON(view: view)
    guard let value = reader.value(0), reader.index == view.count else { return nil }
    return value
  }

  private init(view: ByteView) { self.view = view }

  private mutating func value(_ depth: Int) -> OneValue? {
    guard depth < RawKeyJSON.depthLimit else { return nil }
    switch view[index] {
    case 0x7B: return object(depth)
    case 0x5B: return array(depth)
    default:
      // Scalars are JSON as ever; find their end and let the JSON reader take them.
      let start = index
      if view[index] == 0x22 {
        index += 1
        while index < view.count, view[index] != 0x22 { index += view[index] == 0x5C ? 2 : 1 }
        index += 1
      } else {
        while index < view.count, ![0x2C, 0x5D, 0x7D].contains(view[index]) { index += 1 }
      }
      return try? JSONText.value(view.slice(start, index), depthLimit: 1)
    }
  }

  private mutating func array(_ depth: Int) -> OneValue? {
    var items: [OneValue] = []
    index += 1
    if view[index] == 0x5D {
      index += 1
      return .array(items)
    }
    while true {
      guard let item = value(depth + 1) else { return nil }
      items.append(item)
      let byte = view[index]
      index += 1
      if byte == 0x5D { return .array(items) }
      guard byte == 0x2C else { return nil }
    }
  }

  private mutating func object(_ depth: Int) -> OneValue? {
    var members: [OneObject.Member] = []
    index += 1
    if view[index] == 0x7D {
      index += 1
      return .object(OneObject())
    }
    while true {
      guard view[index] == 0x22 else { return nil }
      let start = index + 1
      guard let end = keyEnd(start) else { return nil }
      index = end + 2
      guard let member = value(depth + 1) else { return nil }
      let name = OneText(view.slice(start, end))
      // The writer sorts, so a name that does not ascend was not written.
      if let last = members.last, !(last.name < name) { return nil }
      members.append(OneObject.Member(name, member))
      let byte = view[index]
      index += 1
      if byte == 0x7D { return .object(OneObject(unique: members)) }
      guard byte == 0x2C else { return nil }
    }
  }

  private func keyEnd(_ start: Int) -> Int? {
    var from = start
    while let quote = view.find(0x22, from: from) {
      if view[quote + 1] == 0x3A {
        switch view[quote + 2] {
        case 0x22, 0x7B, 0x5B, 0x2D, 0x30...0x39, 0x74, 0x66, 0x6E: return quote
        default: break
        }
      }
      from = quote + 1
    }
    return nil
  }
}
