import WireBytes

extension MicrodataCodec {
  /// Replaces every reference of a stored object by what it refers to (microdata.md 12).
  ///
  /// Throws the MIMP codes, CGM-DEPTH for objects that refer to each other deeper than `limits.depth`, and CGM-SIZE
  /// when the text grows beyond `limits.bytes`.
  public func implode(
    _ hash: String, from store: some ObjectStore, limits: MicrodataLimits = .standard
  ) throws(MicrodataError) -> [UInt8] {
    try imploded(hash, store, limits, depth: 0)
  }

  private func imploded(_ hash: String, _ store: some ObjectStore, _ limits: MicrodataLimits, depth: Int)
    throws(MicrodataError) -> [UInt8]
  {
    guard depth < limits.depth else { throw MicrodataError(.depth, "references nested deeper than \(limits.depth)") }
    guard let bytes = store.file(hash)?.bytes else {
      throw MicrodataError("MIMP-IMPL1", "no object is stored under \(Extract.of(hash))")
    }
    let links = try bytes.withView { (view) throws(MicrodataError) in try self.links(view) }
    var out: [UInt8] = []
    var last = 0
    // The reference splices itemprop by itemprop, so that one name in two places comes out of order.
    for link in grouped(links) {
      if link.start > last { out += bytes[last..<link.start] }
      out += try replacement(link, store, limits, depth)
      last = link.end
      guard out.count <= limits.bytes else { throw MicrodataError(.size, "the imploded text is too long") }
    }
    if last < bytes.count { out += bytes[last...] }
    return out
  }

  private struct Link {
    let start: Int
    let end: Int
    let itemprop: OneText
    let type: String
    let hash: String
  }

  private func grouped(_ links: [Link]) -> [Link] {
    var order: [OneText] = []
    var groups: [OneText: [Link]] = [:]
    for link in links {
      if groups[link.itemprop] == nil { order.append(link.itemprop) }
      groups[link.itemprop, default: []].append(link)
    }
    return order.flatMap { groups[$0] ?? [] }
  }

  private func links(_ view: ByteView) throws(MicrodataError) -> [Link] {
    guard CanonicalReader.objectHeader.withView({ view.has($0, at: 0) }) else {
      throw MicrodataError("MIMP-IMPL1", "no header of an object; found \(Extract.of(view))", offset: 0)
    }
    var nameEnd = CanonicalReader.objectHeader.count
    while nameEnd < view.count, !(view[nameEnd] == 0x22 && view[nameEnd + 1] == 0x3E) { nameEnd += 1 }
    guard let recipe = recipe(named: view.slice(CanonicalReader.objectHeader.count, nameEnd)) else {
      throw MicrodataError("OR-ET1", "no recipe for the type", offset: CanonicalReader.objectHeader.count)
    }
    let known = itemprops(registry.recipes[recipe])
    var links: [Link] = []
    var nearest: OneText = ""
    var from = 0
    while let open = view.find(0x3C, from: from) {
      from = open + 1
      // Every itemprop on the way is the nearest one for links that have none themselves.
      if let (name, _) = attribute(view, "itemprop", within: open) { nearest = name }
      guard view[open + 1] == 0x61, view[open + 2] == 0x20 else { continue }
      links.append(try link(view, open, nearest, known))
    }
    return links
  }

  private func link(_ view: ByteView, _ open: Int, _ itemprop: OneText, _ known: Set<OneText>) throws(MicrodataError)
    -> Link
  {
    guard let (type, typeEnd) = attribute(view, "data-type", within: open) else {
      throw MicrodataError("MIMP-FRH1", "the link has no data-type", offset: open, expected: "data-type=\"")
    }
    let start = typeEnd + 2
    let hash = view.slice(start, start + 64).array
    guard view.isHash(at: start) else {
      throw MicrodataError("MIMP-FRH5", "the link has no hash", offset: start, expected: "64 digits 0-9 a-f")
    }
    guard known.contains(itemprop) else {
      throw MicrodataError("MIMP-MAPF1", "no rule for the itemprop \(Extract.of(itemprop.string))", offset: open)
    }
    return Link(
      start: open, end: start + 68, itemprop: itemprop, type: type.string, hash: String(decoding: hash, as: UTF8.self))
  }

  /// The value of an attribute of the tag that opens at `open` and the index of its closing quote.
  private func attribute(_ view: ByteView, _ name: String, within open: Int) -> (OneText, Int)? {
    let close = view.find(0x3E, from: open) ?? view.count
    let wanted = Array(" \(name)=\"".utf8)
    var index = open
    while index < close {
      if wanted.withView({ view.has($0, at: index) }) {
        let start = index + wanted.count
        guard let quote = view.find(0x22, from: start) else { return nil }
        return (OneText(view.slice(start, quote)), quote)
      }
      index += 1
    }
    return nil
  }

  private func itemprops(_ recipe: Recipe) -> Set<OneText> {
    var names: Set<OneText> = []
    func walk(_ type: ItemType?) {
      switch type {
      case .list(_, let item): walk(item)
      case .map(let key, let value):
        walk(key)
        walk(value)
      case .object(let rules): for rule in rules { add(rule) }
      default: break
      }
    }
    func add(_ rule: Rule) {
      names.insert(rule.itemprop)
      walk(rule.itemtype)
      // What an inherited type names counts as well; recursion through the recipe itself adds nothing new.
      guard let inheritance = rule.inheritFrom else { return }
      let parts = inheritance.path.bytes.split(separator: 0x2E).map { OneText(wtf8: Array($0)) }
      guard parts.count > 1, parts[0] != recipe.name, let other = registry[parts[0]] else { return }
      for target in other.rules where target.itemprop == parts[1] { walk(target.itemtype) }
    }
    for rule in recipe.rules { add(rule) }
    return names
  }

  private func replacement(_ link: Link, _ store: some ObjectStore, _ limits: MicrodataLimits, _ depth: Int)
    throws(MicrodataError) -> [UInt8]
  {
    var hash = link.hash
    var idHash: String?
    if link.type == "id" {
      idHash = link.hash
      guard let version = store.version(ofId: link.hash) else {
        throw MicrodataError("MIMP-GF1", "no version is stored for the ID hash \(link.hash)")
      }
      hash = version
    }
    var content: [UInt8]
    switch link.type {
    case "obj", "id": content = try imploded(hash, store, limits, depth: depth + 1)
    default:
      guard let file = store.file(hash) else { throw MicrodataError("MIMP-GF2", "nothing is stored under \(hash)") }
      content =
        link.type == "clob"
        ? OneText(wtf8: file.bytes).escaped.bytes : Array(Base64.encode(file.bytes).utf8)
    }
    var out = Array("<span itemprop=\"".utf8) + link.itemprop.bytes + Array("\" data-hash=\"\(hash)\"".utf8)
    if let idHash { out += Array(" data-id-hash=\"\(idHash)\"".utf8) }
    out += Array(">".utf8)
    swap(&content, &out)
    return content + out + Array("</span>".utf8)
  }
}
