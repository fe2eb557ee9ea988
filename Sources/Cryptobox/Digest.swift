import COpenSSL
import WireBytes

/// SHA-256 through libcrypto's EVP, which uses the processor's SHA instructions (libsodium's does not).
@safe public struct SHA256: ~Copyable {
  private let context: OpaquePointer

  /// Starts a digest over bytes that come in pieces.
  public init() {
    unsafe context = EVP_MD_CTX_new()
    _ = unsafe EVP_DigestInit_ex(context, EVP_sha256(), nil)
  }

  deinit { unsafe EVP_MD_CTX_free(context) }

  public mutating func update(_ bytes: [UInt8]) {
    _ = unsafe EVP_DigestUpdate(context, bytes, bytes.count)
  }

  /// The digest of everything so far, 32 bytes; the state ends with it.
  public consuming func finish() -> [UInt8] {
    var out = [UInt8](repeating: 0, count: 32)
    _ = unsafe EVP_DigestFinal_ex(context, &out, nil)
    return out
  }

  public static func hash(_ bytes: [UInt8]) -> [UInt8] {
    var out = [UInt8](repeating: 0, count: 32)
    _ = unsafe EVP_Digest(bytes, bytes.count, &out, nil, EVP_sha256(), nil)
    return out
  }

  public static func hex(_ bytes: [UInt8]) -> String { Hex.encode(hash(bytes)) }
  public static func hex(_ text: String) -> String { hex(Array(text.utf8)) }
}

/// A running digest that can stand in tables of open streams.
public final class StreamDigest {
  private var digest: SHA256?
  public private(set) var length = 0

  public init() { digest = SHA256() }

  public func update(_ bytes: [UInt8]) {
    digest?.update(bytes)
    length += bytes.count
  }

  /// The digest in hex; the empty text when asked twice.
  public func finish() -> String {
    guard let digest = digest.take() else { return "" }
    return Hex.encode(digest.finish())
  }
}
