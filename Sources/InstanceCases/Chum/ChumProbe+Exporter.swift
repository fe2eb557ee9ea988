import Wire
import WireBytes

/// The answers of a played exporter.
extension ChumProbe {
  mutating func serve(_ id: Int, _ service: Int, _ args: [JSONValue]) {
    let hash = args.first?.string ?? ""
    switch service {
    case 1: version(id)
    case 2: roots(id)
    case 4, 5: children(id, hash)
    case 6, 7: object(id, hash)
    case 8: file(id, hash, isText: args.count > 1 && args[1] == "utf8")
    case 10: data(id, .string(ChumMessage.undefined))
    default: error(id, "UNKNOWN-SERVICE", "Not a function: Servcie ID \(service) [number]")
    }
    if does(.answersBehindEnd) { data(id, "late") }
    if does(.unaskedAnswers) { unasked() }
  }

  private mutating func data(_ id: Int, _ value: JSONValue) {
    guard does(.membersReordered) else { return say(.data(id: id, value)) }
    say(#" { "data" : \#(value.compact) , "more" : [1,{}], "type":"data", "responseId" : \#(id) } "#)
  }

  private mutating func error(_ id: Int, _ code: String?, _ text: String) {
    say(.error(id: id, name: "Error", message: text, code: code))
  }

  /// Answers that nobody asked for, of every type.
  private mutating func unasked() {
    for id in [900, -3] {
      say(.data(id: id, "unasked"))
      say(.error(id: id, name: nil, message: "unasked", code: nil))
      say(.streamEnd(id: id))
    }
  }

  private mutating func version(_ id: Int) {
    let count = seen.count(1)
    switch plan.misbehaviour {
    case .versionSeven: data(id, 7)
    case .versionNine: data(id, 9)
    case .versionText: data(id, "8")
    case .versionNull: data(id, .null)
    case .versionAbsent: data(id, .string(ChumMessage.undefined))
    case .versionObject: data(id, ["version": 8])
    case .versionList: data(id, [8])
    case .versionHuge: data(id, .number(1e300))
    case .versionError: error(id, "SOME-ERROR", "no")
    case .versionUnknownThrice where count <= 3: error(id, "UNKNOWN-SERVICE", "Not a function: Servcie ID 1 [number]")
    case .versionUnknownAlways: error(id, "UNKNOWN-SERVICE", "Not a function: Servcie ID 1 [number]")
    case .versionSilent: break
    case .versionStream:
      say(.stream(id: id, chunk: "8", encoding: "utf8"))
      say(.streamEnd(id: id))
    case .versionTwice:
      data(id, 8)
      data(id, 7)
    default: data(id, 8)
    }
  }

  // MARK: Roots

  private mutating func roots(_ id: Int) {
    if does(.newVersionLater), round == 2 { shelf.addVersion() }
    let good = RootEntry.encodeList(shelf.roots)
    func spoilt(_ entry: String) -> JSONValue { .string("[\(entry)," + good.dropFirst()) }
    let zero = String(repeating: "0", count: 64)
    switch plan.misbehaviour {
    case .rootsError: error(id, "SB-READ2", "SB-READ2: File not found")
    case .rootsErrorLater where round == 2: error(id, "SB-READ2", "SB-READ2: File not found")
    case .rootsNumber: data(id, 7)
    case .rootsArray: data(id, [])
    case .rootsAbsent: data(id, .string(ChumMessage.undefined))
    case .rootsNotJSON: data(id, "oops")
    case .rootsObject: data(id, "{}")
    case .rootsDeep: data(id, .string(String(repeating: "[", count: 5_000) + String(repeating: "]", count: 5_000)))
    case .rootsSilent: break
    case .rootsStream:
      say(.stream(id: id, chunk: good, encoding: "utf8"))
      say(.streamEnd(id: id))
    case .rootsUnknownType: data(id, spoilt(#"{"type":"zzz","hash":"\#(zero)","oneType":"PersonName"}"#))
    case .rootsNoObject: data(id, spoilt("7"))
    case .rootsPathHash:
      data(id, spoilt(#"{"type":"unversioned","hash":"../../../etc/passwd","oneType":"PersonName"}"#))
    case .rootsEmptyHash: data(id, spoilt(#"{"type":"unversioned","hash":"","oneType":"PersonName"}"#))
    case .rootsNumberHash: data(id, spoilt(#"{"type":"unversioned","hash":7,"oneType":"PersonName"}"#))
    case .rootsMissingHash: data(id, spoilt(#"{"type":"unversioned","oneType":"PersonName"}"#))
    case .rootsAbsentHash:
      data(id, spoilt(#"{"type":"unversioned","hash":"\#(ChumMessage.undefined)","oneType":"PersonName"}"#))
    case .rootsShortHash:
      data(id, spoilt(#"{"type":"unversioned","hash":"\#(zero.dropLast())","oneType":"PersonName"}"#))
    case .rootsUpperHash:
      data(id, spoilt(#"{"type":"unversioned","hash":"\#(shelf.subject.uppercased())","oneType":"PersonName"}"#))
    case .rootsMany: data(id, .string(shelf.manyRoots))
    case .rootsDuplicated:
      let many = Array(repeating: shelf.roots, count: 200).flatMap { $0 }
      data(id, .string(RootEntry.encodeList(many)))
    case .rootsWithExtraMembers:
      data(id, .string(good.replacingOccurrences(of: #"{"type""#, with: #"{"accessReasons":[{"x":1}],"type""#)))
    case .rootsWithWhiteSpace: data(id, .string(" " + good.replacingOccurrences(of: ",", with: " ,\n ") + " "))
    case .rootsTwice:
      data(id, .string(good))
      data(id, "[]")
    case .rootsEmpty: data(id, "[]")
    default: data(id, .string(good))
    }
  }

  // MARK: Children

  private mutating func children(_ id: Int, _ hash: String) {
    let entries = shelf.children[hash] ?? []
    let good = ChildEntry.encodeList(entries)
    guard hash == shelf.subject else { return data(id, .string(good)) }
    let zero = String(repeating: "0", count: 64)
    switch plan.misbehaviour {
    case .childrenError: error(id, "CES-GOC1", "CES-GOC1: Unauthorized, obj children for \(hash)")
    case .childrenNumber: data(id, 7)
    case .childrenAbsent: data(id, .string(ChumMessage.undefined))
    case .childrenNotJSON: data(id, "oops")
    case .childrenObject: data(id, "{}")
    case .childrenUnknownType: data(id, .string(#"[{"type":"foo","hash":"\#(zero)"}]"#))
    case .childrenUpperHash: data(id, .string(#"[{"type":"object","hash":"\#(hash.uppercased())"}]"#))
    case .childrenNoHash: data(id, .string(#"[{"type":"object"}]"#))
    case .childrenStream:
      say(.stream(id: id, chunk: good, encoding: "utf8"))
      say(.streamEnd(id: id))
    case .childrenSelf: data(id, .string(ChildEntry.encodeList(entries + [ChildEntry(kind: .object, hash: hash)])))
    case .childrenRepeated: data(id, .string(ChildEntry.encodeList(entries + entries)))
    case .childrenWithout: data(id, "[]")
    case .childrenBait:
      data(id, .string(ChildEntry.encodeList(entries + [ChildEntry(kind: .object, hash: shelf.bait)])))
    case .childrenSilent: break
    case .childrenWithExtraMembers:
      data(id, .string(good.replacingOccurrences(of: #"{"type""#, with: #"{"more":{},"type""#)))
    case .closesInRound: out.append(.close)
    default: data(id, .string(good))
    }
  }

  // MARK: Objects

  private mutating func object(_ id: Int, _ hash: String) {
    guard let content = shelf.contents[hash] else {
      return error(id, "SB-READ2", "SB-READ2: File not found: \(hash) [objects]")
    }
    guard hash == shelf.subject else { return data(id, .string(content)) }
    switch plan.misbehaviour {
    case .objectOtherBytes:
      let isId = content.hasPrefix("<div data-id-object")
      data(id, .string(isId ? ProbeLies.idObject : ProbeLies.object))
    case .objectNumber: data(id, 7)
    case .objectList: data(id, [.string(content)])
    case .objectAbsent: data(id, .string(ChumMessage.undefined))
    case .objectError: error(id, "CES-GO1", "CES-GO1: Unauthorized, obj \(hash)")
    case .objectErrorOnce where round == 1: error(id, "CES-GO1", "CES-GO1: Unauthorized, obj \(hash)")
    case .objectHugeError: error(id, "CES-GO1", String(repeating: "x\u{0}<b>", count: 50_000))
    case .objectStream:
      say(.stream(id: id, chunk: content, encoding: "utf8"))
      say(.streamEnd(id: id))
    case .objectTwice:
      data(id, .string(content))
      data(id, .string(ProbeShelf.name("other bytes")))
    case .objectSilent: break
    default: data(id, .string(content))
    }
  }

  // MARK: Files

  private mutating func file(_ id: Int, _ hash: String, isText: Bool) {
    guard let bytes = shelf.files[hash] else { return error(id, "CES-GBL1", "CES-GBL1: Unauthorized, BLOB \(hash)") }
    guard hash == shelf.dependency else { return stream(id, bytes, isText: isText) }
    switch plan.misbehaviour {
    case .fileOtherBytes: stream(id, Array(ProbeLies.file.utf8), isText: isText)
    case .fileEmpty: say(.streamEnd(id: id))
    case .fileEmptyMessage:
      out.append(.message(.binary([])))
      say(.streamEnd(id: id))
    case .fileShortMessage:
      out.append(.message(.binary([1, 2, 3])))
      say(.streamEnd(id: id))
    case .fileOfOneByteChunks: stream(id, bytes, isText: isText, size: 1)
    case .fileEmptyChunkBetween:
      chunk(id, Array(bytes.prefix(10)))
      chunk(id, [])
      stream(id, Array(bytes.dropFirst(10)), isText: false)
    case .fileAsData: data(id, .string("content"))
    case .fileDataBehindChunks:
      chunk(id, bytes)
      data(id, .string("content"))
    case .fileStreamError:
      chunk(id, Array(bytes.prefix(20)))
      say(.streamError(id: id, text: "Error while reading the file stream"))
    case .fileError: error(id, "CES-GBL1", "CES-GBL1: Unauthorized, BLOB \(hash)")
    case .fileAsText: stream(id, Array("text instead of bytes".utf8), isText: true)
    case .fileAsBase64:
      say(.stream(id: id, chunk: Base64.encode(bytes), encoding: "base64"))
      say(.streamEnd(id: id))
    case .fileOfTwoKinds:
      chunk(id, Array(bytes.prefix(10)))
      say(.stream(id: id, chunk: "text", encoding: "utf8"))
      say(.streamEnd(id: id))
    case .fileEndless: for _ in 0..<20 { chunk(id, ProbeShelf.bytes(65_528)) }
    case .fileStalls: chunk(id, Array(bytes.prefix(10)))
    case .fileOddIds:
      for odd in [Double.nan, .infinity, -.infinity, -1, 0.5, 9_007_199_254_740_993, 1e300] {
        out.append(.message(.binary(ChumBinaryChunk(id: odd, data: [1, 2, 3]).bytes)))
      }
      stream(id, bytes, isText: false)
    case .fileTwice:
      stream(id, bytes, isText: isText)
      stream(id, bytes, isText: isText)
    case .clobEncodingAbsent:
      say(#"{"responseId":\#(id),"type":"stream","chunk":\#(JSONText.quoted(String(decoding: bytes, as: UTF8.self)))}"#)
      say(.streamEnd(id: id))
    case .clobEncodingRepeated:
      for letter in String(decoding: bytes, as: UTF8.self) {
        say(.stream(id: id, chunk: String(letter), encoding: "utf8"))
      }
      say(.streamEnd(id: id))
    default: stream(id, bytes, isText: isText)
    }
  }

  private mutating func chunk(_ id: Int, _ data: [UInt8]) {
    out.append(.message(.binary(ChumBinaryChunk(id: Double(id), data: data).bytes)))
  }

  private mutating func stream(_ id: Int, _ bytes: [UInt8], isText: Bool, size: Int = 65_528) {
    if isText {
      let text = String(decoding: bytes, as: UTF8.self)
      say(.stream(id: id, chunk: text, encoding: "utf8"))
    } else {
      for start in stride(from: 0, to: bytes.count, by: size) {
        chunk(id, Array(bytes[start..<min(bytes.count, start + size)]))
      }
    }
    say(.streamEnd(id: id))
  }
}

extension String {
  /// An object as an ID object, and the other way round.
  var switchedForm: String {
    let mark = #" data-id-object="true""#
    return contains(mark) ? replacingFirst(mark, "") : replacingFirst("<div", "<div" + mark)
  }

  func replacingOccurrences(of old: String, with new: String) -> String {
    var rest = self[...]
    var out = ""
    while let range = rest.firstRange(of: old) {
      out += rest[..<range.lowerBound]
      out += new
      rest = rest[range.upperBound...]
    }
    return out + rest
  }
}
