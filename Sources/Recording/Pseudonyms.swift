import Cryptobox
import WireBytes

/// Replaces what names or opens something by pseudonyms that stay the same within one recording.
///
/// Keys and ids are runs of hex digits of the length of a key (or a byte or two off, as the malformed ones of a test
/// are): they become hashes over a salt that is thrown away. Tokens become other characters of their alphabet. Lengths,
/// upper case and everything around stay, so that the session replays as before. Points of small order stay, since they
/// are nobody's and a judge must recognise them. Ciphertexts stay, they say nothing without a key.
public struct Pseudonyms: Sendable {
  private let salt: [UInt8]
  /// Lengths of hex runs that count as keys.
  private static let keyDigits = 60...70
  private static let tokenAlphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
  private static let tokenMark = Array("\"token\":\"".utf8)

  /// The salt is 32 random bytes; whoever has it can test guesses.
  public init(salt: [UInt8]) { self.salt = salt }

  public func redact(_ text: String) -> String {
    let bytes = Array(text.utf8)
    guard bytes.count >= 8 else { return text }
    var out: [UInt8] = []
    out.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
      if bytes[index] == 0x22, let end = tokenEnd(bytes, index) {
        out += bytes[index..<index + Self.tokenMark.count]
        out += token(Array(bytes[index + Self.tokenMark.count..<end]))
        index = end
        continue
      }
      guard Self.isHex(bytes[index]) else {
        out.append(bytes[index])
        index += 1
        continue
      }
      var end = index
      while end < bytes.count, Self.isHex(bytes[end]) { end += 1 }
      let run = Array(bytes[index..<end])
      out += Self.keyDigits.contains(run.count) ? key(run) : run
      index = end
    }
    return String(decoding: out, as: UTF8.self)
  }

  private func key(_ digits: [UInt8]) -> [UInt8] {
    let text = String(decoding: digits, as: UTF8.self)
    if let point = PublicKey(hex: text), point.isLowOrder { return digits }
    let lower = text.lowercased()
    var pseudonym = hash(Array(lower.utf8))
    while pseudonym.count < digits.count { pseudonym += pseudonym }
    let cut = String(decoding: pseudonym.prefix(digits.count), as: UTF8.self)
    return Array((lower == text ? cut : cut.uppercased()).utf8)
  }

  private func token(_ token: [UInt8]) -> [UInt8] {
    let digest = SHA256.hash(salt + [1] + token)
    return token.indices.map { Self.tokenAlphabet[Int(digest[$0 % digest.count] ^ UInt8($0 & 63)) & 63] }
  }

  private func hash(_ bytes: [UInt8]) -> [UInt8] { Array(SHA256.hex(salt + [0] + bytes).utf8) }

  /// Where the value of a `token` member that starts here ends.
  private func tokenEnd(_ bytes: [UInt8], _ start: Int) -> Int? {
    let value = start + Self.tokenMark.count
    guard value < bytes.count, bytes[start..<value].elementsEqual(Self.tokenMark) else { return nil }
    return bytes[value...].firstIndex(of: 0x22)
  }

  private static func isHex(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
    default: false
    }
  }
}
