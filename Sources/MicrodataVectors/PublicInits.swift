public import Microdata

// Callers that bring questions of their own (generated cases) or files from a pipe make these by hand.

extension VectorFileEntry {
  public init(_ file: StoredFile, idHash: String?) { self.init(file: file, idHash: idHash) }
}

extension VectorQuestion {
  public init(asking request: CodecRequest, _ expectations: [(field: String, expectation: CodecExpectation)]) {
    self.init(request, expectations)
  }
}

extension Vector {
  public init(generated id: String, _ questions: [VectorQuestion]) {
    self.init(id: id, questions: questions, skipped: nil)
  }
}
