/// The masking of RFC 6455, 5.3: the four bytes of the key over and over.
public enum Masking {
  /// Copies bytes and masks or unmasks them on the way. `offset` is how many bytes of the frame came before.
  /// Copies as many as both buffers have room for.
  public static func copy(
    _ source: UnsafeRawBufferPointer, to target: UnsafeMutableRawBufferPointer, mask: UInt32, offset: Int
  ) {
    let count = min(source.count, target.count)
    guard count > 0, let from = source.baseAddress, let to = target.baseAddress else { return }
    let shift = UInt32(offset & 3) * 8
    let turned = shift == 0 ? mask : mask >> shift | mask << (32 - shift)
    let word = (UInt64(turned) | UInt64(turned) << 32).littleEndian
    let wide = SIMD4<UInt64>(repeating: word)
    var index = 0
    while index + 32 <= count {
      let block = unsafe from.loadUnaligned(fromByteOffset: index, as: SIMD4<UInt64>.self)
      unsafe to.storeBytes(of: block ^ wide, toByteOffset: index, as: SIMD4<UInt64>.self)
      index += 32
    }
    while index < count {
      let byte = unsafe from.load(fromByteOffset: index, as: UInt8.self)
      let key = UInt8(truncatingIfNeeded: turned >> UInt32((index & 3) * 8))
      unsafe to.storeBytes(of: byte ^ key, toByteOffset: index, as: UInt8.self)
      index += 1
    }
  }

  /// Masks an array; its own inverse.
  public static func apply(_ mask: UInt32, to bytes: [UInt8]) -> [UInt8] {
    unsafe [UInt8](unsafeUninitializedCapacity: bytes.count) { buffer, count in
      unsafe bytes.withUnsafeBytes { source in
        unsafe copy(source, to: UnsafeMutableRawBufferPointer(buffer), mask: mask, offset: 0)
      }
      count = bytes.count
    }
  }
}
