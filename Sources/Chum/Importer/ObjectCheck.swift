import Microdata
import Store
import Wire
import WireBytes

/// What an importer knows of an object before it asks for it.
struct Expectation: Sendable {
  /// The announced type of a root; nil for children and version nodes.
  var type: String?
  /// For a versioned root: the announced ID hash.
  var idHash: ObjectHash?
  /// For a version node: ID hash and type of the data that it must refer to.
  var nodeData: (idHash: String, type: String)?

  static let child = Expectation()
}

/// The checks between an answer and the store, in the order of the deployed importer (chum.md 2.8.3).
struct ObjectCheck {
  let profile: Profile
  let limits: ChumLimits
  let faults: Set<ChumFault>

  static let refusedTypes: Set<String> = ["Access", "IdAccess", "Group"]

  /// Checks the answer to service 6 or 7 and stores it; throws what the session records.
  ///
  /// `listed` holds the child list that came before a tree's root; nil for a child, whose own list nobody asked for.
  func store<S: EntryStore>(
    _ answer: JSONValue, as form: ObjectForm, name: String, _ expectation: Expectation, listed: Set<ObjectHash>?,
    _ host: inout ChumHost<S>
  ) throws(SyncError) -> (ObjectHash, StoreStatus) {
    let isId = form == .idObject
    guard case .string(let text) = answer, text != ChumMessage.undefined else {
      let found = answer == .string(ChumMessage.undefined) ? "undefined" : JavaScript.typeName(answer)
      throw SyncError(
        code: isId ? "CIEC-FIDO1" : "CIEC-FO1",
        "Expected ONE \(isId ? "ID object" : "object") microdata string, got \(found)")
    }
    let content = Array(text.utf8)
    if faults.contains(.storesAnything) {
      let kind: StoredKind = isId ? .idObject : .object
      if let stored = try? host.repository.store.put(content, kind: kind, type: ObjectHead.type(content) ?? "") {
        return stored
      }
    }
    guard content.count <= limits.textAnswer else { throw SyncError(code: "CHUM-SIZE", "\(content.count) bytes") }
    let hash = ObjectHash.of(content)
    guard hash.hex == name || faults.contains(.hashNotChecked) else {
      // The deployed text for ID objects says `undefined` instead of the hash.
      let expected = isId && profile == .deployed ? "undefined" : name
      throw SyncError(
        code: isId ? "CIEC-FIDO2" : "CIEC-FO2", "Microdata hash mismatch, expected: \(expected), actual: \(hash)")
    }
    let object = try parse(content, form, host.repository.codec)
    let type = object.type?.string ?? ""
    if Self.refusedTypes.contains(type), !faults.contains(.refusedTypesTaken) {
      throw SyncError(
        code: isId ? "CIEC-FIDO3" : "CIEC-FO3",
        "Reject received object of forbidden access-related type, obj: {\"$type$\":\"\(type)\"}")
    }
    if let expected = expectation.type, expected != type {
      throw SyncError(
        code: isId ? "CIEC-FIDOWT1" : "CIEC-FOWT1", "Type assertion failed, expected \(expected), found \(type)")
    }
    try checkReferences(content, isId: isId, type, listed, host)
    if let node = expectation.nodeData { try checkNode(object, node, host) }
    return try store(content, form, expectation, &host)
  }

  private func parse(
    _ content: [UInt8], _ form: ObjectForm, _ codec: any ObjectCodec
  ) throws(SyncError) -> OneObject {
    do throws(MicrodataError) { return try codec.read(content, as: form) } catch {
      if error.code == "M2O-PH1", profile == .deployed {
        let text = "This does not look like valid ONE microdata (isIdObj is \(form == .idObject))"
        throw SyncError(code: "M2O-PH1", "\(text): \(excerpt(String(decoding: content, as: UTF8.self), 4_000))")
      }
      let message = profile == .deployed ? error.message : "\(error.code): refused"
      throw SyncError(message: message, code: error.code.isPlatform ? nil : error.code.rawValue)
    }
  }

