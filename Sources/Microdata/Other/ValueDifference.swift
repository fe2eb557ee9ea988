/// One place where two values differ.
public struct ValueDifference: Sendable {
  /// The way to the place, such as `person[3]` or `rule[0].itemprop`.
  public let path: String
  /// The value on the left; nil where it is missing.
  public let left: OneValue?
  public let right: OneValue?
}

extension OneValue {
  /// The places where two values differ, deepest first found, at most `limit`. Order of members does not count.
  public func differences(from other: OneValue, limit: Int = 100) -> [ValueDifference] {
    var found: [ValueDifference] = []
    OneValue.compare(self, other, "", limit, &found)
    return found
  }

  private static func compare(
    _ left: OneValue, _ right: OneValue, _ path: String, _ limit: Int, _ found: inout [ValueDifference]
  ) {
    guard found.count < limit, left != right else { return }
    switch (left, right) {
    case (.object(let a), .object(let b)):
      for member in a.members {
        let place = path.isEmpty ? member.name.string : "\(path).\(member.name.string)"
        if let other = b[member.name] {
          compare(member.value, other, place, limit, &found)
        } else {
          found.append(ValueDifference(path: place, left: member.value, right: nil))
        }
      }
      for member in b.members where a[member.name] == nil {
        let place = path.isEmpty ? member.name.string : "\(path).\(member.name.string)"
        found.append(ValueDifference(path: place, left: nil, right: member.value))
      }
    case (.array(let a), .array(let b)), (.set(let a), .set(let b)): compareItems(a, b, path, limit, &found)
    case (.map(let a), .map(let b)):
      compareItems(
        a.map { .array([$0.key, $0.value]) }, b.map { .array([$0.key, $0.value]) }, path, limit, &found)
    default: found.append(ValueDifference(path: path, left: left, right: right))
    }
    if found.count > limit { found.removeLast(found.count - limit) }
  }

  private static func compareItems(
    _ a: [OneValue], _ b: [OneValue], _ path: String, _ limit: Int, _ found: inout [ValueDifference]
  ) {
    for index in 0..<max(a.count, b.count) where found.count < limit {
      let place = "\(path)[\(index)]"
      if index < a.count, index < b.count {
        compare(a[index], b[index], place, limit, &found)
      } else {
        found.append(
          ValueDifference(
            path: place, left: index < a.count ? a[index] : nil, right: index < b.count ? b[index] : nil))
      }
    }
  }
}
