import Cryptobox
import Store

/// The canonical texts of grants. Root lists read every grant in every round, so this is where a round's time goes.
enum GrantText {
  private static let accessId = Array(
    #"<div data-id-object="true" itemscope itemtype="//refin.io/Access"><a itemprop="object" data-type="obj">"#.utf8)
  private static let idAccessId = Array(
    #"<div data-id-object="true" itemscope itemtype="//refin.io/IdAccess"><a itemprop="id" data-type="id">"#.utf8)
  private static let access = Array(
    #"<div itemscope itemtype="//refin.io/Access"><a itemprop="object" data-type="obj">"#.utf8)
  private static let idAccess = Array(
    #"<div itemscope itemtype="//refin.io/IdAccess"><a itemprop="id" data-type="id">"#.utf8)
  private static let afterSubject = Array(#"</a><ul itemprop="person">"#.utf8)
  private static let between = Array(#"</ul><ul itemprop="group">"#.utf8)
  private static let end = Array("</ul></div>".utf8)
  private static let item = Array(#"<li><a data-type="id">"#.utf8)
  private static let itemEnd = Array("</a></li>".utf8)

  /// The ID hash of the grant for a subject: the hash of a text that holds nothing but the subject.
  static func idHash(_ subject: Subject) -> ObjectHash {
    var text: [UInt8]
    switch subject {
    case .object: text = accessId
    case .id: text = idAccessId
    }
    subject.hash.appendHex(to: &text)
    text += Array("</a></div>".utf8)
    return ObjectHash.of(text)
  }

  /// Reads a grant's canonical text; nil for anything else, which the codec may still read.
  static func read(_ content: [UInt8]) -> Grant? {
    var index = 0
    func take(_ text: [UInt8]) -> Bool {
      guard index + text.count <= content.count else { return false }
      for offset in text.indices where content[index + offset] != text[offset] { return false }
      index += text.count
      return true
    }
    func hash() -> ObjectHash? {
      guard let hash = ObjectHash(hexAt: index, of: content) else { return nil }
      index += 64
      return hash
    }
    func list() -> [ObjectHash]? {
      var hashes: [ObjectHash] = []
      while take(item) {
        guard let hash = hash(), take(itemEnd) else { return nil }
        hashes.append(hash)
      }
      return hashes
    }
    let isAccess = take(access)
    guard isAccess || take(idAccess), let subject = hash(), take(afterSubject), let persons = list(), take(between),
      let groups = list(), take(end), index == content.count
    else { return nil }
    return Grant(isAccess ? .object(subject) : .id(subject), persons: persons, groups: groups)
  }
}