  private func checkReferences<S: EntryStore>(
    _ content: [UInt8], isId: Bool, _ type: String, _ listed: Set<ObjectHash>?, _ host: ChumHost<S>
  ) throws(SyncError) {
    if faults.contains(.dependenciesNotChecked) { return }
    for reference in References.scan(content) {
      let isFile = reference.kind == .blob || reference.kind == .clob
      let isMissing: Bool
      if profile == .strict {
        // Everything it refers to must be stored, as what it is referred to (CF-060).
        isMissing = !reference.isSatisfied(by: host.repository.store.entry(reference.hash))
      } else {
        // The deployed check does nothing for objects and ID objects (F6).
        isMissing = isFile && listed.map { !$0.contains(reference.hash) } ?? false
      }
      if isMissing {
        throw SyncError(
          code: isId ? "CI-ACIDO" : "CI-ACO",
          "Reject received object - missing dependency \(reference.hash) of obj {\"$type$\":\"\(type)\"}")
      }
    }
  }

  /// The data of a version node must have the announced ID hash and type (CHUM-036).
  private func checkNode<S: EntryStore>(
    _ object: OneObject, _ expected: (idHash: String, type: String), _ host: ChumHost<S>
  ) throws(SyncError) {
    guard let node = VersionNode(object) else {
      throw SyncError(code: "CI-CCI2", "Not a version node: \(object.type?.string ?? "?")")
    }
    if profile == .strict {
      guard node.depth >= 0, node.depth <= 9_007_199_254_740_992, node.depth == node.depth.rounded() else {
        throw SyncError(code: "CHUM-NODE", "The depth is no count")
      }
      guard node.creationTime.isFinite else { throw SyncError(code: "CHUM-NODE", "The creation time is no time") }
    }
    let content: [UInt8]
    let idHash: ObjectHash?
    do throws(StoreFailure) { content = try host.repository.store.content(node.data) } catch {
      throw SyncError(
        name: "FileNotFoundError", message: "SB-READ2: File not found: \(node.data) [objects]", code: "SB-READ2")
    }
    do throws(RepositoryFailure) { idHash = try host.repository.idHash(of: content) } catch {
      throw SyncError(code: "CI-CCI1", "The data of the version node has no ID hash")
    }
    guard idHash?.hex == expected.idHash else {
      throw SyncError(
        code: "CI-CCI1", "Expected ID hash \(excerpt(expected.idHash, 64)), found \(idHash?.hex ?? "none")")
    }
    guard ObjectHead.type(content) == expected.type else {
      throw SyncError(
        code: "CI-CCI2", "Expected type \(excerpt(expected.type, 80)), found \(ObjectHead.type(content) ?? "none")")
    }
  }

  private func store<S: EntryStore>(
    _ content: [UInt8], _ form: ObjectForm, _ expectation: Expectation, _ host: inout ChumHost<S>
  ) throws(SyncError) -> (ObjectHash, StoreStatus) {
    do throws(RepositoryFailure) {
      if profile == .strict, let idHash = expectation.idHash,
        try host.repository.idHash(of: content) != idHash
      {
        throw RepositoryFailure.unsuitable("CHUM-ROOT-ID")
      }
      switch form {
      case .object: return try host.repository.storeContent(content, origin: .chum)
      case .idObject: return try host.repository.storeIdContent(content, origin: .chum)
      }
    } catch { throw SyncError(error) }
  }
}

extension Reference {
  /// True when the entry is what the reference says.
  func isSatisfied(by entry: StoredEntry?) -> Bool {
    switch (kind, entry?.kind) {
    case (.object, .object?), (.id, .idObject?), (.blob, .blob?), (.clob, .clob?): true
    // The same bytes may be known as the other kind of file.
    case (.blob, .clob?), (.clob, .blob?): true
    default: false
    }
  }
}

extension SyncError {
  init(_ failure: RepositoryFailure) {
    switch failure {
    case .store(let failure):
      if case .missing(let hash) = failure.reason {
        self.init(
          name: "FileNotFoundError", message: "SB-READ2: File not found: \(hash) [objects]", code: "SB-READ2")
      } else {
        self.init(message: "SB-WRITE: \(failure)", code: "SB-WRITE")
      }
    case .microdata(let error):
      self.init(message: error.message, code: error.code.isPlatform ? nil : error.code.rawValue)
    case .unsuitable(let text):
      let code = text.split(separator: ":").first.map(String.init) ?? text
      self.init(message: text, code: code.hasPrefix("CHUM-") ? code : "CHUM-SHAPE")
    }
  }
}

extension JavaScript {
  /// `typeof`.
  static func typeName(_ value: JSONValue) -> String {
    switch value {
    case .number: "number"
    case .string: "string"
    case .bool: "boolean"
    case .null, .array, .object: "object"
    }
  }
}
