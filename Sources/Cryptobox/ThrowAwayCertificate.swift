import COpenSSL

/// A self-signed certificate for loopback, made by libcrypto at start and kept nowhere: for `wss` on the own machine.
///
/// P-256, valid from an hour ago for some days, for `localhost`, `127.0.0.1` and `::1`.
public struct ThrowAwayCertificate: Sendable {
  /// The certificate and its key as PEM.
  public let certificate: [UInt8]
  public let key: [UInt8]

  /// Nil when libcrypto refuses, which takes a broken installation. The serial number is random.
  public init?(days: Int = 30, names: String = "DNS:localhost,IP:127.0.0.1,IP:::1") {
    guard let pair = unsafe chumgate_p256_key() else { return nil }
    defer { unsafe EVP_PKEY_free(pair) }
    guard let certificate = unsafe X509_new() else { return nil }
    defer { unsafe X509_free(certificate) }
    var random = SystemRandom()
    let serial = random.bytes(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) } >> 1
    unsafe X509_set_version(certificate, 2)
    unsafe ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial)
    unsafe X509_gmtime_adj(X509_getm_notBefore(certificate), -3_600)
    unsafe X509_gmtime_adj(X509_getm_notAfter(certificate), days * 86_400)
    unsafe X509_set_pubkey(certificate, pair)
    let name = unsafe X509_get_subject_name(certificate)
    unsafe X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, Array("chumgate loopback".utf8), -1, -1, 0)
    unsafe X509_set_issuer_name(certificate, name)
    for (kind, value) in [
      (NID_basic_constraints, "critical,CA:TRUE"), (NID_subject_alt_name, names), (NID_ext_key_usage, "serverAuth"),
    ] {
      guard let part = unsafe X509V3_EXT_conf_nid(nil, nil, kind, value) else { return nil }
      unsafe X509_add_ext(certificate, part, -1)
      unsafe X509_EXTENSION_free(part)
    }
    guard unsafe X509_sign(certificate, pair, EVP_sha256()) > 0,
      let certificatePEM = unsafe Self.pem({ unsafe PEM_write_bio_X509($0, certificate) }),
      let keyPEM = unsafe Self.pem({ unsafe PEM_write_bio_PKCS8PrivateKey($0, pair, nil, nil, 0, nil, nil) })
    else { return nil }
    self.certificate = certificatePEM
    key = keyPEM
  }

  private static func pem(_ write: (OpaquePointer) -> Int32) -> [UInt8]? {
    guard let memory = unsafe BIO_new(BIO_s_mem()) else { return nil }
    defer { unsafe BIO_free(memory) }
    guard unsafe write(memory) == 1 else { return nil }
    let size = unsafe BIO_ctrl_pending(memory)
    var bytes = [UInt8](repeating: 0, count: size)
    return unsafe BIO_read(memory, &bytes, Int32(size)) == Int32(size) ? bytes : nil
  }
}
