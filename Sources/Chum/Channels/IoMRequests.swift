public import Microdata
public import Store

/// A request that two identities belong to one human (observed.md 8).
public struct IoMRequest: Sendable, Equatable {
  public enum Mode: String, Sendable { case full, light }
  /// Milliseconds since 1970.
  public let timestamp: Double
  public let initiator: ObjectHash
  public let mainId: ObjectHash
  public let alternateId: ObjectHash
  public let mode: Mode

  public init(timestamp: Double, initiator: ObjectHash, mainId: ObjectHash, alternateId: ObjectHash, mode: Mode) {
    self.timestamp = timestamp
    self.initiator = initiator
    self.mainId = mainId
    self.alternateId = alternateId
    self.mode = mode
  }

  public init?(_ object: OneObject) {
    guard object.type == "IoMRequest", let timestamp = object.number("timestamp"),
      let initiator = object.hash("initiator"), let mainId = object.hash("mainId"),
      let alternateId = object.hash("alternateId"), let mode = object.text("mode").flatMap(Mode.init)
    else { return nil }
    self.init(timestamp: timestamp, initiator: initiator, mainId: mainId, alternateId: alternateId, mode: mode)
  }

  public var object: OneObject {
    OneObject([
      "$type$": "IoMRequest", "timestamp": .number(timestamp), "initiator": .reference(initiator),
      "mainId": .reference(mainId), "alternateId": .reference(alternateId), "mode": .text(mode.rawValue),
    ])
  }

  public var identities: [ObjectHash] { mainId < alternateId ? [mainId, alternateId] : [alternateId, mainId] }
}

extension LeuteAccessRights {
  /// Affirms a request: writes it and the signature, and grants the *signature* to both identities, mode replace, so
  /// that the request travels as its grandchild.
  @discardableResult
  public mutating func affirm<S: EntryStore>(
    _ request: IoMRequest, by author: Author, in repository: inout Repository<S>, now: Double
  ) throws(GrantFailure) -> (request: ObjectHash, signature: ObjectHash) {
    let hash: ObjectHash
    let signature: ObjectHash
    do throws(RepositoryFailure) {
      hash = try repository.storeObject(request.object)
      signature = try repository.affirm(hash, by: author)
    } catch { throw .repository(error) }
    _ = try grant(
      GrantRequest(.object(signature), persons: request.identities, mode: .replace), in: &repository, now: now)
    return (hash, signature)
  }
}

extension Repository {
  /// The identities whose stored, valid signatures affirm the request; `keys` gives each person's trusted sign key.
  public func affirmers(
    of request: ObjectHash, signatures: [ObjectHash], keys: [ObjectHash: [UInt8]]
  ) -> Set<ObjectHash> {
    var found: Set<ObjectHash> = []
    for hash in signatures {
      guard let signature = try? object(hash), let issuer = signature.hash("issuer"), let key = keys[issuer],
        let certificate = signature.hash("data").flatMap({ try? object($0) }),
        certificate.type == "AffirmationCertificate", certificate.hash("data") == request,
        Affirmation.verifies(signature, publicKey: key)
      else { continue }
      found.insert(issuer)
    }
    return found
  }

  /// True when both identities of the request have affirmed it.
  public func isComplete(
    _ request: ObjectHash, signatures: [ObjectHash], keys: [ObjectHash: [UInt8]]
  ) -> Bool {
    guard let object = try? object(request), let value = IoMRequest(object) else { return false }
    return affirmers(of: request, signatures: signatures, keys: keys).isSuperset(of: value.identities)
  }
}
