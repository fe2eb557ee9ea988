public import Microdata
import WireBytes

/// One thing that a codec is asked.
public enum CodecRequest: Sendable {
  /// Write a value: the text.
  case serialise(OneValue, ObjectForm)
  /// Read a text: the value.
  case parse(OneText, ObjectForm, ExpectedType)
  /// Read a text in one form and write what was read in another: the text.
  case reserialise(OneText, ObjectForm, ExpectedType, as: ObjectForm)
  /// Cut the ID object out of a text: the text, or nothing for unversioned types.
  case extractId(OneText)
  /// The text of a number by its bits: the text, `null` for what has none.
  case numberText(UInt64)
  /// ECMAScript Number() of a text: the number.
  case number(OneText)
  /// Sorted JSON of a value: the text.
  case stringify(OneValue)
  /// Read JSON and write it sorted: the text.
  case restringify(OneText)
  case escape(OneText)
  case unescape(OneText)
  /// Implode the root from these files: the text.
  case implode(root: String, files: [String: VectorFileEntry])
  /// Explode a text into an empty store: the root's hash.
  case explode(OneText, ExpectedType)
}

/// A stored file of an implode vector.
public struct VectorFileEntry: Sendable {
  public let file: StoredFile
  public let idHash: String?
}

/// What a codec answers.
public enum CodecAnswer: Sendable {
  case text(OneText)
  case value(OneValue)
  case number(Double)
  case hash(String)
  case nothing
  case error(MicrodataError)
  /// The codec does not offer this, with the reason.
  case unsupported(String)

  var shown: String {
    switch self {
    case .text(let text): "text \(cut(text.string))"
    case .value(let value): "value \(cut(value.vector.compact))"
    case .number(let value): "number \(value)"
    case .hash(let hash): "hash \(hash)"
    case .nothing: "nothing"
    case .error(let error): "error \(cut(error.description))"
    case .unsupported(let reason): "unsupported: \(cut(reason))"
    }
  }
}

func cut(_ text: String) -> String { text.utf8.count <= 240 ? text : String(text.prefix(240)) + "…" }

/// What an answer must be.
public enum CodecExpectation: Sendable {
  case text(OneText)
  /// SHA-256 of the UTF-8 of the text, and its length when given.
  case hash(String, bytes: Int?)
  case value(OneValue)
  case notValue(OneValue)
  case number(UInt64?)
  case rootHash(String)
  case nothing
  /// ONE's code; for `js:…` any error.
  case error(String)
  /// The reference never answers: any coded error.
  case codedError
  /// An answer that is no error, whatever it is.
  case success
}

/// A request with what the vector says about its answer, each with the vector's field that says so.
public struct VectorQuestion: Sendable {
  public let request: CodecRequest
  public var expectations: [(field: String, expectation: CodecExpectation)]

  init(_ request: CodecRequest, _ expectations: [(field: String, expectation: CodecExpectation)]) {
    self.request = request
    self.expectations = expectations
  }
}

/// A vector as questions, or the reason why it cannot be asked.
public struct Vector: Sendable {
  public let id: String
  public let questions: [VectorQuestion]
  /// Set when some of the vector needs a JavaScript program; the questions are what is left.
  public let skipped: String?
}
