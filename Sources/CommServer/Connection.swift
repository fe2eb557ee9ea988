import Cryptobox
import Wire

/// What the server knows of one socket.
struct Connection: Sendable {
  enum State: Sendable {
    /// Open, has said nothing.
    case accepted
    case challenged(Challenge)
    /// Registered: idle, or on its way to a requester.
    case spare(Spare)
    /// A requester that waits for the pong of a spare.
    case requesting(Requesting)
    /// An invitee that waits for the inviter's answer.
    case invited(InvitationID, inviter: ConnectionID)
    case relay(Relay)
    /// Popped and then forgotten, or open with nothing to come (races R2, R3 of the deployed server).
    case orphan
  }

  struct Challenge: Sendable {
    let key: PublicKey
    let challenger: ProofChallenger
    let shared: SharedKey
  }

  struct Spare: Sendable {
    let key: PublicKey
    var awaitsPong = false
    /// The handover that waits for the pong.
    var handover: Handover?
    /// The invitation request that waits for an answer, or for the pong before it can be sent.
    var inquiry: Inquiry?
    /// Pongs in the running second, for the flood limit.
    var pongWindow = -Double.infinity
    var pongs = 0
    /// For planted faults only.
    var pingsSent = 0
    var successDue: Double?
  }

  struct Requesting: Sendable {
    let spare: ConnectionID
    let request: Request
    var early: [Message] = []
    var earlyBytes = 0
  }

  struct Handover: Sendable {
    let requester: ConnectionID
    let request: Request
    /// The deployed server misses that the requester went (race R2).
    var requesterIsGone = false
  }

  struct Inquiry: Sendable {
    let invitation: InvitationID
    let invitee: ConnectionID
    let requestID: String
    let source: PublicKey
    /// When the request went out; nil while a ping is unanswered.
    var sentAt: Double?
  }

  struct Relay: Sendable {
    let peer: ConnectionID
    let isListener: Bool
    /// Requester only: its messages vanish until the splice is complete (race R1, deployed).
    var isSwallowed = false
    /// Listener only: the last message in either direction.
    var lastActivity: Double
    /// For planted faults only.
    var held: Message?
    var forwarded = 0
  }

  enum Message: Sendable, Equatable {
    case text(String)
    case binary([UInt8])

    var length: Int {
      switch self {
      case .text(let text): text.utf8.count
      case .binary(let bytes): bytes.count
      }
    }
  }

  let address: String?
  var state = State.accepted
  /// When the socket's timer is due, and the earliest entry of the heap for it.
  var deadline: Double?
  var scheduled: Double?
  /// Messages in the queue that the deployed server never reads (connection.md 3.6).
  var unread = 0
}

/// A communication_request: the keys as they came, and what they decode to.
struct Request: Sendable {
  let sourceText: String
  let targetText: String
  /// Nil when it has not 32 bytes; the deployed server finds that out late (race R3).
  let source: PublicKey?
  let target: PublicKey?
  /// The message as it came, for planted faults.
  var original = ""
}
