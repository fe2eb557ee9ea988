import CommServer
import Instance
import Wire

/// One socket between a host (or an attacker) and the CommServer, with the network's doings on it.
struct Cable: Sendable {
  enum End: Sendable, Equatable {
    case host(Int, SocketID)
    /// A misbehaving peer, or the replayer of a recording.
    case attacker(Int)
  }

  enum Phase: Sendable {
    case opening, open, closed
  }

  let end: End
  let connection: ConnectionID
  var phase = Phase.opening
  /// When the last message of either direction arrives; later ones come later.
  var lastUp = 0.0
  var lastDown = 0.0
  /// Everything vanishes, nobody notices.
  var isHalfOpen = false
  /// What happens to the next message.
  var tampering: Step.Tampering?
}

/// Something on its way.
enum Delivery: Sendable {
  case opened(Int)
  case up(Int, WireMessage)
  case down(Int, WireMessage)
  /// A close of the client's side, on its way to the server; without a code it is a loss.
  case closeUp(Int, code: UInt16?, reason: String)
  case closeDown(Int, code: UInt16?, reason: String)
  case restart(host: Int)
  case startServer
}

/// Deliveries by time, and by order of sending at the same time.
struct DeliveryQueue: Sendable {
  private struct Entry: Sendable {
    let time: Double
    let order: UInt64
    let delivery: Delivery

    static func < (one: Entry, other: Entry) -> Bool { (one.time, one.order) < (other.time, other.order) }
  }

  private var heap: [Entry] = []
  private var order: UInt64 = 0

  var nextTime: Double? { heap.first?.time }
  var count: Int { heap.count }

  mutating func push(_ delivery: Delivery, at time: Double) {
    order += 1
    heap.append(Entry(time: time, order: order, delivery: delivery))
    var child = heap.count - 1
    while child > 0, heap[child] < heap[(child - 1) / 2] {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func pop() -> Delivery? {
    guard let first = heap.first else { return nil }
    let last = heap.removeLast()
    if heap.isEmpty { return first.delivery }
    heap[0] = last
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child] < heap[least] {
        least = child
      }
      if least == parent { break }
      heap.swapAt(parent, least)
      parent = least
    }
    return first.delivery
  }
}
