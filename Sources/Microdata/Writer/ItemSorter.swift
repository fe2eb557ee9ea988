/// Sorts pieces that stand one behind the other in the output, by UTF-16 code unit (microdata.md 3.3).
enum ItemSorter {
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
