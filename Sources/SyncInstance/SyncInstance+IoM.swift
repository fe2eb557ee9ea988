import Chum
import Cryptobox
import Instance
import Microdata
import Store
import Trace
import Wire
import WireBytes

/// Internet of Me: requests and affirmations as objects that travel by CHUM (connection.md 5.6, observed.md 8).
extension SyncInstance {
  /// In an Internet-of-Me pairing the inviter makes the request; the other side affirms it.
  mutating func paired(_ success: PairingSuccess, _ random: inout some RandomSource) {
    log(.pairingAccepted(token: success.token), on: success.socket)
    guard success.mode == .iom, let person = ObjectHash(hex: success.remotePerson),
      let own = ObjectHash(hex: success.localPerson)
    else { return }
    do throws(StoreFailure) { try host.repository.store.addReferrer(person, to: Self.partners(of: own)) } catch {
      tell(.trouble("\(error)"))
    }
    if !success.initiatedLocally { proposals.insert(person) }
  }

  /// With whom an own person was paired by an Internet-of-Me invitation.
  private static func partners(of own: ObjectHash) -> ReverseKey { ReverseKey(target: own, type: "IoM") }

  /// The own person of a request and the other one; nil for what others arrange among themselves.
  private func parties(_ request: IoMRequest) -> (own: Identity, other: ObjectHash)? {
    guard request.mainId != request.alternateId, request.identities.contains(request.initiator) else { return nil }
    for identity in core.keychain.identities {
      guard let own = ObjectHash(hex: identity.personId), request.identities.contains(own) else { continue }
      return request.identities.first { $0 != own }.map { (identity, $0) }
    }
    return nil
  }

  /// The person is the main identity from then on, the own one an alternate, as the default creators have it.
  mutating func proposeIoM(with person: ObjectHash, _ mode: IoMRequest.Mode) throws(GrantFailure) {
    guard let identity = core.keychain.identities.first, let author = author(identity) else {
      throw .subject("no own person that can sign")
    }
    let request = IoMRequest(
      timestamp: wallTime, initiator: author.person, mainId: person, alternateId: author.person, mode: mode)
    _ = try rights.affirm(request, by: author, in: &host.repository, now: wallTime)
  }

  mutating func affirmIoM(_ hash: ObjectHash) throws(GrantFailure) {
    let request: IoMRequest?
    do throws(RepositoryFailure) { request = IoMRequest(try host.repository.object(hash)) } catch {
      throw .repository(error)
    }
    guard let request else { throw .subject("\(hash) is no IoM request") }
    guard let own = parties(request)?.own, let author = author(own) else {
      throw .subject("the request \(hash) is about other persons")
    }
    _ = try rights.affirm(request, by: author, in: &host.repository, now: wallTime)
  }

  mutating func iomObjectStored(_ hash: ObjectHash, _ type: String, isOwn: Bool) throws(GrantFailure) {
    guard let object = try? host.repository.object(hash) else { return }
    if type == "IoMRequest" {
      guard !isOwn, let request = IoMRequest(object) else { return }
      tell(.iomRequested(request: hash, request))
      guard settings.affirmsIoM, let (own, other) = parties(request), let person = ObjectHash(hex: own.personId),
        host.repository.store.referrers(Self.partners(of: person)).contains(other)
      else { return }
      try affirmIoM(hash)
      return
    }
    guard let certificate = object.hash("data"), let content = try? host.repository.object(certificate),
      content.type == "AffirmationCertificate", let about = content.hash("data"),
      let request = (try? host.repository.object(about)).flatMap({ IoMRequest($0) })
    else { return }
    try signed(about, request, by: hash)
  }

  /// A signature for a request is there: complete when both identities have affirmed, and the initiator is one of them.
  private mutating func signed(
    _ hash: ObjectHash, _ request: IoMRequest, by signature: ObjectHash
  ) throws(GrantFailure) {
    // Who affirmed what is a reverse map of this instance's own: the standard maps do not lead from a request to its
    // signatures.
    let key = ReverseKey(target: hash, type: "Signature")
    do throws(StoreFailure) { try host.repository.store.addReferrer(signature, to: key) } catch {
      throw .repository(.store(error))
    }
    let signatures = host.repository.store.referrers(key)
    // What others affirm among themselves must not bring them into the group of the own identities.
    guard parties(request) != nil, host.repository.isComplete(hash, signatures: signatures, keys: trustedKeys),
      completeRequests.insert(hash).inserted
    else { return }
    do throws(RepositoryFailure) { try ensureGroup(Self.internetOfMe, with: request.identities) } catch {
      throw .repository(error)
    }
    tell(.iomComplete(request: hash, request))
  }

  /// The sign keys of the own persons and of those with whom this instance was paired.
  private var trustedKeys: [ObjectHash: [UInt8]] {
    var keys: [ObjectHash: [UInt8]] = [:]
    for record in core.book.records {
      if let person = ObjectHash(hex: record.person) { keys[person] = Hex.decode(record.personSignKey) }
    }
    for identity in core.keychain.identities {
      if let person = ObjectHash(hex: identity.personId) { keys[person] = Hex.decode(identity.personSignKey) }
    }
    return keys
  }
}
