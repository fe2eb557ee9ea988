/// RFC 4648 base64 with padding, as the recordings carry binary frames.
public enum Base64 {
  private static let alphabet: [UInt8] = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let reverse: [UInt8] = {
    var table = [UInt8](repeating: 255, count: 256)
    for (index, letter) in alphabet.enumerated() { table[Int(letter)] = UInt8(index) }
    return table
  }()

  public static func encode(_ bytes: [UInt8]) -> String {
    var out: [UInt8] = []
    out.reserveCapacity((bytes.count + 2) / 3 * 4)
    var index = 0
    while index + 2 < bytes.count {
      let word = UInt32(bytes[index]) << 16 | UInt32(bytes[index + 1]) << 8 | UInt32(bytes[index + 2])
      for shift: UInt32 in [18, 12, 6, 0] { out.append(alphabet[Int(word >> shift & 63)]) }
      index += 3
    }
    switch bytes.count - index {
    case 1:
      let word = UInt32(bytes[index]) << 16
      out += [alphabet[Int(word >> 18)], alphabet[Int(word >> 12 & 63)], 0x3D, 0x3D]
    case 2:
      let word = UInt32(bytes[index]) << 16 | UInt32(bytes[index + 1]) << 8
      out += [alphabet[Int(word >> 18)], alphabet[Int(word >> 12 & 63)], alphabet[Int(word >> 6 & 63)], 0x3D]
    default: break
    }
    return String(decoding: out, as: UTF8.self)
  }

  /// Exact reading: padded, no white space, no bits left over; nil otherwise.
  public static func decode(_ text: String) -> [UInt8]? {
    var text = text
    return text.withUTF8 { utf8 in unsafe decode(utf8) }
  }

  private static func decode(_ utf8: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
    guard utf8.count.isMultiple(of: 4) else { return nil }
    guard utf8.count > 0 else { return [] }
    let last = unsafe utf8[utf8.count - 1]
    let beforeLast = unsafe utf8[utf8.count - 2]
    let padding = last != 0x3D ? 0 : beforeLast != 0x3D ? 1 : 2
    let size = utf8.count / 4 * 3 - padding
    let table = reverse
    var valid = true
    let out = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      var input = 0
      var output = 0
      while input < utf8.count {
        var word: UInt32 = 0
        for offset in 0..<4 {
          var digit = unsafe table[Int(utf8[input + offset])]
          if digit == 255 {
            // Only the announced padding may stand here, at the very end.
            if input + offset < utf8.count - padding {
              valid = false
              count = output
              return
            }
            digit = 0
          }
          word = word << 6 | UInt32(digit)
        }
        for shift: UInt32 in [16, 8, 0] {
          let byte = UInt8(truncatingIfNeeded: word >> shift)
          if output < size {
            unsafe (buffer.baseAddress! + output).initialize(to: byte)
            output += 1
          } else if byte != 0 {
            valid = false
          }
        }
        input += 4
      }
      count = output
    }
    return valid ? out : nil
  }
}
