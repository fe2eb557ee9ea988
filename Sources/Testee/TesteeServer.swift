private import Cryptobox
public import Microdata
private import MicrodataVectors
private import WireBytes

/// Our codec as a testee: one request line in, one answer line out.
///
/// A line that is no request gets an error answer, so that the other side learns what is wrong; nothing that a line can
/// hold ends the server.
public struct TesteeServer {
  private var answerer: CodecAnswerer
  private let name: String

  public init(_ codec: MicrodataCodec, profile: MicrodataProfile = .deployed, name: String) {
    answerer = CodecAnswerer(codec, profile: profile)
    self.name = name
  }

  /// The answer's line without its end; `id` is null when the request has none.
  public mutating func answer(line: [UInt8]) -> [UInt8] {
    var out = JSONObject()
    var members: JSONObject
    do throws(JSONFailure) {
      let json = try JSONValue.parse(line, limits: JSONLimits(depth: 4_000, values: 50_000_000))
      out.append("id", json["id"] ?? .null)
      members = answer(json)
    } catch {
      out.append("id", .null)
      members = refused("not JSON: \(error)")
    }
    for member in members.members { out.append(member.name, member.value) }
    var bytes: [UInt8] = []
    JSONValue.object(out).write(to: &bytes)
    return bytes
  }

  private mutating func answer(_ json: JSONValue) -> JSONObject {
    let request: PipeFormat.Request
    do throws(VectorFormatError) { request = try PipeFormat.request(json) } catch { return refused(error.reason) }
    switch request {
    case .hello: return JSONObject(["text": .string(name)])
    case .recipes(let json): return register(json)
    case .codec(let request): return PipeFormat.answer(answerer.answer(request))
    case .hash(let value, let form):
      switch answerer.answer(.serialise(value, form)) {
      case .text(let text): return JSONObject(["hash": .string(SHA256.hex(text.utf8Bytes))])
      case let other: return PipeFormat.answer(other)
      }
    case .validate(let text, let form):
      do throws(MicrodataError) {
        try answerer.codec.validate(text.utf8Bytes, form: form)
        return JSONObject(["nothing": true])
      } catch { return JSONObject(["error": .object(PipeFormat.error(error))]) }
    case .unknown(let op): return JSONObject(["unsupported": .string("no operation \(op)")])
    }
  }

  private mutating func register(_ json: JSONValue) -> JSONObject {
    var file = JSONObject(["format": "one-recipes/1"])
    file.append("recipes", json["recipes"] ?? [])
    do {
      let codec = try MicrodataCodec(try RecipeRegistry(recipesFile: .object(file)))
      answerer = CodecAnswerer(codec, profile: answerer.profile, limits: answerer.limits)
      return JSONObject(["nothing": true])
    } catch { return refused("recipes: \(error)") }
  }

  private func refused(_ reason: String) -> JSONObject {
    JSONObject(["error": ["code": "CGM-REQUEST", "message": .string(reason)]])
  }
}
