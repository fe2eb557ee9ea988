import COpenSSL

/// SHA-1 through libcrypto, for the WebSocket opening handshake only (RFC 6455, section 4.2.2); it protects nothing.
public enum SHA1 {
  public static func hash(_ bytes: [UInt8]) -> [UInt8] {
    var out = [UInt8](repeating: 0, count: 20)
    _ = unsafe EVP_Digest(bytes, bytes.count, &out, nil, EVP_sha1(), nil)
    return out
  }
}
