import Cryptobox
import Instance
import Wire
import WireBytes

/// What the connections of an instance tell, for people and machines.
enum ConnectionEvents {
  /// Name, sentence and members of an event; nil for what is of no interest here.
  static func describe(_ report: InstanceReport) -> (String, String, JSONObject)? {
    switch report {
    case .listener(let key, let state):
      (
        "listener", "listener: \(state.rawValue)",
        JSONObject(["key": .string(key.hex), "state": .string(state.rawValue)])
      )
    case .listenerWaits(_, let delay):
      (
        "listenerWaits", "no registration; again in \(Int(delay / 1_000)) s",
        JSONObject(["retryIn": .number(delay.rounded())])
      )
    case .invitationStored(let id, let left):
      (
        "invitationStored", "the CommServer keeps the invitation for \(Int(left / 1_000)) s",
        JSONObject(["invitationId": .string(id), "expiresIn": .number(left)])
      )
    case .invitationEnded(_, let end):
      ("invitationEnded", "the invitation ended: \(end.rawValue)", JSONObject(["why": .string(end.rawValue)]))
    case .secured(let id, let handshake):
      (
        "secured", "\(id): encrypted with \(handshake.peerStatic.hex.prefix(12))…",
        JSONObject(["socket": .string("\(id)"), "peerKey": .string(handshake.peerStatic.hex)])
      )
    case .identified(let id, let group, let peer):
      (
        "identified", "\(id): \(group) with person \(peer.person.prefix(12))… on instance \(peer.instance.prefix(12))…",
        JSONObject([
          "socket": .string("\(id)"), "group": .string(group), "person": .string(peer.person),
          "instance": .string(peer.instance),
        ])
      )
    case .tokenPresented(let id, let accepted):
      (
        "tokenPresented", "\(id): a token was shown, \(accepted ? "accepted" : "refused")",
        JSONObject(["socket": .string("\(id)"), "accepted": .bool(accepted)])
      )
    case .pairingSucceeded(let success):
      (
        "onPairingSuccess", "paired with person \(success.remotePerson)",
        JSONObject([
          "initiatedLocally": .bool(success.initiatedLocally), "localPerson": .string(success.localPerson),
          "localInstance": .string(success.localInstance), "remotePerson": .string(success.remotePerson),
          "remoteInstance": .string(success.remoteInstance), "mode": success.mode.map { .string($0.rawValue) } ?? .null,
        ])
      )
    case .pairingFailed(let failure):
      (
        "onPairingFailed", "pairing failed at stage \(failure.stage.rawValue): \(failure.code)",
        JSONObject([
          "initiatedLocally": .bool(failure.initiatedLocally), "stage": .string(failure.stage.rawValue),
          "code": .string(failure.code),
        ])
      )
    case .ready(let id, let record):
      (
        "chum", "\(id): chum with \(record.personEmail.prefix(40)) stands",
        JSONObject(["socket": .string("\(id)"), "person": .string(record.person), "instance": .string(record.instance)])
      )
    case .unreachable(_, let url, let code, let again):
      (
        "unreachable", "\(url): \(code)" + (again.map { ", again in \(Int($0 / 1_000)) s" } ?? ""),
        JSONObject(["url": .string(url), "code": .string(code), "retryIn": again.map { .number($0) } ?? .null])
      )
    case .redialIn(_, let delay):
      ("redial", "dialling again in \(Int(delay / 1_000)) s", JSONObject(["in": .number(delay.rounded())]))
    case .fault(let id, let failure, let isOpen):
      (
        "fault", "\(id): \(failure)\(isOpen ? "; the connection stays open, silent" : "")",
        JSONObject([
          "socket": .string("\(id)"), "code": .string(failure.code), "detail": .string(failure.detail),
          "isOpen": .bool(isOpen),
        ])
      )
    case .ended(let id, let group, let code):
      (
        "ended", "\(id): ended, \(code)",
        JSONObject(["socket": .string("\(id)"), "group": group.map { .string($0) } ?? .null, "code": .string(code)])
      )
    case .invitationRefused(let code):
      ("invitationRefused", "no invitation: \(code)", JSONObject(["code": .string(code)]))
    case .serverKeyChanged(let url, _, _):
      ("serverKeyChanged", "\(url) shows another key than before", JSONObject(["url": .string(url)]))
    case .invitationCreated, .joining, .peerStored, .application: nil
    }
  }
}
