extension CanonicalReader {
  /// Where a text was found: in the input, or in the arena once entities were replaced.
  struct FoundText {
    var isInArena = false
    var start: Int
    var length: Int
  }

  /// The text up to the next `<` as a value of the type; `pos` ends at that `<`.
  @inline(__always)
  mutating func scalar(_ type: Int32, _ key: Int32) -> Bool {
    let isFine = scalarValue(type, key)
    // Validation needs a text only for a moment.
    if !wantsValues { arena.removeAll() }
    return isFine
  }

  @inline(__always)
  private mutating func scalarValue(_ typeIndex: Int32, _ key: Int32) -> Bool {
    let type = types[typeIndex]
    let start = pos
    guard let text = text(isNeeded: wantsValues || type.kind != .string || type.regexp >= 0) else { return false }
    if type.regexp >= 0, !test(type.regexp, start, text) { return false }
    if text.length == 0 {
      if type.kind != .string {
        // The deployed reader takes the empty text for the empty string, whatever the type (B4).
        if isStrict { return fail(.emptyScalar) }
        isCanonical = false
      }
      if wantsValues { nodes.append(Node(.string, key: key, flags: 0, offset: start, length: 0)) }
      return true
    }
    switch type.kind {
    case .string:
      if wantsValues {
        nodes.append(
          Node(
            .string, key: key, flags: text.isInArena ? Node.inArena : 0, offset: text.start, length: text.length))
      }
      return true
    case .boolean: return boolean(key, start, text)
    case .json: return json(key, start, text)
    default: return number(type.kind, key, start, text)
    }
  }

  /// Scans a text, checks its escaping, and replaces its entities when there are any.
  @inline(__always)
  private mutating func text(isNeeded: Bool) -> FoundText? {
    let start = pos
    let end = view.findMarkup(from: start)
    if view[end] == 0x3C {
      pos = end
      return FoundText(start: start, length: end &- start)
    }
    return escapedText(start, end, isNeeded)
  }

  /// The rest of `text` once an `&` or `>` was met at `first`, or the end of the input.
  private mutating func escapedText(_ start: Int, _ first: Int, _ isNeeded: Bool) -> FoundText? {
    let from = arena.count
    // What is reserved is only touched when it is needed.
    if isNeeded { arena.reserve(from == 0 && view.count > 4096 ? view.count &- start : first &- start &+ 64) }
    var run = start
    var index = first
    while true {
      switch view[index] {
      case 0x3C:
        pos = index
        guard isNeeded else { return FoundText(start: start, length: index &- start) }
        arena.append(view.slice(run, index))
        return FoundText(isInArena: true, start: from, length: arena.count &- from)
      case 0x26:
        if let (byte, length) = Escaping.entity(view, index) {
          if isNeeded {
            arena.append(view.slice(run, index))
            arena.append(byte)
          }
          index &+= length
          run = index
        } else {
          if isStrict {
            _ = fail(.bareAmpersand, at: index)
            return nil
          }
          isCanonical = false
          index &+= 1
        }
      case 0x3E:
        if isStrict {
          _ = fail(.bareGreater, at: index)
          return nil
        }
        isCanonical = false
        index &+= 1
      default:
        // The input ends inside the text.
        _ = fail(.closing, at: view.count)
        return nil
      }
      index = view.findMarkup(from: index)
    }
  }

  /// Gives the bytes of a found text to a closure.
  @inline(__always)
  private func withText<Result>(_ text: FoundText, _ body: (ByteView) -> Result) -> Result {
    guard text.isInArena else { return body(view.slice(text.start, text.start &+ text.length)) }
    return arena.withView(from: text.start) { body($0.slice(0, text.length)) }
  }

  private mutating func test(_ regexp: Int32, _ start: Int, _ text: FoundText) -> Bool {
    let pair = codec.regexps[Int(regexp)]
    do throws(MicrodataError) {
      let fits: Bool
      if isStrict {
        let steps = limits.regexpSteps
        var result: Result<Bool, MicrodataError> = .success(false)
        withText(text) { view in
          do throws(MicrodataError) { result = .success(try pair.writer.matches(view, steps: steps)) } catch {
            result = .failure(error)
          }
        }
        fits = try result.get()
      } else {
        fits = try pair.reader.get().matches(view.slice(start, pos), steps: limits.regexpSteps)
      }
      return fits || fail(.regexp(Int(regexp)), at: start)
    } catch {
      failure.thrown = error
      return fail(.thrown, at: start)
    }
  }

  private mutating func boolean(_ key: Int32, _ start: Int, _ text: FoundText) -> Bool {
    let isTrue = text.length == 4 && withText(text) { $0[0] == 0x74 && $0[1] == 0x72 && $0[2] == 0x75 && $0[3] == 0x65 }
    if !isTrue {
      let isFalse =
        text.length == 5 && !text.isInArena && CanonicalReader.falseWord.withView { view.has($0, at: start) }
      if !isFalse {
        if isStrict { return fail(.boolean, at: start) }
        isCanonical = false
      }
    }
    if wantsValues { nodes.append(Node(isTrue ? .true : .false, key: key)) }
    return true
  }

  private static let falseWord: [UInt8] = Array("false".utf8)
  private static let nullWord: [UInt8] = Array("null".utf8)

  private mutating func number(_ kind: TypeKind, _ key: Int32, _ start: Int, _ text: FoundText) -> Bool {
    if !tracksForm {
      let value = withText(text) { NumberText.parse($0) }
      nodes.append(Node(.number, key: key, payload: value.bitPattern))
      return true
    }
    let (value, isWritten, isNull) = withText(text) { text in
      let isWritten = NumberText.isCanonical(text)
      let isNeeded = wantsValues || kind == .integer
      let value = isNeeded || !isWritten ? NumberText.parse(text) : 0
      return (value, isWritten, !isWritten && CanonicalReader.nullWord.withView { text.equals($0) })
    }
    // `null` is what the writer makes of NaN, of numbers only.
    let isFit = isWritten ? kind == .number || value == value.rounded(.towardZero) : isNull && kind == .number
    if !isFit || text.isInArena {
      if isStrict { return fail(.number(kind), at: start) }
      isCanonical = false
    }
    if wantsValues { nodes.append(Node(.number, key: key, payload: value.bitPattern)) }
    return true
  }

  private mutating func json(_ key: Int32, _ start: Int, _ text: FoundText) -> Bool {
    let verdict = withText(text) { JSONScanner.check($0, depthLimit: limits.jsonDepth) }
    var isWritten = false
    switch verdict {
    case .canonical:
      isWritten = true
      // At the top level the writer has no text for null, wherever else it has.
      if isStrict, key >= 0, isTopMember,
        withText(text, { text in CanonicalReader.nullWord.withView { text.equals($0) } })
      {
        return fail(.topNull, at: start)
      }
    case .valid:
      if isStrict { return fail(.unsortedJSON, at: start) }
      isCanonical = false
    case .tooDeep: return fail(.jsonDepth, at: start)
    case .invalid:
      guard isStrict, withText(text, { RawKeyJSON.isWritten($0, isTop: isTopMember) }) else {
        return fail(.json, at: start)
      }
    }
    if wantsValues {
      if verdict.isJSON, withText(text, { JSONText.isNull($0) }) {
        // The writer asks for null before it asks for the type.
        nodes.append(Node(.null, key: key))
        return true
      }
      let flags = (text.isInArena ? Node.inArena : 0) | (isWritten ? Node.isCanonical : 0)
      nodes.append(Node(.json, key: key, flags: flags, offset: text.start, length: text.length))
    }
    return true
  }
}
