/// The members of the types that microdata.md 16 lists, in recipe order. Other types, and other versions, exist.
enum KnownTypes {
  struct Member: Sendable {
    let name: String
    let isOptional: Bool
    let isId: Bool
  }

  static func members(of type: String) -> [Member]? { table[type] }

  /// Why the members of an object of a known type are not those of its recipe; nil when they are, or nobody knows.
  static func fault(type: String, members: [String], isIdObject: Bool) -> String? {
    guard let all = table[type] else { return nil }
    var due = (isIdObject ? all.filter { $0.isId } : all)[...]
    for name in members {
      while let next = due.first, next.name != name, next.isOptional { due = due.dropFirst() }
      guard let next = due.first, next.name == name else {
        if let next = due.first, !due.contains(where: { $0.name == name }), all.contains(where: { $0.name == name }) {
          return isIdObject ? "\(name) is no ID property of \(type)" : "\(name) stands where \(next.name) is due"
        }
        return all.contains { $0.name == name }
          ? isIdObject && !all.contains { $0.name == name && $0.isId }
            ? "\(name) is no ID property of \(type)" : "\(name) is out of order"
          : "\(type) has no member \(name)"
      }
      due = due.dropFirst()
    }
    if let missing = due.first(where: { !$0.isOptional }) { return "\(missing.name) is missing" }
    return nil
  }

  /// `*` marks an ID property, `?` an optional one.
  private static let text = """
    Access object* person group
    IdAccess id* person group
    Group name* person
    Keys owner publicKey publicSignKey
    Person email* name?
    VersionNodeChange prev? data depth creationTime
    VersionNodeEdge data depth creationTime
    VersionNodeMerge nodes data depth creationTime
    LinkedListEntry data metadata? previous?
    ChannelInfo id* owner*? head?
    ChannelRegistry id* channels
    CreationTime timestamp data
    ChatMessage text attachments? sender thumbnails?
    Topic name? id channel
    OneInstanceEndpoint personId instanceId personKeys instanceKeys url?
    PersonName name
    PersonStatus value timestamp location
    SignKey key
    EncryptionKey key
    Profile profileId* personId* owner* communicationEndpoint personDescription
    Someone someoneId* mainProfile identities
    Signature issuer data signature
    Instance name* owner* recipe enabledReverseMapTypes enabledReverseMapTypesForIdObjects
    """

  private static let table: [String: [Member]] = {
    var table: [String: [Member]] = [:]
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard let type = words.first else { continue }
      table[String(type)] = words.dropFirst().map { word in
        Member(
          name: String(word.filter { $0 != "*" && $0 != "?" }), isOptional: word.contains("?"), isId: word.contains("*")
        )
      }
    }
    return table
  }()
}
