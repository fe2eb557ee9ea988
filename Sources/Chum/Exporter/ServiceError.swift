import Microdata
import Store
import Wire

/// An error answer: what the remote sees of a failed service call.
public struct ServiceError: Error, Sendable, Equatable {
  public let name: String
  public let message: String
  /// Nil is the absent value.
  public let code: String?

  public init(name: String = "Error", message: String, code: String?) {
    self.name = name
    self.message = message
    self.code = code
  }

  /// `CODE: text`, as every coded error of ONE is written.
  public init(code: String, _ text: String) { self.init(message: "\(code): \(text)", code: code) }

  func message(id: Int) -> ChumMessage { .error(id: id, name: name, message: message, code: code) }

  static func unknownService(_ service: Int) -> ServiceError {
    ServiceError(
      name: "TypeError", message: "Not a function: Servcie ID \(service) [number]", code: "UNKNOWN-SERVICE")
  }

  static let badArguments = ServiceError(
    name: "TypeError", message: "Spread syntax requires ...iterable[Symbol.iterator] to be a function", code: nil)

  /// The one map from what went wrong inside to what the peer is told (law 5). Strict texts hold no content (CF-049).
  init(_ failure: RepositoryFailure, profile: Profile) {
    switch failure {
    case .store(let failure): self.init(failure)
    case .microdata(let error):
      self.init(
        message: profile == .deployed ? error.message : "\(error.code): not readable", code: error.code.rawValue)
    case .unsuitable:
      // The deployed implementation would fail in the platform here; what it says is not fixed anywhere.
      self.init(name: "TypeError", message: "The object has another shape than its use needs", code: nil)
    }
  }

  init(_ failure: StoreFailure) {
    switch failure.reason {
    case .missing(let hash):
      self.init(name: "FileNotFoundError", message: "SB-READ2: File not found: \(hash) [objects]", code: "SB-READ2")
    default: self.init(name: "Error", message: "SB-READ1: Reading failed", code: "SB-READ1")
    }
  }

  /// Content of the wrong form, as the codec complains about it; the deployed text echoes the content (F23).
  static func notMicrodata(_ content: [UInt8], isId: Bool, profile: Profile) -> ServiceError {
    let text = "This does not look like valid ONE microdata (isIdObj is \(isId))"
    guard profile == .deployed else { return ServiceError(code: "M2O-PH1", text) }
    return ServiceError(code: "M2O-PH1", "\(text): \(String(decoding: content, as: UTF8.self))")
  }
}
