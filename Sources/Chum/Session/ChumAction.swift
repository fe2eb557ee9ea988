public import Store

/// What a session asks of the layer below it.
public enum ChumAction: Sendable, Equatable {
  case sendText(String)
  case sendBinary([UInt8])
  /// A fragmented binary message without a fragment: what the published packages send for a BLOB chunk (F47).
  case sendEmptyFragments
  /// Close with 1000; the layer below puts `Close called: ` before the reason and cuts it to 123 bytes.
  case close(reason: String)
}

/// What a session tells its instance: the events of chum.md 5.1 that only an instance can log (source L).
public enum ChumLog: Sendable, Equatable {
  case started(policy: String)
  case controlText(String)
  case roundStarted(Int)
  case roundEnded(Int, fetched: Int)
  case firstFullSync
  case received(Reference, status: StoreStatus)
  case rejected(hash: String, error: SyncError)
  case grantUnreadable(Subject, ServiceError)
  case merged(idHash: ObjectHash, MergeOutcome)
  /// A message of no meaning: dropped and counted.
  case stray(String)
  case ended(SyncError?)
}

/// One error of a session, as it stands in the Chum object.
public struct SyncError: Error, Sendable, Equatable, CustomStringConvertible {
  public let name: String
  public let message: String
  public let code: String?
  /// What the remote side answered, when that was the cause.
  public let cause: ServiceError?

  public init(name: String = "Error", message: String, code: String?, cause: ServiceError? = nil) {
    self.name = name
    self.message = message
    self.code = code
    self.cause = cause
  }

  init(code: String, _ text: String) { self.init(message: "\(code): \(text)", code: code) }

  /// `Error: CODE: text`, as JavaScript shows errors.
  public var description: String { "\(name): \(message)" }

  static func answered(_ cause: ServiceError) -> SyncError {
    SyncError(
      name: "WebsocketRequestError",
      message: "WSRQ-JRMH1: Remote websocket function returned an error (see \"cause\" property)", code: "WSRQ-JRMH1",
      cause: cause)
  }

  static let connectionClosed = SyncError(code: "WSP-ONCL0", "Connection closed")
}
