/// Why a codec refused bytes or a value.
public struct CodecRefusal: Error, Sendable, Equatable {
  public let code: String
  /// The byte of the input; nil where there is none.
  public let offset: Int?
  /// The whole message, with what it shows of the input.
  public let message: String

  public init(_ code: String, offset: Int? = nil, message: String = "") {
    self.code = code
    self.offset = offset
    self.message = message
  }
}

public enum CodecProfile: String, Sendable, CaseIterable {
  case deployed, strict
}

/// A codec as the properties see it: ours, one with a planted fault, or the model itself.
public protocol CodecUnderTest {
  associatedtype Value
  func parse(_ bytes: [UInt8], _ form: ModelReader.Form, _ profile: CodecProfile) throws(CodecRefusal) -> Value
  func serialise(_ value: Value, _ form: ModelReader.Form, _ profile: CodecProfile) throws(CodecRefusal) -> [UInt8]
  /// Strict, without values.
  func validate(_ bytes: [UInt8], _ form: ModelReader.Form) throws(CodecRefusal)
  /// The ID form of an object's bytes; nil for an unversioned type.
  func extractId(_ bytes: [UInt8]) throws(CodecRefusal) -> [UInt8]?
  func isSame(_ left: Value, _ right: Value) -> Bool
  func model(_ value: Value) -> ModelValue
  func value(_ model: ModelValue) -> Value
}

extension CodecUnderTest {
  public func isSame(_ left: Value, _ right: Value) -> Bool { model(left).ordered == model(right).ordered }
}

extension ModelReader.Form {
  /// The form that the header's sixth byte announces; the header itself is for the codec to check.
  public init(of bytes: [UInt8]) { self = bytes.count > 5 && bytes[5] == 0x64 ? .id : .object }
}

extension Result where Failure == CodecRefusal {
  init(_ body: () throws(CodecRefusal) -> Success) {
    do throws(CodecRefusal) { self = .success(try body()) } catch { self = .failure(error) }
  }

  var refusal: CodecRefusal? { if case .failure(let refusal) = self { refusal } else { nil } }
  var value: Success? { if case .success(let value) = self { value } else { nil } }
}
