public import Microdata

/// What the store asks of the microdata codec. One codec belongs to one set of recipes and one profile.
public protocol ObjectCodec: Sendable {
  /// Reads content completely; throws ONE's own codes.
  func read(_ content: [UInt8], as form: ObjectForm) throws(MicrodataError) -> OneObject
  func write(_ object: OneObject, as form: ObjectForm) throws(MicrodataError) -> [UInt8]
  /// The ID object's content for the content of an object; nil when its type is not versioned.
  func idContent(of content: [UInt8]) throws(MicrodataError) -> [UInt8]?
  /// The ID hash of the content of an object; nil when its type is not versioned.
  func idHash(of content: [UInt8]) throws(MicrodataError) -> ObjectHash?
  /// The recipe of a type; nil when it is not known.
  func recipe(_ type: String) -> Recipe?
}

extension ObjectCodec {
  public func idHash(of content: [UInt8]) throws(MicrodataError) -> ObjectHash? {
    try idContent(of: content).map(ObjectHash.of)
  }

  public func isVersioned(_ type: String) -> Bool { recipe(type)?.isVersioned ?? false }
}

/// The first bytes of microdata, by which the two forms and the type are told without parsing (chum.md 0.2).
public enum ObjectHead {
  public static let objectPrefix: [UInt8] = Array(#"<div itemscope itemtype="//refin.io/"#.utf8)
  public static let idPrefix: [UInt8] = Array(#"<div data-id-object="true" itemscope itemtype="//refin.io/"#.utf8)

  /// The form that the first bytes announce; nil for anything else.
  public static func form(_ content: [UInt8]) -> ObjectForm? {
    if content.starts(with: objectPrefix) { return .object }
    return content.starts(with: idPrefix) ? .idObject : nil
  }

  /// The type name between prefix and `">`; nil when there is none within 256 bytes.
  public static func type(_ content: [UInt8]) -> String? {
    guard let form = form(content) else { return nil }
    let start = form == .object ? objectPrefix.count : idPrefix.count
    let window = content[start..<min(content.count, start + 258)]
    guard let end = window.firstIndex(of: 0x22), end > start, end + 1 < content.count, content[end + 1] == 0x3E else {
      return nil
    }
    return String(decoding: content[start..<end], as: UTF8.self)
  }
}
