import Glibc

/// Growing memory of one owner, without the checks of an array on every append; given to a document as it is.
@safe struct Buffer<Element: BitwiseCopyable>: ~Copyable {
  private var base: UnsafeMutablePointer<Element>?
  private(set) var count = 0
  private var capacity = 0
  /// True while the memory belongs to somebody else, who must outlive the buffer.
  private(set) var isBorrowed = false

  init() { unsafe base = nil }

  /// Writes into memory of somebody else as long as that suffices.
  init(borrowing memory: UnsafeMutableBufferPointer<Element>) {
    unsafe base = memory.baseAddress
    capacity = unsafe base == nil ? 0 : memory.count
    isBorrowed = true
  }

  deinit { if !isBorrowed { unsafe free(base) } }

  /// Makes room for `more` elements behind the last one.
  @inline(__always)
  mutating func reserve(_ more: Int) {
    if count &+ more > capacity { grow(more) }
  }

  @inline(never)
  private mutating func grow(_ more: Int) {
    capacity = max(capacity &* 2, count &+ more, 16)
    if isBorrowed {
      let lent = unsafe base
      unsafe base = malloc(capacity &* MemoryLayout<Element>.stride)?.assumingMemoryBound(to: Element.self)
      precondition(unsafe base != nil, "out of memory")
      if let lent = unsafe lent { unsafe base?.update(from: lent, count: count) }
      isBorrowed = false
      return
    }
    unsafe base = realloc(base, capacity &* MemoryLayout<Element>.stride)?.assumingMemoryBound(to: Element.self)
    // Swift's own containers end the process when memory ends; so does this one.
    precondition(unsafe base != nil, "out of memory")
  }

  @inline(__always)
  mutating func append(_ element: Element) {
    reserve(1)
    unsafe base?[count] = element
    count &+= 1
  }

  /// The element at an index that was appended before.
  @inline(__always)
  subscript(index: Int) -> Element {
    get {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: count), "a buffer is read where it was written")
      return unsafe base.unsafelyUnwrapped[index]
    }
    set {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: count), "a buffer is changed where it was written")
      unsafe base.unsafelyUnwrapped[index] = newValue
    }
  }

  mutating func removeAll() { count = 0 }

  mutating func truncate(_ newCount: Int) { count = min(max(newCount, 0), count) }

  /// Gives the memory away; the buffer is empty afterwards.
  mutating func take() -> OwnedBytes<Element> {
    let taken = unsafe OwnedBytes(base: base, count: count)
    unsafe base = nil
    count = 0
    capacity = 0
    return taken
  }

  @inline(__always)
  fileprivate var end: UnsafeMutablePointer<Element> { unsafe base.unsafelyUnwrapped + count }
  @inline(__always)
  fileprivate mutating func advance(_ length: Int) { count &+= length }
  fileprivate var buffer: UnsafeBufferPointer<Element> { unsafe UnsafeBufferPointer(start: base, count: count) }
}

/// Memory that a buffer gave away; whoever holds it frees it once.
@safe struct OwnedBytes<Element: BitwiseCopyable> {
  private let base: UnsafeMutablePointer<Element>?
  let count: Int

  fileprivate init(base: UnsafeMutablePointer<Element>?, count: Int) {
    unsafe self.base = base
    self.count = count
  }

  func release() { unsafe free(base) }

  @inline(__always)
  subscript(index: Int) -> Element {
    precondition(UInt(bitPattern: index) < UInt(bitPattern: count), "nodes point into their document")
    return unsafe base.unsafelyUnwrapped[index]
  }
}

extension OwnedBytes<UInt8> {
  /// Valid until the memory is released.
  var view: ByteView { unsafe ByteView(UnsafeBufferPointer(start: base, count: count)) }
}

extension Buffer<UInt8> {
  /// Up to eight letters, first letter lowest.
  @inline(__always)
  mutating func put(_ letters: UInt64, _ length: Int) {
    reserve(8)
    unsafe UnsafeMutableRawPointer(end).storeBytes(of: letters.littleEndian, as: UInt64.self)
    advance(length)
  }

  /// Bytes of any length.
  @inline(__always)
  mutating func append(_ view: ByteView) {
    guard view.count > 0 else { return }
    reserve(view.count)
    unsafe view.copy(to: end)
    advance(view.count)
  }

  /// Bytes of the program's texts, behind which 16 bytes may be read.
  @inline(__always)
  mutating func appendPadded(_ view: ByteView) {
    reserve(view.count &+ 16)
    var done = 0
    while done < view.count {
      unsafe UnsafeMutableRawPointer(end + done).storeBytes(of: view.paddedPair(done).0, as: UInt64.self)
      unsafe UnsafeMutableRawPointer(end + done + 8).storeBytes(of: view.paddedPair(done).1, as: UInt64.self)
      done &+= 16
    }
    advance(view.count)
  }

  /// Text with `&`, `<` and `>` escaped: copies eight bytes at a time and looks at them on the way.
  @inline(__always)
  mutating func appendEscaped(_ view: ByteView) {
    reserve(view.count &+ 16)
    var index = 0
    while index &+ 8 <= view.count {
      let bytes = view.fullWord(index)
      unsafe UnsafeMutableRawPointer(end).storeBytes(of: bytes.littleEndian, as: UInt64.self)
      let hits = ByteView.markup(bytes)
      if hits == 0 {
        index &+= 8
        advance(8)
        continue
      }
      let plain = hits.trailingZeroBitCount >> 3
      advance(plain)
      index &+= plain
      putEntity(view[index])
      index &+= 1
      reserve(view.count &- index &+ 16)
    }
    while index < view.count {
      let byte = view[index]
      index &+= 1
      if byte | 2 == 0x3E || byte == 0x26 {
        putEntity(byte)
        reserve(16)
      } else {
        unsafe end.pointee = byte
        advance(1)
      }
    }
  }

  @inline(__always)
  private mutating func putEntity(_ byte: UInt8) {
    switch byte {
    case 0x26: put(0x3B_706D_6126, 5)
    case 0x3C: put(0x3B74_6C26, 4)
    default: put(0x3B74_6726, 4)
    }
  }

  mutating func append(_ bytes: [UInt8]) { bytes.withView { append($0) } }

  /// What stands in the buffer from `start` on, until it changes.
  func withView<Result, Failure: Error>(
    from start: Int = 0, _ body: (ByteView) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(unsafe ByteView(buffer).slice(start, count))
  }

  /// The bytes as an array.
  var array: [UInt8] { unsafe [UInt8](buffer) }

  /// Runs a writer of arrays and appends what it wrote.
  mutating func append(writing body: (inout [UInt8]) -> Void) {
    var bytes: [UInt8] = []
    body(&bytes)
    append(bytes)
  }
}
