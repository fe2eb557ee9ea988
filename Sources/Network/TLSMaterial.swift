import Cryptobox
import NIOCore
import NIOSSL

/// Certificate chain and key of a `wss` server, as PEM.
public struct TLSMaterial: Sendable {
  public enum Failure: Error, Sendable, CustomStringConvertible {
    case unreadable(String, String)
    case cannotMake

    public var description: String {
      switch self {
      case .unreadable(let what, let why): "cannot use \(what): \(why)"
      case .cannotMake: "libcrypto cannot make a certificate"
      }
    }
  }

  let certificates: [NIOSSLCertificate]
  let key: NIOSSLPrivateKey
  /// The certificate in PEM, for clients that shall trust exactly this one.
  public let certificatePEM: [UInt8]

  /// A fresh self-signed certificate for loopback.
  public static func throwAway() throws(Failure) -> TLSMaterial {
    guard let made = ThrowAwayCertificate() else { throw .cannotMake }
    return try TLSMaterial(certificatePEM: made.certificate, keyPEM: made.key)
  }

  public init(certificatePEM: [UInt8], keyPEM: [UInt8]) throws(Failure) {
    do { certificates = try NIOSSLCertificate.fromPEMBytes(certificatePEM) } catch {
      throw .unreadable("the certificate", "\(error)")
    }
    guard !certificates.isEmpty else { throw .unreadable("the certificate", "no PEM certificate in it") }
    do { key = try NIOSSLPrivateKey(bytes: keyPEM, format: .pem) } catch {
      throw .unreadable("the key", "\(error)")
    }
    self.certificatePEM = certificatePEM
  }

  func serverContext() throws(Failure) -> NIOSSLContext {
    let configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: certificates.map { .certificate($0) }, privateKey: .privateKey(key))
    do { return try NIOSSLContext(configuration: configuration) } catch {
      throw .unreadable("certificate and key together", "\(error)")
    }
  }
}

/// What a client believes of a server's certificate.
public enum TLSTrust: Sendable {
  /// The system's authorities.
  case system
  /// Only these certificates, as PEM (a throw-away certificate is its own authority).
  case pinned([UInt8])
  /// Anything: for tests of other things.
  case anything

  func clientContext() throws -> NIOSSLContext {
    var configuration = TLSConfiguration.makeClientConfiguration()
    switch self {
    case .system: break
    case .pinned(let pem):
      configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(pem))
    case .anything: configuration.certificateVerification = .none
    }
    return try NIOSSLContext(configuration: configuration)
  }
}
