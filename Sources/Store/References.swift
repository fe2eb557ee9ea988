public import Wire

/// A reference that stands in microdata.
public struct Reference: Sendable, Hashable {
  public let kind: ChildEntry.Kind
  public let hash: ObjectHash

  public init(kind: ChildEntry.Kind, hash: ObjectHash) {
    self.kind = kind
    self.hash = hash
  }
}

/// Finds the references of microdata in the order of their writing, which is the order of the recipe.
///
/// In canonical text `<` opens an element and nothing else, and only references are `<a` elements, so that a scan sees
/// exactly what a parse would see, at the speed of reading. The content was checked before it was stored.
public enum References {
  private static let marker: [UInt8] = Array(#"data-type=""#.utf8)

  public static func scan(_ content: [UInt8]) -> [Reference] {
    var found: [Reference] = []
    content.span.withEach { reference in found.append(reference) }
    return found
  }

  fileprivate static func scan(_ bytes: Span<UInt8>, _ body: (Reference) -> Void) {
    var index = 0
    let count = bytes.count
    while index + 2 < count {
      guard bytes[index] == 0x3C, bytes[index + 1] == 0x61, bytes[index + 2] == 0x20 else {
        index += 1
        continue
      }
      index += 3
      // The attributes end at `>`; the reference's kind is the last of them.
      var end = index
      while end < count, bytes[end] != 0x3E { end += 1 }
      guard end + 64 < count, let kind = kind(bytes, from: index, to: end) else { continue }
      let text = (end + 1...end + 64).map { bytes[$0] }
      if let hash = ObjectHash(hex: String(decoding: text, as: UTF8.self)) { body(Reference(kind: kind, hash: hash)) }
      index = end + 65
    }
  }

  private static func kind(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> ChildEntry.Kind? {
    guard end - start >= marker.count + 3, bytes[end - 1] == 0x22 else { return nil }
    var name = end - 1
    while name > start, bytes[name - 1] != 0x22 { name -= 1 }
    guard name - marker.count >= start else { return nil }
    for offset in 0..<marker.count where bytes[name - marker.count + offset] != marker[offset] { return nil }
    switch end - 1 - name {
    case 2 where bytes[name] == 0x69: return .id
    case 3 where bytes[name] == 0x6F: return .object
    case 4 where bytes[name] == 0x62: return .blob
    case 4 where bytes[name] == 0x63: return .clob
    default: return nil
    }
  }
}

extension Span<UInt8> {
  fileprivate func withEach(_ body: (Reference) -> Void) { References.scan(self, body) }
}
