import Microdata
import Store
import Wire
import WireBytes

/// The result of a service call.
enum ServiceResult {
  case data(JSONValue)
  case error(ServiceError)
  /// The content follows as a stream: text for a CLOB, binary chunks otherwise.
  case stream(ObjectHash, isText: Bool)
  /// FIN: the answer is the absent value, then the services are gone.
  case finished
}

/// The role that answers (chum.md 2.6). It holds no copies: what is stored is read when it is asked for.
struct Exporter {
  let remotePerson: ObjectHash
  let profile: Profile
  let policy: GroupPolicy
  let limits: ChumLimits
  private(set) var isServing = true
  private let faults: Set<ChumFault>
  private var onceAnnounced: [RootEntry] = []
  /// Grants that could not be read at the last list, so that each is recorded once.
  private var reported: Set<Subject> = []

  init(_ configuration: ChumConfiguration) {
    remotePerson = configuration.remotePerson
    profile = configuration.profile
    policy = configuration.groupPolicy
    limits = configuration.limits
    isServing = configuration.exports
    faults = configuration.faults
  }

  static let services: Set<Int> = [1, 2, 4, 5, 6, 7, 8, 10]
  /// What never leaves as the child of something else (CF-052).
  private static let guardedTypes: Set<String> = ["Access", "IdAccess", "Group", "Chum"]

  mutating func stop() { isServing = false }

  mutating func call<S: EntryStore>(
    _ service: Int, _ args: [JSONValue], _ host: inout ChumHost<S>, _ log: inout [ChumLog]
  ) -> ServiceResult {
    guard isServing, Self.services.contains(service) else { return .error(.unknownService(service)) }
    do throws(ServiceError) {
      switch service {
      case 1: return .data(.number(8))
      case 2: return .data(.string(try roots(&host, &log)))
      case 4, 5: return .data(.string(try children(service, args, &host)))
      case 6, 7: return .data(.string(try object(service, args, host)))
      case 8: return try file(args, host)
      default:
        isServing = false
        return .finished
      }
    } catch { return .error(error) }
  }

  private mutating func roots<S: EntryStore>(
    _ host: inout ChumHost<S>, _ log: inout [ChumLog]
  ) throws(ServiceError) -> String {
    let list = try RootList(for: remotePerson, in: host.repository, policy: policy, profile: profile)
    for root in list.roots { host.accessible.open(root.hash, through: root.subject, for: remotePerson) }
    for (hash, subject) in list.opened { host.accessible.open(hash, through: subject, for: remotePerson) }
    for (subject, error) in list.unreadable where reported.insert(subject).inserted {
      log.append(.grantUnreadable(subject, error))
    }
    if faults.contains(.rootsWithSecrets) {
      var entries = list.roots.map(\.entry)
      _ = try? host.repository.store.forEachEntry { hash, entry in
        if entry.kind == .object { entries.append(.unversioned(hash: hash.hex, type: entry.type)) }
        return true
      }
      return RootEntry.encodeList(entries)
    }
    if faults.contains(.announcedAfterRevoke) {
      onceAnnounced += list.roots.map(\.entry).filter { !onceAnnounced.contains($0) }
      return RootEntry.encodeList(onceAnnounced)
    }
    return list.text
  }

  private func children<S: EntryStore>(
    _ service: Int, _ args: [JSONValue], _ host: inout ChumHost<S>
  ) throws(ServiceError) -> String {
    let isId = service == 5
    let hash = try hash(args, isId: isId)
    try tellWhatExists(hash, host)
    guard let reasons = granted(hash, host) else {
      // The deployed text for ID objects holds the literal `$hash` (F22).
      throw isId
        ? ServiceError(code: "CES-GIDOC1", "Unauthorized, id-obj children for $hash")
        : ServiceError(code: "CES-GOC1", "Unauthorized, obj children for \(hash)")
    }
    let content = try content(hash, host)
    let form: Bool = ObjectHead.form(content) == (isId ? .idObject : .object)
    guard form else {
      throw .notMicrodata(content, isId: isId, profile: faults.contains(.errorsWithContent) ? .deployed : profile)
    }
    let list = try ChildList(
      of: hash, in: host.repository.store, limit: limits.children,
      leavingOut: profile == .strict && !faults.contains(.childrenWithSecrets) ? Self.guardedTypes : [])
    for child in list.children where !faults.contains(.childrenNotOpened) {
      for reason in reasons { host.accessible.open(child.hash, through: reason, for: remotePerson) }
    }
    if faults.contains(.childrenInWrongOrder) { return ChildEntry.encodeList(list.entries.reversed()) }
    return list.text
  }

