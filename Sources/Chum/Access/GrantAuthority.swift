import Microdata
public import Store
public import WireBytes

/// What a component asks for (chum.md 3.2).
public struct GrantRequest: Sendable, Equatable {
  public enum Mode: String, Sendable { case add, replace }
  public let subject: Subject
  public let persons: [ObjectHash]
  public let groups: [ObjectHash]
  public let mode: Mode

  public init(_ subject: Subject, persons: [ObjectHash] = [], groups: [ObjectHash] = [], mode: Mode = .add) {
    self.subject = subject
    self.persons = persons
    self.groups = groups
    self.mode = mode
  }

  /// Reads the request as applications write it; ACC-CP1 for whatever is not exactly that.
  public init(_ json: JSONValue) throws(GrantFailure) {
    func list(_ name: String) throws(GrantFailure) -> [ObjectHash] {
      guard let value = json[name] else { return [] }
      guard let items = value.array else { throw .malformed("\(name) is no list") }
      return try items.map { (item) throws(GrantFailure) in
        guard let hash = item.string.flatMap({ ObjectHash(hex: $0) }) else { throw .malformed("\(name) holds no hash") }
        return hash
      }
    }
    guard let mode = json["mode"]?.string.flatMap(Mode.init) else {
      throw .malformed("mode is neither add nor replace")
    }
    let subject: Subject
    switch (json["object"], json["id"]) {
    case (let value?, nil):
      guard let hash = value.string.flatMap({ ObjectHash(hex: $0) }) else { throw .malformed("object is no hash") }
      subject = .object(hash)
    case (nil, let value?):
      guard let hash = value.string.flatMap({ ObjectHash(hex: $0) }) else { throw .malformed("id is no hash") }
      subject = .id(hash)
    default: throw .malformed("exactly one of object and id is needed")
    }
    self.init(subject, persons: try list("person"), groups: try list("group"), mode: mode)
  }
}

/// Why no grant was written.
public enum GrantFailure: Error, Sendable, CustomStringConvertible {
  /// ACC-CP1 of the deployed implementation.
  case malformed(String)
  /// Another component than the authority asked to write (ACC-003).
  case notTheAuthority(component: String, authority: String)
  /// ACC-001, ACC-002: the subject is not stored, or is of the other kind.
  case subject(String)
  /// ACC-027: an add that names nobody.
  case empty
  /// ACC-028: a principal is not stored as what it is named as.
  case unknownPrincipal(ObjectHash)
  case repository(RepositoryFailure)

  public var description: String {
    switch self {
    case .malformed(let text): "ACC-CP1: \(text)"
    case .notTheAuthority(let component, let authority):
      "\(component) may not write grants: only \(authority) does (ACC-003)"
    case .subject(let text): "\(text) (ACC-001, ACC-002)"
    case .empty: "an add that names nobody would write an empty grant (ACC-027)"
    case .unknownPrincipal(let hash): "\(hash) is no stored person or group (ACC-028)"
    case .repository(let failure): failure.description
    }
  }
}

/// What became of a request: also the log event `grantCreated` of chum.md 5.1.
public struct GrantRecord: Sendable, Equatable {
  public let component: String
  public let subject: Subject
  public let mode: GrantRequest.Mode
  public let persons: [ObjectHash]
  public let groups: [ObjectHash]
  /// The principals of the grant afterwards.
  public let result: Grant
  /// `exists` when nothing was written.
  public let status: StoreStatus
  /// Every principal had access through this grant already: a no-op, reported because it hints at a second grantor.
  public let isDuplicate: Bool
  /// The component that wrote the grant first, when another one repeats it.
  public let firstComponent: String?
}

/// The one component that writes grants. It is asked one request at a time, so that nothing is lost (F20, ACC-005).
public struct GrantAuthority: Sendable {
  public static let standardName = "LeuteAccessRightsManager"

  /// Who may write.
  public enum Rule: Sendable, Equatable {
    /// Others are refused.
    case only(String)
    /// As the published code behaves: anyone writes (F32). Duplicates are still reported.
    case anyone
  }

  public let rule: Rule
  /// Also refuse what the deployed implementation would write and then choke on (F40, ACC-001, 002, 027, 028).
  public let checksSubjects: Bool

  public init(rule: Rule = .only(standardName), checksSubjects: Bool = true) {
    self.rule = rule
    self.checksSubjects = checksSubjects
  }

  /// Writes a grant in the name of a component. `now` is in ms since 1970.
  public func grant<Store: EntryStore>(
    _ request: GrantRequest, by component: String, in repository: inout Repository<Store>, now: Double
  ) throws(GrantFailure) -> GrantRecord {
    if case .only(let name) = rule, component != name {
      throw .notTheAuthority(component: component, authority: name)
    }
    if checksSubjects, let failure = check(request, repository) { throw failure }
    do throws(RepositoryFailure) {
      let before = repository.currentGrant(request.subject)
      let wanted: Grant
      switch request.mode {
      case .add:
        wanted = Grant(
          request.subject, persons: (before?.persons ?? []) + request.persons,
          groups: (before?.groups ?? []) + request.groups)
      case .replace: wanted = Grant(request.subject, persons: request.persons, groups: request.groups)
      }
      let isDuplicate = before == wanted
      let note = "grant/\(repository.grantIdHash(request.subject))"
      let first = repository.store.note(note).map { String(decoding: $0, as: UTF8.self) }
      let status = isDuplicate ? .exists : try repository.storeVersion(wanted.object, now: now).status
      if first == nil {
        do throws(StoreFailure) { try repository.store.setNote(Array(component.utf8), named: note) } catch {
          throw RepositoryFailure.store(error)
        }
      }
      return GrantRecord(
        component: component, subject: request.subject, mode: request.mode, persons: request.persons,
        groups: request.groups, result: wanted, status: status, isDuplicate: isDuplicate,
        firstComponent: first == component ? nil : first)
    } catch { throw .repository(error) }
  }

  private func check<Store: EntryStore>(_ request: GrantRequest, _ repository: Repository<Store>) -> GrantFailure? {
    let entry = repository.store.entry(request.subject.hash)
    switch (request.subject, entry?.kind) {
    case (.object, .object?), (.id, .idObject?): break
    case (_, nil): return .subject("\(request.subject) is not stored")
    case (.object, let kind?): return .subject("\(request.subject) is stored as \(kind.name), not as an object")
    case (.id, let kind?): return .subject("\(request.subject) is stored as \(kind.name), not as an ID object")
    }
    if request.mode == .add, request.persons.isEmpty, request.groups.isEmpty { return .empty }
    for (principals, type) in [(request.persons, "Person"), (request.groups, "Group")] {
      for principal in principals where repository.store.entry(principal)?.type != type {
        return .unknownPrincipal(principal)
      }
    }
    return nil
  }
}
