/// The elements of a markup text, found leniently: mutators work on broken texts too.
struct MarkupSpans {
  struct Element {
    /// `<` of the start tag to behind `>` of the end tag.
    var outer: Range<Int>
    var inner: Range<Int>
    /// The element's index it lies in; -1 for the outermost.
    var parent: Int
  }

  private(set) var elements: [Element] = []
  /// The runs of text between tags.
  private(set) var texts: [Range<Int>] = []
  private var open: [Int] = []

  /// Scans once; keeps at most 400 elements, so that a mutation costs a bounded time.
  mutating func scan(_ bytes: [UInt8]) {
    elements.removeAll(keepingCapacity: true)
    texts.removeAll(keepingCapacity: true)
    open.removeAll(keepingCapacity: true)
    var index = 0
    let count = bytes.count
    while index < count, elements.count < 400 {
      guard bytes[index] == 0x3C else {
        let start = index
        while index < count, bytes[index] != 0x3C { index += 1 }
        texts.append(start..<index)
        continue
      }
      let start = index
      while index < count, bytes[index] != 0x3E { index += 1 }
      index = min(index + 1, count)
      if start + 1 < count, bytes[start + 1] == 0x2F {
        guard let last = open.popLast() else { continue }
        elements[last].inner = elements[last].inner.lowerBound..<start
        elements[last].outer = elements[last].outer.lowerBound..<index
      } else {
        elements.append(Element(outer: start..<index, inner: index..<index, parent: open.last ?? -1))
        open.append(elements.count - 1)
      }
    }
    // What is never closed ends with the text.
    for last in open {
      elements[last].inner = min(elements[last].inner.lowerBound, count)..<count
      elements[last].outer = elements[last].outer.lowerBound..<count
    }
  }
}

extension [UInt8] {
  /// Replaces a range, clamped to the array.
  mutating func splice(_ range: Range<Int>, _ new: some Collection<UInt8>) {
    let low = Swift.min(Swift.max(0, range.lowerBound), count)
    let high = Swift.min(Swift.max(low, range.upperBound), count)
    replaceSubrange(low..<high, with: new)
  }

  /// The first place of a piece at or behind `start`.
  func firstRange(of piece: [UInt8], from start: Int = 0) -> Range<Int>? {
    guard let head = piece.first, count >= piece.count, start >= 0 else { return nil }
    var index = start
    while index <= count - piece.count {
      if self[index] == head, self[index..<index + piece.count].elementsEqual(piece) {
        return index..<index + piece.count
      }
      index += 1
    }
    return nil
  }
}
