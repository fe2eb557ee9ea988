public import Store

/// Two sessions on one perfect wire in one thread, with a clock of its own: for tests, worlds and benchmarks.
public struct ChumLink<StoreA: EntryStore, StoreB: EntryStore> {
  public enum Side: Sendable { case a, b }
  public enum Message: Sendable, Equatable {
    case text(String)
    case binary([UInt8])
  }

  public var a: ChumHost<StoreA>
  public var b: ChumHost<StoreB>
  public private(set) var sessionA: ChumSession
  public private(set) var sessionB: ChumSession
  /// Milliseconds.
  public private(set) var now = 0
  public private(set) var closedBy: Side?
  public private(set) var closeReason: String?
  public private(set) var logsA: [ChumLog] = []
  public private(set) var logsB: [ChumLog] = []
  /// Messages and payload bytes that went over the wire.
  public private(set) var messageCount = 0
  public private(set) var byteCount = 0
  /// What happens to a message on its way: nil drops it. The side is the sender's.
  public var wire: ((Side, Message) -> [Message])?
  /// What is watched of each side's sending.
  public var auditA: ChumAudit?
  public var auditB: ChumAudit?
  /// Called for every message that is delivered.
  public var observer: ((Side, Message) -> Void)?
  private var toA: [Message] = []
  private var toB: [Message] = []

  public init(
    a: ChumHost<StoreA>, _ configurationA: ChumConfiguration, b: ChumHost<StoreB>, _ configurationB: ChumConfiguration
  ) {
    self.a = a
    self.b = b
    sessionA = ChumSession(configurationA)
    sessionB = ChumSession(configurationB)
  }

  /// Both sides send their control texts.
  public mutating func start() {
    take(.a, sessionA.start(at: now, host: &a))
    take(.b, sessionB.start(at: now, host: &b))
  }

  /// Delivers everything that is on the wire, without time passing. What a side sent before it closed still arrives.
  public mutating func settle() {
    repeat {
      while !toA.isEmpty || !toB.isEmpty {
        let forB = toB
        toB = []
        for message in forB { deliver(.a, message) }
        let forA = toA
        toA = []
        for message in forA { deliver(.b, message) }
      }
      // Everything was taken, so the sockets have drained and files go on.
      if closedBy == nil, sessionA.hasPendingFiles { take(.a, sessionA.advance(to: now, host: &a)) }
      if closedBy == nil, sessionB.hasPendingFiles { take(.b, sessionB.advance(to: now, host: &b)) }
    } while !toA.isEmpty || !toB.isEmpty
    if let closedBy {
      if closedBy == .a {
        sessionB.connectionClosed(at: now, host: &b)
      } else {
        sessionA.connectionClosed(at: now, host: &a)
      }
    }
    drain()
  }

  private mutating func deliver(_ sender: Side, _ message: Message) {
    observer?(sender, message)
    if case .text(let text) = message {
      if sender == .a {
        auditA?.answer(text, a.repository)
        auditB?.request(text)
      } else {
        auditB?.answer(text, b.repository)
        auditA?.request(text)
      }
    }
    switch (sender, message) {
    case (.a, .text(let text)): take(.b, sessionB.receive(text: text, at: now, host: &b))
    case (.a, .binary(let bytes)): take(.b, sessionB.receive(binary: bytes, at: now, host: &b))
    case (.b, .text(let text)): take(.a, sessionA.receive(text: text, at: now, host: &a))
    case (.b, .binary(let bytes)): take(.a, sessionA.receive(binary: bytes, at: now, host: &a))
    }
  }

  private mutating func take(_ side: Side, _ actions: [ChumAction]) {
    for action in actions {
      switch action {
      case .sendText(let text): put(side, .text(text))
      case .sendBinary(let bytes): put(side, .binary(bytes))
      case .sendEmptyFragments: put(side, .binary([]))
      case .close(let reason):
        guard closeReason == nil else { continue }
        closeReason = reason
        closedBy = side
        // The socket is gone for the closer; what is on its way to it is lost.
        if side == .a { toA = [] } else { toB = [] }
      }
    }
    drain()
  }

  private mutating func drain() {
    logsA += sessionA.takeLogs()
    logsB += sessionB.takeLogs()
  }

  /// Puts a message on the wire as if the side had sent it.
  public mutating func put(_ side: Side, _ message: Message) {
    // Nobody hears a side any more that sends to one that has closed.
    guard closedBy == nil || closedBy == side else { return }
    let messages = wire?(side, message) ?? [message]
    for message in messages {
      messageCount += 1
      switch message {
      case .text(let text): byteCount += text.utf8.count
      case .binary(let bytes): byteCount += bytes.count
      }
      if side == .a { toB.append(message) } else { toA.append(message) }
    }
  }

  /// Lets time pass to the next deadline at the latest at `limit`; false when there is nothing to wait for.
  @discardableResult
  public mutating func step(limit: Int) -> Bool {
    settle()
    let due = [sessionA.deadline, sessionB.deadline].compactMap { $0 }.min()
    guard closeReason == nil, let due, due <= limit else {
      now = max(now, limit)
      return false
    }
    // A deadline of now means that a stream has more to send.
    now = max(now, due)
    take(.a, sessionA.advance(to: now, host: &a))
    take(.b, sessionB.advance(to: now, host: &b))
    settle()
    return true
  }

  /// Runs until the given time.
  public mutating func run(until limit: Int) {
    while now <= limit, step(limit: limit) {}
  }

  /// Cuts the wire: both sides see the connection close.
  public mutating func cut() {
    guard closeReason == nil else { return }
    closeReason = "cut"
    sessionA.connectionClosed(at: now, host: &a)
    sessionB.connectionClosed(at: now, host: &b)
    drain()
  }
}
