public import Store
public import Wire

/// The children of an object: everything that it reaches, those that refer first (chum.md 2.5).
///
/// Properties are walked in the order of the recipe. A file is noted when it is met, an object after its own
/// references; the noted list is reversed. Recordings show that the references of one list are walked one after the
/// other too ([rec: iop-chum], the children of a change after a merge), whatever "in parallel" may mean in the source.
public struct ChildList: Sendable {
  /// An object whose references are being walked.
  private struct Frame {
    let reference: Reference?
    let references: [Reference]
    var next = 0
  }

  public private(set) var children: [Reference] = []

  /// Walks without recursion, so that a long channel costs memory and no stack.
  ///
  /// - Parameter leavesOut: types that are not listed, nor what only they reach (profile strict, CF-052).
  /// - Throws: SB-READ2 when a referenced object is not stored; a size error above `limit` children.
  public init<S: EntryStore>(
    of hash: ObjectHash, in store: S, limit: Int, leavingOut leavesOut: Set<String> = []
  ) throws(ServiceError) {
    func references(of hash: ObjectHash) throws(ServiceError) -> [Reference] {
      do throws(StoreFailure) { return References.scan(try store.content(hash)) } catch { throw ServiceError(error) }
    }
    var noted: [Reference] = []
    var met: Set<ObjectHash> = [hash]
    var stack = [Frame(reference: nil, references: try references(of: hash))]
    while let top = stack.indices.last {
      let frame = stack[top]
      guard frame.next < frame.references.count else {
        if let reference = frame.reference { noted.append(reference) }
        stack.removeLast()
        continue
      }
      stack[top].next += 1
      let reference = frame.references[frame.next]
      guard !met.contains(reference.hash) else { continue }
      if !leavesOut.isEmpty, let type = store.entry(reference.hash)?.type, leavesOut.contains(type) { continue }
      met.insert(reference.hash)
      guard met.count <= limit else { throw ServiceError(code: "CES-LIMIT", "More than \(limit) children") }
      switch reference.kind {
      case .blob, .clob: noted.append(reference)
      case .object, .id: stack.append(Frame(reference: reference, references: try references(of: reference.hash)))
      }
    }
    children = noted.reversed()
  }

  public var entries: [ChildEntry] { children.map { ChildEntry(kind: $0.kind, hash: $0.hash.hex) } }
  public var text: String { ListText.children(children) }
}
