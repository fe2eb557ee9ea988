/// Grey images of one bit a pixel as PNG (ISO/IEC 15948), in stored deflate blocks: small enough as it is.
extension QRSymbol {
  /// The symbol with its quiet zone; each module is `scale` pixels wide.
  public func png(scale: Int = 8) -> [UInt8] {
    let scale = max(1, min(scale, 64))
    let side = (width + 2 * Self.quietZone) * scale
    var raw: [UInt8] = []
    for y in 0..<side {
      // Each line begins with its filter: none.
      raw.append(0)
      var byte: UInt8 = 0
      for x in 0..<side {
        let isLight = !isDark(x / scale - Self.quietZone, y / scale - Self.quietZone)
        byte = byte << 1 | (isLight ? 1 : 0)
        if x % 8 == 7 {
          raw.append(byte)
          byte = 0
        }
      }
      if side % 8 != 0 { raw.append(byte << UInt8(8 - side % 8)) }
    }
    var out: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    // Width, height, one bit, grey, deflate, the only filter method, no interlace.
    PNGWriter.chunk("IHDR", PNGWriter.bigEndian(side) + PNGWriter.bigEndian(side) + [1, 0, 0, 0, 0], to: &out)
    PNGWriter.chunk("IDAT", PNGWriter.zlib(raw), to: &out)
    PNGWriter.chunk("IEND", [], to: &out)
    return out
  }
}

enum PNGWriter {
  static func bigEndian(_ number: Int) -> [UInt8] {
    let word = UInt32(truncatingIfNeeded: number)
    return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> UInt32($0)) }
  }

  static func chunk(_ type: String, _ data: [UInt8], to out: inout [UInt8]) {
    let body = Array(type.utf8) + data
    out += bigEndian(data.count) + body + bigEndian(Int(crc(body)))
  }

  /// RFC 1950 around stored blocks of RFC 1951.
  static func zlib(_ bytes: [UInt8]) -> [UInt8] {
    var out: [UInt8] = [0x78, 0x01]
    var start = 0
    repeat {
      let count = min(65_535, bytes.count - start)
      let isLast = start + count == bytes.count
      let length = UInt16(count)
      out += [isLast ? 1 : 0, UInt8(length & 255), UInt8(length >> 8), UInt8(~length & 255), UInt8(~length >> 8)]
      out += bytes[start..<(start + count)]
      start += count
    } while start < bytes.count
    return out + bigEndian(Int(adler(bytes)))
  }

  private static func adler(_ bytes: [UInt8]) -> UInt32 {
    var (one, two): (UInt32, UInt32) = (1, 0)
    for byte in bytes {
      one = (one + UInt32(byte)) % 65_521
      two = (two + one) % 65_521
    }
    return two << 16 | one
  }

  private static let table: [UInt32] = (0..<256).map { number in
    (0..<8).reduce(UInt32(number)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ value >> 1 : value >> 1 }
  }

  private static func crc(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(UInt32.max) { table[Int(($0 ^ UInt32($1)) & 255)] ^ $0 >> 8 }
  }
}
