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
  /// The note with a line `request signature` for every signature that affirms a request.
  private static var signatureNote: String { "iom" }

  /// In an Internet-of-Me pairing the inviter makes the request; the other side affirms it.
  mutating func paired(_ success: PairingSuccess, _ random: inout some RandomSource) {
    log(.pairingAccepted(token: success.token), on: success.socket)
    guard success.mode == .iom, !success.initiatedLocally, let person = ObjectHash(hex: success.remotePerson) else {
      return
    }
    proposals.insert(person)
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
    let own = core.keychain.identities.first { identity in
      request.identities.contains { $0.hex == identity.personId }
    }
    guard let own, let author = author(own) else { throw .subject("the request \(hash) is about other persons") }
    _ = try rights.affirm(request, by: author, in: &host.repository, now: wallTime)
  }

  mutating func iomObjectStored(_ hash: ObjectHash, _ type: String, isOwn: Bool) throws(GrantFailure) {
    guard let object = try? host.repository.object(hash) else { return }
    if type == "IoMRequest" {
      guard !isOwn, let request = IoMRequest(object) else { return }
      tell(.iomRequested(request: hash, request))
      let isMine = core.keychain.identities.contains { identity in
        request.identities.contains { $0.hex == identity.personId }
      }
      if settings.affirmsIoM, isMine { try affirmIoM(hash) }
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
    var lines = host.repository.store.note(Self.signatureNote).map { String(decoding: $0, as: UTF8.self) } ?? ""
    let line = "\(hash.hex) \(signature.hex)\n"
    if !lines.contains(line), lines.utf8.count < 1 << 20 {
      lines += line
      do throws(StoreFailure) {
        try host.repository.store.setNote(Array(lines.utf8), named: Self.signatureNote)
      } catch { throw .repository(.store(error)) }
    }
    let signatures = lines.split(separator: "\n").compactMap { line in
      line.hasPrefix(hash.hex) ? ObjectHash(hex: line.suffix(64)) : nil
    }
    guard request.identities.contains(request.initiator), request.mainId != request.alternateId,
      host.repository.isComplete(hash, signatures: signatures, keys: trustedKeys),
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
