/// The canonical form of microdata (microdata.md 3.1) as far as it needs no recipe.
struct MicrodataGrammar {
  /// One top-level member: its name, and its text from the start tag to the end tag.
  struct Member: Sendable, Equatable {
    let name: String
    let text: String
  }

  struct Fault: Error, Equatable {
    let what: String
    /// Zero-based byte offset.
    let offset: Int
    var description: String { "\(what) at byte \(offset)" }
  }

  private static let deepest = 64
  private static let most = 100_000
  private let bytes: [UInt8]
  private var index = 0
  private var elements = 0

  private init(_ text: String) { bytes = Array(text.utf8) }

  /// The members of an object or ID object, in the order of the text.
  static func members(of text: String) throws(Fault) -> [Member] {
    var grammar = MicrodataGrammar(text)
    return try grammar.whole()
  }

  private mutating func whole() throws(Fault) -> [Member] {
    if !take("<div itemscope itemtype=\"//refin.io/") {
      try need("<div data-id-object=\"true\" itemscope itemtype=\"//refin.io/", "no object prefix")
    }
    _ = try attribute()
    var members: [Member] = []
    while !take("</div>") {
      let start = index
      let name = try member(depth: 1)
      members.append(Member(name: name, text: String(decoding: bytes[start..<index], as: UTF8.self)))
    }
    guard index == bytes.count else { throw fault("text behind the object") }
    return members
  }

  /// The rest of a quoted attribute and of its tag.
  private mutating func attribute() throws(Fault) -> String {
    let start = index
    while index < bytes.count, bytes[index] != 0x22 { index += 1 }
    let value = String(decoding: bytes[start..<index], as: UTF8.self)
    guard !value.isEmpty else { throw fault("an empty attribute") }
    try need("\">", "no end of the tag")
    return value
  }

  private mutating func member(depth: Int) throws(Fault) -> String {
    try count(depth)
    if take("<a itemprop=\"") {
      let start = index
      while index < bytes.count, bytes[index] != 0x22 { index += 1 }
      let name = String(decoding: bytes[start..<index], as: UTF8.self)
      try need("\" data-type=\"", "no data-type")
      try reference()
      return name
    }
    for (open, close) in [
      ("<span", "</span>"), ("<ul", "</ul>"), ("<ol", "</ol>"), ("<dl", "</dl>"), ("<div", "</div>"),
    ]
    where take(open + " itemprop=\"") {
      let name = try attribute()
      try content(open, close, depth)
      return name
    }
    throw fault("no member")
  }

  private mutating func content(_ open: String, _ close: String, _ depth: Int) throws(Fault) {
    switch open {
    case "<span":
      text()
      try need(close, "a text that is not escaped, or no end tag")
    case "<div": while !take(close) { _ = try member(depth: depth + 1) }
    case "<dl":
      while !take(close) {
        try need("<dt>", "no key")
        try item(depth + 1, until: "</dt>")
        try need("<dd>", "no value")
        try item(depth + 1, until: "</dd>")
      }
    default:
      while !take(close) {
        try need("<li>", "no item")
        try item(depth + 1, until: "</li>")
      }
    }
  }

  private mutating func item(_ depth: Int, until end: String) throws(Fault) {
    try count(depth)
    if take("<a data-type=\"") {
      try reference()
    } else {
      var isNested = false
      for (open, close) in [("<ul", "</ul>"), ("<ol", "</ol>"), ("<dl", "</dl>"), ("<div", "</div>")]
      where !isNested && take(open + ">") {
        try content(open, close, depth)
        isNested = true
      }
      if !isNested { text() }
    }
    try need(end, "a text that is not escaped, or no end tag")
  }

  private mutating func reference() throws(Fault) {
    guard take("obj\">") || take("id\">") || take("blob\">") || take("clob\">") else {
      throw fault("no kind of reference")
    }
    for _ in 0..<64 {
      guard index < bytes.count, Self.isDigit(bytes[index]) else { throw fault("no hash") }
      index += 1
    }
    try need("</a>", "no end tag")
  }

  private mutating func text() {
    while index < bytes.count, bytes[index] != 0x3C, bytes[index] != 0x3E { index += 1 }
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
  }

  private mutating func count(_ depth: Int) throws(Fault) {
    elements += 1
    guard depth <= Self.deepest, elements <= Self.most else { throw fault("nested or filled beyond the judge's bound") }
  }

  private mutating func take(_ wanted: String) -> Bool {
    let units = wanted.utf8
    guard index + units.count <= bytes.count, bytes[index..<(index + units.count)].elementsEqual(units) else {
      return false
    }
    index += units.count
    return true
  }

  private mutating func need(_ wanted: String, _ what: String) throws(Fault) {
    if !take(wanted) { throw fault(what) }
  }

  private func fault(_ what: String) -> Fault { Fault(what: what, offset: index) }
}
