import Trace
import Wire

extension Diagnostician {
  /// What is said in clear; false for what belongs to the encrypted part.
  func observeClear(_ event: Event, _ link: Link, _ evidence: Evidence) -> Bool {
    switch event.kind {
    case .opened: if event.direction == .fromClient { tally.sockets += 1 }
    case .socketError(let text): tally.socketFailures.add("\(link.conn): \(excerpt(text, 80))", evidence)
    case .server(let message): server(message, event.direction, link, evidence)
    case .registrationProof(let proof):
      if proof.outcome == .wrong || proof.outcome == .notOpened { link.isRegistering = evidence }
    case .clearFault(let phase, let failure):
      if link.fault == nil { link.fault = ("\(failure.detail) where \(phase.rawValue) was due", evidence) }
    case .keySent(let key):
      link.keys += 1
      if key.failedToOpen, link.fault == nil { link.fault = ("a key message does not open", evidence) }
    case .encrypted(let channel):
      link.encrypted = evidence
      link.clientIsInitiator = channel.clientIsInitiator
    case .unreadable: link.unreadable = true
    case .decryptFailed: if link.fault == nil { link.fault = ("a frame does not decrypt", evidence) }
    case .joinedMidway: link.isMidway = true
    default: return false
    }
    return true
  }

  private func server(
    _ message: CommServerMessage, _ direction: Direction, _ link: Link, _ evidence: Evidence
  ) {
    switch message {
    case .register(let key) where direction == .fromClient:
      link.role = .listener
      link.registered = key
      link.isRegistering = evidence
    case .authenticationSuccess: tally.registered(link)
    case .connectionHandover: tally.left(link)
    case .communicationRequest(let source, let target) where direction == .fromClient:
      link.role = .requester
      link.source = source
      link.target = target
      tally.asked()
    case .communicationReady:
      if link.role == .requester, !link.isReady { tally.ready(link) }
      link.isReady = true
    default: break
    }
  }
}
