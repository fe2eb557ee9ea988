/// Sorts pieces that stand one behind the other in the output, by UTF-16 code unit (microdata.md 3.3).
enum ItemSorter {
  /// The same in a buffer, without a separator.
  static func sort(_ out: inout Buffer<UInt8>, from start: Int, ends: borrowing Buffer<Int>) {
    guard ends.count > 1, !isSorted(out, start, ends) else { return }
    var pieces: [(from: Int, to: Int)] = []
    pieces.reserveCapacity(ends.count)
    var from = 0
    for index in 0..<ends.count {
      pieces.append((from, ends[index] - start))
      from = ends[index] - start
    }
    let sorted: [UInt8] = out.withView(from: start) { view in
      pieces.sort { WTF8.compare(view.slice($0.from, $0.to), view.slice($1.from, $1.to)) < 0 }
      var sorted: [UInt8] = []
      sorted.reserveCapacity(view.count)
      for piece in pieces { view.slice(piece.from, piece.to).append(to: &sorted) }
      return sorted
    }
    out.truncate(start)
    out.append(sorted)
  }

  private static func isSorted(_ out: borrowing Buffer<UInt8>, _ start: Int, _ ends: borrowing Buffer<Int>) -> Bool {
    var from = 0
    for index in 0..<(ends.count - 1) {
      let middle = ends[index] - start
      let end = ends[index + 1] - start
      let isAscending = out.withView(from: start) { view in
        WTF8.compare(view.slice(from, middle), view.slice(middle, end)) <= 0
      }
      if !isAscending { return false }
      from = middle
    }
    return true
  }

  /// `ends` are the ends of the pieces; the first begins at `start`. With a separator it is put between them.
  static func sort(_ out: inout [UInt8], from start: Int, ends: [Int], separator: UInt8? = nil) {
    guard !ends.isEmpty else { return }
    if separator == nil, isSorted(out, start, ends) { return }
    var pieces: [(from: Int, to: Int)] = []
    pieces.reserveCapacity(ends.count)
    var from = start
    for end in ends {
      pieces.append((from, end))
      from = end
    }
    let sorted: [UInt8] = out.withView { view in
      pieces.sort { WTF8.compare(view.slice($0.from, $0.to), view.slice($1.from, $1.to)) < 0 }
      var sorted: [UInt8] = []
      sorted.reserveCapacity(out.count - start + ends.count)
      for (index, piece) in pieces.enumerated() {
        if index > 0, let separator { sorted.append(separator) }
        view.slice(piece.from, piece.to).append(to: &sorted)
      }
      return sorted
    }
    out.removeSubrange(start...)
    out += sorted
  }

  private static func isSorted(_ out: [UInt8], _ start: Int, _ ends: [Int]) -> Bool {
    out.withView { view in
      var from = start
      for index in 0..<(ends.count - 1) {
        if WTF8.compare(view.slice(from, ends[index]), view.slice(ends[index], ends[index + 1])) > 0 { return false }
        from = ends[index]
      }
      return true
    }
  }
}
