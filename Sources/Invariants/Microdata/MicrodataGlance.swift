import Trace

/// What can be read off microdata without a recipe: enough for rules about single objects.
enum MicrodataGlance {
  static let objectPrefix = Array(#"<div itemscope itemtype="//refin.io/"#.utf8)
  static let idPrefix = Array(#"<div data-id-object="true" itemscope itemtype="//refin.io/"#.utf8)

  /// The type name behind either prefix; nil when the text starts with neither.
  static func type(of text: String) -> String? {
    let bytes = text.utf8
    for prefix in [objectPrefix, idPrefix] where bytes.starts(with: prefix) {
      let rest = bytes.dropFirst(prefix.count)
      guard let end = rest.firstIndex(of: 0x22), rest.distance(from: rest.startIndex, to: end) <= 200 else {
        return nil
      }
      return String(decoding: rest[..<end], as: UTF8.self)
    }
    return nil
  }

  /// Hash and kind of each direct reference, in text order; at most `limit`.
  static func references(in text: String, limit: Int = 100_000) -> [(kind: ObjectKind, hash: String)] {
    guard let found = unsafe text.utf8.withContiguousStorageIfAvailable({ unsafe scan($0, limit) }) else {
      return unsafe Array(text.utf8).withUnsafeBufferPointer { unsafe scan($0, limit) }
    }
    return found
  }

  private static let mark = Array("data-type=\"".utf8)

  private static func scan(_ bytes: UnsafeBufferPointer<UInt8>, _ limit: Int) -> [(kind: ObjectKind, hash: String)] {
    var found: [(ObjectKind, String)] = []
    var index = 0
    while index + mark.count < bytes.count, found.count < limit {
      guard unsafe bytes[index] == 0x64, unsafe bytes[index..<(index + mark.count)].elementsEqual(mark) else {
        index += 1
        continue
      }
      index += mark.count
      guard let quote = unsafe bytes[index...].prefix(8).firstIndex(of: 0x22), quote + 66 <= bytes.count,
        unsafe bytes[quote + 1] == 0x3E
      else { continue }
      let hash = unsafe String(decoding: bytes[(quote + 2)..<(quote + 66)], as: UTF8.self)
      let kind: ObjectKind? =
        switch unsafe String(decoding: bytes[index..<quote], as: UTF8.self) {
        case "obj": .object
        case "id": .id
        case "blob": .blob
        case "clob": .clob
        default: nil
        }
      if let kind, isHash(hash) { found.append((kind, hash)) }
      index = quote
    }
    return found
  }
}
