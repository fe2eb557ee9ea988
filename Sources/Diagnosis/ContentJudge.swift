import Microdata
import Store
import Trace
import Wire

/// What an importer with the standard recipes does with an answer, as far as the answer alone decides it.
struct ContentJudge {
  /// Larger texts are not parsed.
  private static let largest = 1 << 20
  private static let refusedTypes: Set<String> = ["Access", "IdAccess", "Group"]
  private let codec = try? MicrodataObjectCodec.standard(.deployed)

  enum Verdict {
    case good(type: String?)
    case bad(Cause)
    /// Nobody can tell without the application's own recipes.
    case unknownType(String)
  }

  /// The checks of chum.md 2.8.3 in their order. `announced` is the type of the root; `listed` its child list.
  func judge(_ sent: SentObject, announced: String?, listed: Set<ObjectHash>?) -> Verdict {
    guard sent.sha256 == sent.hash else { return .bad(.hashMismatch(sent.kind)) }
    guard let text = sent.text else { return .good(type: nil) }
    let content = Array(text.utf8)
    let due: ObjectForm = sent.kind == .id ? .idObject : .object
    let form = ObjectHead.form(content)
    guard form == due, let type = ObjectHead.type(content) else {
      let found = form == nil ? "something that is no ONE microdata" : form == .object ? "an object" : "an ID object"
      return .bad(.wrongForm(sent.kind, found: found))
    }
    let isUnknown = codec?.recipe(type) == nil
    if let codec, !isUnknown, content.count <= Self.largest {
      do throws(MicrodataError) { _ = try codec.read(content, as: due) } catch {
        return .bad(.badMicrodata(error.code.rawValue, error.text))
      }
    }
    if Self.refusedTypes.contains(type) { return .bad(.refusedType(sent.kind, type)) }
    if let announced, announced != type {
      return .bad(.typeMismatch(sent.kind, announced: announced, found: type))
    }
    if let listed {
      let isUnlisted = References.scan(content).contains {
        ($0.kind == .blob || $0.kind == .clob) && !listed.contains($0.hash)
      }
      if isUnlisted { return .bad(.unlistedFile) }
    }
    return isUnknown ? .unknownType(type) : .good(type: type)
  }
}
