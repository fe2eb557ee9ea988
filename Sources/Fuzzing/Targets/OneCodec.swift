public import Microdata

/// Our codec as the properties see it.
public struct OneCodec: CodecUnderTest {
  /// What was read, or a tree that was made.
  public enum Value {
    case document(OneDocument)
    case tree(OneValue)
  }

  public let codec: MicrodataCodec

  private let limits: MicrodataLimits

  public init(_ codec: MicrodataCodec, limits: MicrodataLimits = .standard) {
    self.codec = codec
    self.limits = limits
  }

  public func parse(
    _ bytes: [UInt8], _ form: ModelReader.Form, _ profile: CodecProfile
  ) throws(CodecRefusal) -> Value {
    do throws(MicrodataError) {
      return .document(try codec.parse(bytes, form: form.object, profile: profile.microdata, limits: limits))
    } catch { throw CodecRefusal(error) }
  }

  public func serialise(
    _ value: Value, _ form: ModelReader.Form, _ profile: CodecProfile
  ) throws(CodecRefusal) -> [UInt8] {
    do throws(MicrodataError) {
      switch value {
      case .document(let document):
        return try codec.serialise(document, form: form.object, profile: profile.microdata)
      case .tree(let tree): return try codec.serialise(tree, form: form.object, profile: profile.microdata)
      }
    } catch { throw CodecRefusal(error) }
  }

  public func validate(_ bytes: [UInt8], _ form: ModelReader.Form) throws(CodecRefusal) {
    do throws(MicrodataError) { try codec.validate(bytes, form: form.object) } catch { throw CodecRefusal(error) }
  }

  public func extractId(_ bytes: [UInt8]) throws(CodecRefusal) -> [UInt8]? {
    do throws(MicrodataError) { return try codec.extractId(bytes) } catch { throw CodecRefusal(error) }
  }

  public func isSame(_ left: Value, _ right: Value) -> Bool { left.tree == right.tree }
  public func model(_ value: Value) -> ModelValue { ModelValue(value.tree) }
  public func value(_ model: ModelValue) -> Value { .tree(OneValue(model)) }
}

extension OneCodec.Value {
  var tree: OneValue {
    switch self {
    case .document(let document): document.value
    case .tree(let tree): tree
    }
  }
}

extension ModelReader.Form {
  public var object: ObjectForm { self == .id ? .idObject : .object }
}

extension CodecProfile {
  public var microdata: MicrodataProfile { self == .strict ? .strict : .deployed }
}

extension CodecRefusal {
  public init(_ error: MicrodataError) {
    self.init(error.code.rawValue, offset: error.offset, message: error.description)
  }
}

extension ModelValue {
  /// Dates, regular expressions and what only JavaScript has cannot come out of a reader; they become their texts.
  public init(_ value: OneValue) {
    switch value {
    case .undefined: self = .undefined
    case .null: self = .null
    case .bool(let value): self = .bool(value)
    case .number(let value), .date(let value): self = .number(value)
    case .string(let text): self = .string(text.utf16)
    case .array(let items): self = .array(items.map(ModelValue.init))
    case .set(let items): self = .set(items.map(ModelValue.init))
    case .map(let entries): self = .map(entries.map { Pair(ModelValue($0.key), ModelValue($0.value)) })
    case .object(let object):
      self = .object(object.members.map { Member($0.name.utf16, ModelValue($0.value)) })
    case .regexp(let text, _), .function(let text), .symbol(let text), .bigint(let text): self = .string(text.utf16)
    }
  }
}

extension OneValue {
  public init(_ value: ModelValue) {
    switch value {
    case .undefined: self = .undefined
    case .null: self = .null
    case .bool(let value): self = .bool(value)
    case .number(let bits): self = .number(Double(bitPattern: bits))
    case .string(let units): self = .string(OneText(utf16: units))
    case .array(let items): self = .array(items.map(OneValue.init))
    case .set(let items): self = .set(items.map(OneValue.init))
    case .map(let pairs): self = .map(pairs.map { OneMapEntry(OneValue($0.key), OneValue($0.value)) })
    case .object(let members):
      self = .object(OneObject(unique: members.map { .init(OneText(utf16: $0.name), OneValue($0.value)) }))
    }
  }
}

extension FuzzFiles {
  /// Our codec with the recipes of the file.
  public static func context() throws(FuzzFilesFailure) -> FuzzContext<OneCodec> {
    let json = try recipesJSON()
    do {
      let codec = try MicrodataCodec(try RecipeRegistry(recipesFile: json))
      return FuzzContext(codec: OneCodec(codec), recipes: ModelRecipes(json: json))
    } catch { throw FuzzFilesFailure(reason: "\(recipesPath): \(error)") }
  }
}