  private func object<S: EntryStore>(
    _ service: Int, _ args: [JSONValue], _ host: ChumHost<S>
  ) throws(ServiceError) -> String {
    let isId = service == 7
    let hash = try hash(args, isId: isId)
    try tellWhatExists(hash, host)
    // The deployed texts for ID objects say `undefined` instead of the hash (F22).
    guard granted(hash, host) != nil else {
      throw isId
        ? ServiceError(code: "CES-GIDO1", "Unauthorized, id-obj undefined")
        : ServiceError(code: "CES-GO1", "Unauthorized, obj \(hash)")
    }
    let content = try content(hash, host)
    if faults.contains(.idObjectSentAsObject) { return confused(content, isId: isId, host) }
    if faults.contains(.servesAnyKind) { return String(decoding: content, as: UTF8.self) }
    if faults.contains(.contentsTrimmed) { return String(decoding: content.dropLast(), as: UTF8.self) }
    guard ObjectHead.form(content) == (isId ? .idObject : .object) else {
      throw isId
        ? ServiceError(code: "CES-GIDO2", "Requested file undefined is not a ONE microdata object")
        : ServiceError(code: "CES-GO2", "Requested file \(hash) is not a ONE microdata object")
    }
    return String(decoding: content, as: UTF8.self)
  }

  /// The other form of the content, as the fault `idObjectSentAsObject` sends it.
  private func confused<S: EntryStore>(_ content: [UInt8], isId: Bool, _ host: ChumHost<S>) -> String {
    let other =
      isId
      ? ObjectHead.objectPrefix + content.dropFirst(ObjectHead.idPrefix.count)
      : (try? host.repository.codec.idContent(of: content)) ?? content
    return String(decoding: other, as: UTF8.self)
  }

  private func file<S: EntryStore>(
    _ args: [JSONValue], _ host: ChumHost<S>
  ) throws(ServiceError) -> ServiceResult {
    let hash = try hash(args, isId: false)
    try tellWhatExists(hash, host)
    guard granted(hash, host) != nil else { throw ServiceError(code: "CES-GBL1", "Unauthorized, BLOB \(hash)") }
    let isText: Bool
    switch args.count > 1 ? args[1] : .string(ChumMessage.undefined) {
    case .string(ChumMessage.undefined): isText = false
    case .string("utf8"): isText = true
    case _ where faults.contains(.anyEncoding): isText = false
    case let other:
      throw ServiceError(code: "CES-GBL2", "Bad request: Invalid \"encoding\" parameter: \(JavaScript.text(other))")
    }
    guard let entry = host.repository.store.entry(hash) else { throw ServiceError(StoreFailure(.missing(hash))) }
    let isObject = entry.kind == .object || entry.kind == .idObject
    if profile == .strict, isObject, !faults.contains(.servesAnyKind) {
      throw ServiceError(code: "CES-GBL3", "Not a BLOB or CLOB")
    }
    return .stream(hash, isText: isText)
  }

  private func hash(_ args: [JSONValue], isId: Bool) throws(ServiceError) -> ObjectHash {
    let value = args.first ?? .string(ChumMessage.undefined)
    if let hash = value.string.flatMap({ ObjectHash(hex: $0) }) { return hash }
    if faults.contains(.hashFormNotChecked) { return ObjectHash.of([]) }
    let text = profile == .deployed ? JavaScript.text(value) : excerpt(JavaScript.text(value), 70)
    throw isId
      ? ServiceError(code: "UTC-EIDHASH", "Value \"\(text)\" is not a SHA-256 ID hash")
      : ServiceError(code: "UTC-EHASH", "Value \"\(text)\" is not a SHA-256 hash")
  }

  /// Planted fault only: storage is asked before access is.
  private func tellWhatExists<S: EntryStore>(_ hash: ObjectHash, _ host: ChumHost<S>) throws(ServiceError) {
    guard faults.contains(.tellsWhatExists), !host.repository.store.knows(hash) else { return }
    throw ServiceError(StoreFailure(.missing(hash)))
  }

  private func content<S: EntryStore>(_ hash: ObjectHash, _ host: ChumHost<S>) throws(ServiceError) -> [UInt8] {
    if profile == .strict, let size = host.repository.store.entry(hash)?.size, size > limits.textAnswer {
      throw ServiceError(code: "CES-LIMIT", "The answer would exceed \(limits.textAnswer) bytes")
    }
    do throws(StoreFailure) { return try host.repository.store.content(hash) } catch { throw ServiceError(error) }
  }

  /// The subjects that open the hash; in profile strict only those still granted (CF-045). The set is asked before
  /// storage is touched, so that a refusal tells nothing of what exists (CHUM-043, CHUM-044).
  private func granted<S: EntryStore>(_ hash: ObjectHash, _ host: ChumHost<S>) -> [Subject]? {
    guard let reasons = host.accessible.reasons(hash, for: remotePerson) else {
      return faults.contains(.accessNotChecked) ? [] : nil
    }
    guard profile == .strict, !faults.contains(.revokedServed) else { return reasons }
    let valid = reasons.filter { host.repository.isGranted($0, to: remotePerson, policy: policy) }
    return valid.isEmpty ? nil : valid
  }
}

/// How JavaScript turns a value into text inside a template; deployed error texts hold such texts.
enum JavaScript {
  static func text(_ value: JSONValue) -> String {
    switch value {
    case .null: "null"
    case .bool(let value): value ? "true" : "false"
    case .number(let value): JSONText.number(value)
    case .string(ChumMessage.undefined): "undefined"
    case .string(let text): text
    case .array(let items): items.map { $0 == .null ? "" : text($0) }.joined(separator: ",")
    case .object: "[object Object]"
    }
  }
}
