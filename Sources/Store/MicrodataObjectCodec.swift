public import Microdata

/// The codec of a set of recipes, as the store uses it.
public struct MicrodataObjectCodec: ObjectCodec {
  private let codec: MicrodataCodec
  private let profile: MicrodataProfile
  private let limits: MicrodataLimits

  /// `strict` reads canonical bytes only, so that one object has one hash (CHUM-033).
  public init(_ codec: MicrodataCodec, profile: MicrodataProfile, limits: MicrodataLimits = .standard) {
    self.codec = codec
    self.profile = profile
    self.limits = limits
  }

  /// The codec of the standard types.
  public static func standard(_ profile: MicrodataProfile) throws(MicrodataError) -> MicrodataObjectCodec {
    MicrodataObjectCodec(try MicrodataCodec(StandardRecipes.registry), profile: profile)
  }

  public func read(_ content: [UInt8], as form: ObjectForm) throws(MicrodataError) -> OneObject {
    let document = try codec.parse(content, form: form, profile: profile, limits: limits)
    guard case .object(let object) = document.value else {
      throw MicrodataError("O2M-CONV", "the content is no object")
    }
    return object
  }

  public func write(_ object: OneObject, as form: ObjectForm) throws(MicrodataError) -> [UInt8] {
    try codec.serialise(.object(object), form: form, profile: profile, limits: limits)
  }

  public func idContent(of content: [UInt8]) throws(MicrodataError) -> [UInt8]? {
    // Root lists ask this of every object; those without an identity are not read for it, however large they are.
    if ObjectHead.form(content) == .object, let type = ObjectHead.type(content), let recipe = recipe(type),
      !recipe.isVersioned
    {
      return nil
    }
    return try codec.extractId(content, profile: profile, limits: limits)
  }

  public func recipe(_ type: String) -> Recipe? { codec.registry[OneText(type)] }
}
