/// Mutations that know nothing of markup but its letters.
enum ByteMutator: CaseIterable {
  case flipBit, setByte, insertByte, deleteRange, duplicateRange, moveRange, insertToken, replaceByToken, changeDigit
  case truncate, insertScalar

  static let interesting: [UInt8] =
    Array("<>&;/\"'= a0\n\r\t".utf8) + [0x00, 0x01, 0x7F, 0x80, 0xBF, 0xC3, 0xED, 0xEF, 0xF0, 0xFF]

  func apply(to bytes: inout [UInt8], tokens: [[UInt8]], _ random: inout SplitMix64) {
    let at = random.below(bytes.count)
    let length = 1 + random.below(random.below(4) == 0 ? bytes.count : 8)
    switch self {
    case .flipBit: if !bytes.isEmpty { bytes[at] ^= 1 << UInt8(random.below(8)) }
    case .setByte: if !bytes.isEmpty { bytes[at] = Self.interesting[random.below(Self.interesting.count)] }
    case .insertByte: bytes.splice(at..<at, CollectionOfOne(Self.interesting[random.below(Self.interesting.count)]))
    case .deleteRange: bytes.splice(at..<at + length, [])
    case .duplicateRange:
      let copy = Array(bytes[at..<min(at + length, bytes.count)])
      bytes.splice(at..<at, copy)
    case .moveRange:
      let copy = Array(bytes[at..<min(at + length, bytes.count)])
      bytes.splice(at..<at + copy.count, [])
      let target = random.below(bytes.count + 1)
      bytes.splice(target..<target, copy)
    case .insertToken: if !tokens.isEmpty { bytes.splice(at..<at, tokens[random.below(tokens.count)]) }
    case .replaceByToken:
      guard !tokens.isEmpty else { return }
      let token = tokens[random.below(tokens.count)]
      bytes.splice(at..<at + token.count, token)
    case .changeDigit:
      guard let digit = bytes[at...].firstIndex(where: { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
      else {
        return
      }
      bytes[digit] = Array("0123456789abcdefAG".utf8)[random.below(18)]
    case .truncate: bytes.splice(at..<bytes.count, [])
    case .insertScalar:
      let scalars: [UInt32] = [0x0, 0xD, 0x85, 0xA0, 0x2028, 0xFEFF, 0xFFFD, 0xFFFE, 0xE000, 0x10000, 0x10FFFF]
      guard let scalar = Unicode.Scalar(scalars[random.below(scalars.count)]) else { return }
      bytes.splice(at..<at, Array(String(Character(scalar)).utf8))
    }
  }
}
