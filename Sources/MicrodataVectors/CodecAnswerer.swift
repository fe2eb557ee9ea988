public import Microdata

/// Answers requests with the codec of this package.
public struct CodecAnswerer: Sendable {
  public let codec: MicrodataCodec
  public let profile: MicrodataProfile
  public let limits: MicrodataLimits

  public init(_ codec: MicrodataCodec, profile: MicrodataProfile = .deployed, limits: MicrodataLimits = .standard) {
    self.codec = codec
    self.profile = profile
    self.limits = limits
  }

  public func answer(_ request: CodecRequest) -> CodecAnswer {
    do throws(MicrodataError) { return try result(request) } catch { return .error(error) }
  }

  private func result(_ request: CodecRequest) throws(MicrodataError) -> CodecAnswer {
    switch request {
    case .serialise(let value, let form):
      return .text(try codec.text(value, form: form, profile: profile, limits: limits))
    case .parse(let text, let form, let expected):
      return .value(try codec.parse(text, form: form, expected: expected, profile: profile, limits: limits).value)
    case .reserialise(let text, let form, let expected, let other):
      let document = try codec.parse(text, form: form, expected: expected, profile: profile, limits: limits)
      return .text(try codec.text(document, form: other, profile: profile, limits: limits))
    case .extractId(let text):
      return try codec.extractId(text, limits: limits).map { .text($0) } ?? .nothing
    case .numberText(let bits):
      return .text(OneText(MicrodataCodec.numberText(Double(bitPattern: bits)) ?? "null"))
    case .number(let text): return .number(MicrodataCodec.number(text))
    case .stringify(let value): return .text(try MicrodataCodec.sortedJSON(value, profile: profile, limits: limits))
    case .restringify(let text):
      let value = try MicrodataCodec.parseJSON(text, limits: limits)
      return .text(try MicrodataCodec.sortedJSON(value, profile: profile, limits: limits))
    case .escape(let text): return .text(text.escaped)
    case .unescape(let text): return .text(text.unescaped)
    case .implode(let root, let files):
      return .text(OneText(wtf8: try codec.implode(root, from: VectorStore(files), limits: limits)))
    case .explode(let text, let expected):
      var store = VectorStore([:])
      let root = try codec.explode(text, into: &store, expected: expected, profile: profile, limits: limits)
      return .hash(root)
    }
  }
}
