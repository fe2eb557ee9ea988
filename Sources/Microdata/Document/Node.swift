/// What a node of a document is.
enum NodeKind: UInt8, Sendable {
  case undefined, null, `false`, `true`, number, string
  /// A stringifiable kept as its checked JSON text; the flag says whether it is the writer's own text.
  case json
  case array, set, map, object
  case date
  /// A value that stands in the document's side table: regexps and what only JavaScript has.
  case other
}

/// One value in 16 bytes. A container is followed by its children; map children alternate key and value.
struct Node: Sendable {
  var kind: NodeKind
  var flags: UInt8
  /// Index of the member's name inside of an object, else -1.
  var key: Int32
  /// Text: offset in the low half, length in the high half. Container: end index low, count of children high.
  /// Number and date: the bits of the double. Other: index into the side table.
  var payload: UInt64

  /// The text stands in the arena, not in the source.
  static let inArena: UInt8 = 1
  /// The JSON text is what the writer writes.
  static let isCanonical: UInt8 = 2

  @inline(__always)
  init(_ kind: NodeKind, key: Int32, flags: UInt8 = 0, payload: UInt64 = 0) {
    self.kind = kind
    self.flags = flags
    self.key = key
    self.payload = payload
  }

  @inline(__always)
  init(_ kind: NodeKind, key: Int32, flags: UInt8, offset: Int, length: Int) {
    self.init(
      kind, key: key, flags: flags,
      payload: UInt64(UInt32(truncatingIfNeeded: offset)) | UInt64(UInt32(truncatingIfNeeded: length)) << 32)
  }

  /// How many nodes to make room for. A value takes nine bytes at least (`<li></li>`), so that a large input never needs
  /// a second, larger buffer beside the first; what is not used is not touched, and costs nothing.
  static func room(for bytes: Int) -> Int { bytes / (bytes > 1 << 20 ? 9 : 32) + 4 }

  var offset: Int { Int(UInt32(truncatingIfNeeded: payload)) }
  var length: Int { Int(payload >> 32) }
  /// The index behind the last child.
  var end: Int { offset }
  var count: Int { length }
  var number: Double { Double(bitPattern: payload) }
  var isContainer: Bool { kind.rawValue >= NodeKind.array.rawValue && kind.rawValue <= NodeKind.object.rawValue }
}
