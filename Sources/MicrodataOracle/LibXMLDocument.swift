import CLibXML2

/// One document as libxml2 read it; owns the C tree and frees it.
///
/// Both parsers work on a context of their own with errors switched off, never touch files or the network, and leave no
/// state behind but libxml2's per-thread "last error", which belongs to the thread. Encoding is forced to UTF-8, since
/// the memory parsers otherwise assume Latin-1 (microdata.md 14).
@safe
struct LibXMLDocument: ~Copyable {
  private let document: xmlDocPtr
  private let isHTML: Bool

  /// Called once for the process, before any parser runs in any thread; libxml2 asks for that.
  private static let initialised: Bool = {
    xmlInitParser()
    return true
  }()

  /// Reads with the HTML parser in recover mode. Nil only when libxml2 gives no document at all.
  init?(html bytes: [UInt8]) {
    guard Self.initialised, let size = Int32(exactly: bytes.count) else { return nil }
    let options =
      HTML_PARSE_RECOVER.rawValue | HTML_PARSE_NOERROR.rawValue | HTML_PARSE_NOWARNING.rawValue
      | HTML_PARSE_NONET.rawValue | HTML_PARSE_NODEFDTD.rawValue
    let read: xmlDocPtr? = unsafe bytes.withUnsafeBytes { buffer in
      guard let context = unsafe htmlNewParserCtxt() else { return nil }
      defer { unsafe htmlFreeParserCtxt(context) }
      let start = unsafe buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
      return unsafe htmlCtxtReadMemory(context, start, size, nil, "UTF-8", Int32(bitPattern: options))
    }
    guard let read = unsafe read else { return nil }
    unsafe document = read
    isHTML = true
  }

  /// Reads with the XML parser, which takes well-formed documents only; `failure` says why there is none.
  init?(xml bytes: [UInt8], failure: inout LibXMLFailure?) {
    guard Self.initialised, let size = Int32(exactly: bytes.count) else { return nil }
    let options =
      XML_PARSE_NOERROR.rawValue | XML_PARSE_NOWARNING.rawValue | XML_PARSE_NONET.rawValue | XML_PARSE_HUGE.rawValue
    var found: LibXMLFailure?
    let read: xmlDocPtr? = unsafe bytes.withUnsafeBytes { buffer in
      guard let context = unsafe xmlNewParserCtxt() else { return nil }
      defer { unsafe xmlFreeParserCtxt(context) }
      let start = unsafe buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
      let document = unsafe xmlCtxtReadMemory(context, start, size, nil, "UTF-8", Int32(bitPattern: options))
      if unsafe document == nil { found = unsafe LibXMLFailure(context.pointee.lastError) }
      return unsafe document
    }
    failure = found
    guard let read = unsafe read else { return nil }
    unsafe document = read
    isHTML = false
  }

  deinit { unsafe xmlFreeDoc(document) }

  /// The tree below the document; for HTML without the `html` and `body` that the parser puts around it.
  borrowing func tree() -> MarkupTree {
    var tree = MarkupTree()
    var top = unsafe xmlDocGetRootElement(document)
    if isHTML, let html = unsafe top, unsafe Self.has(html, name: "html") {
      unsafe top = html.pointee.children
      if let body = unsafe top, unsafe Self.has(body, name: "body"), unsafe body.pointee.next == nil {
        unsafe top = body.pointee.children
      }
    }
    guard let first = unsafe top else { return tree }
    unsafe Self.walk(from: first, siblings: isHTML, into: &tree)
    return tree
  }

  /// Preorder without recursion, over the links of the C tree.
  private static func walk(from first: xmlNodePtr, siblings: Bool, into tree: inout MarkupTree) {
    var node = unsafe first
    while true {
      unsafe add(node, to: &tree)
      if unsafe node.pointee.type == XML_ELEMENT_NODE, let child = unsafe node.pointee.children {
        unsafe node = child
        continue
      }
      if unsafe node.pointee.type == XML_ELEMENT_NODE { tree.closeElement() }
      while true {
        if let next = unsafe node.pointee.next, tree.depth > 0 || siblings {
          unsafe node = next
          break
        }
        guard tree.depth > 0, let parent = unsafe node.pointee.parent else { return }
        tree.closeElement()
        unsafe node = parent
      }
    }
  }

  private static func add(_ node: xmlNodePtr, to tree: inout MarkupTree) {
    switch unsafe node.pointee.type {
    case XML_ELEMENT_NODE:
      unsafe tree.openElement(text(node.pointee.name), at: nil)
      var attribute = unsafe node.pointee.properties
      while let current = unsafe attribute {
        unsafe tree.addAttribute(text(current.pointee.name), value(of: current.pointee.children), at: nil)
        unsafe attribute = current.pointee.next
      }
    case XML_TEXT_NODE: unsafe tree.addText(text(node.pointee.content), at: nil)
    default: unsafe tree.addForeign(text(node.pointee.name), at: nil)
    }
  }

  /// The text of an attribute; its nodes are one text node, or several with entity references between.
  private static func value(of first: xmlNodePtr?) -> [UInt8] {
    var out: [UInt8] = []
    var node = unsafe first
    while let current = unsafe node {
      if unsafe current.pointee.type == XML_TEXT_NODE {
        unsafe out.append(contentsOf: text(current.pointee.content))
      } else {
        out.append(0x26)
        unsafe out.append(contentsOf: text(current.pointee.name))
        out.append(0x3B)
      }
      unsafe node = current.pointee.next
    }
    return out
  }

  private static func text(_ string: UnsafePointer<xmlChar>?) -> UnsafeBufferPointer<UInt8> {
    guard let string = unsafe string else { return unsafe UnsafeBufferPointer(start: nil, count: 0) }
    return unsafe UnsafeBufferPointer(start: string, count: Int(xmlStrlen(string)))
  }

  private static func has(_ node: xmlNodePtr, name: String) -> Bool {
    unsafe node.pointee.type == XML_ELEMENT_NODE && text(node.pointee.name).elementsEqual(name.utf8)
  }
}

/// Why libxml2's XML parser refused a document.
public struct LibXMLFailure: Error, Sendable, Equatable, CustomStringConvertible {
  /// libxml2's `xmlParserErrors` number.
  public let code: Int
  public let line: Int
  public let column: Int
  public let message: String

  init(_ error: xmlError) {
    code = Int(unsafe error.code)
    line = Int(unsafe error.line)
    column = Int(unsafe error.int2)
    message =
      if let text = unsafe error.message { unsafe String(cString: text).filter { !$0.isNewline } } else {
        "no document"
      }
  }

  /// For a parser that gave neither a document nor an error.
  static let none = unsafe LibXMLFailure(xmlError())

  public var description: String { "libxml2 error \(code) in line \(line), column \(column): \(message)" }
}
