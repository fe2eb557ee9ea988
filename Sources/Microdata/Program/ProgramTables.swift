/// What a value of a recipe is read and written as.
enum TypeKind: UInt8, Sendable {
  case string, integer, number, boolean, json, reference, array, bag, set, map, object
  /// Strict only: the writer writes a string here and the reader reads another type (B3), so that no filled text is
  /// canonical; the first kind still allows the empty text, which both take for the empty string.
  case emptyOnly, never

  var isScalar: Bool { rawValue <= TypeKind.json.rawValue }
  var isList: Bool { self == .array || self == .bag || self == .set }
}

/// A stretch of a table.
struct Stretch: Sendable {
  var start: Int32 = 0
  var count: Int32 = 0

  init() {}
  init(_ start: Int, _ count: Int) {
    self.start = Int32(truncatingIfNeeded: start)
    self.count = Int32(truncatingIfNeeded: count)
  }
  var end: Int { Int(start) &+ Int(count) }
  var indices: Range<Int> { Int(start)..<end }
}

/// One exact text that the program expects or writes: as bytes, and as code units for the reader of units.
struct Template: Sendable {
  var bytes = Stretch()
  var units = Stretch()
}

/// A type, compiled. Children are indices into the table of types.
struct TypeCode: Sendable {
  var kind: TypeKind
  /// Item of a list, or value of a map.
  var item: Int32 = -1
  var key: Int32 = -1
  /// Nested rules of an object.
  var rules = Stretch()
  /// Index into the table of regexps, or -1.
  var regexp: Int32 = -1
  /// References: what they point to, and an index into the lists of allowed types.
  var link: ItemType.ReferenceKind = .object
  var allowedTypes: Int32 = -1
  /// What stands around the value inside of a list or map; empty for scalars.
  var itemOpen = Template()
  var itemClose = Template()
  /// What closes the value as a member.
  var memberClose = Template()
  /// Index into the table of failures, or -1: a nested rule whose inheritance cannot be resolved.
  var failure: Int32 = -1
  /// Nested objects whose pieces the canonical walk cannot tell apart (a `"` in an itemprop).
  var isIrregular = false
}

/// A rule, compiled.
struct RuleCode: Sendable {
  var type: Int32
  /// Index into the table of names.
  var name: Int32
  /// What opens the member, the itemprop included.
  var open = Template()
  /// `<div itemprop="P">`, which opens objects anywhere inside of the rule's value.
  var divOpen = Template()
  /// `itemprop="P"`.
  var attribute = Template()
  /// The literal `true` of the top level.
  var isOptional: Bool
  /// Truthiness, which counts inside of objects.
  var isNestedOptional: Bool
  /// Index into the table of failures, or -1: inheritance that cannot be resolved.
  var failure: Int32 = -1
}

/// A recipe, compiled: its rules as the reader, the writer and the strict reader see them.
struct RecipeCode: Sendable {
  var name = Stretch()
  var isVersioned: Bool
  var reader = Stretch()
  var readerId = Stretch()
  var writer = Stretch()
  var writerId = Stretch()
  var strict = Stretch()
  var strictId = Stretch()
  /// The deployed reader has surprises with these itemprops (`$type$`, `__proto__`, doubled ones): no canonical walk.
  var isIrregular = false
  /// Strict refuses the type: an itemprop that would change the result's type, or one that stands twice.
  var isHostile = false
}

/// An immutable table without retain counts, so that the walk touches nothing but its entries.
@safe struct Table<Element: Sendable> {
  private let base: UnsafeMutablePointer<Element>
  let count: Int

  init(_ elements: [Element]) {
    count = elements.count
    unsafe base = UnsafeMutablePointer<Element>.allocate(capacity: max(count, 1))
    for (index, element) in elements.enumerated() { unsafe (base + index).initialize(to: element) }
  }

  func free() {
    unsafe base.deinitialize(count: count)
    unsafe base.deallocate()
  }

  @inline(__always)
  subscript(index: Int) -> Element {
    precondition(UInt(bitPattern: index) < UInt(bitPattern: count), "tables index only what they compiled")
    return unsafe base[index]
  }

  @inline(__always)
  subscript(index: Int32) -> Element { self[Int(index)] }
}

extension Table<UInt8> {
  /// The bytes of a stretch; valid as long as the table.
  @inline(__always)
  func view(_ stretch: Stretch) -> ByteView {
    unsafe ByteView(UnsafeBufferPointer(start: base + Int(stretch.start), count: Int(stretch.count)))
  }
}

/// The two readings of a recipe's regexp.
final class RegexpPair: Sendable {
  /// As the writer tests it, on the raw value.
  let writer: Regexp
  /// As the reader tests it, on the escaped text; the unescaped pattern may be none.
  let reader: Result<Regexp, MicrodataError>

  init(_ source: RegexpSource) throws(MicrodataError) {
    writer = try Regexp(source)
    do throws(MicrodataError) { reader = .success(try Regexp.unescaped(source)) } catch { reader = .failure(error) }
  }
}
