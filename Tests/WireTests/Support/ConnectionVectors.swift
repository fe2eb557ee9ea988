import Cryptobox
import Foundation
import Testing
import Wire
import WireBytes

/// `Fixtures/Vectors/connection.json`: values that the real implementation computed.
enum ConnectionVectors {
  static let all: JSONObject = {
    let url = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../../Fixtures/Vectors/connection.json").standardized
    guard let data = try? Data(contentsOf: url), let value = try? JSONValue.parse([UInt8](data)) else {
      return JSONObject()
    }
    return value.object ?? JSONObject()
  }()

  static func list(_ name: String) -> [JSONValue] { all[name]?.array ?? [] }
  static func section(_ name: String) throws -> JSONValue { try #require(all[name], "no section \(name)") }
}

extension JSONValue {
  func text(_ name: String) throws -> String { try #require(self[name]?.string, "no text \(name)") }
  func hex(_ name: String) throws -> [UInt8] { try #require(Hex.decode(try text(name)), "no hex \(name)") }
  func strings(_ name: String) throws -> [String] {
    (try #require(self[name]?.array, "no list \(name)")).compactMap { $0.string }
  }
  func count(_ name: String) throws -> Int { try #require(self[name]?.integer, "no number \(name)") }
}

/// The keys that the vectors name.
enum VectorKeys {
  static func secret(_ name: String) throws -> SecretKey {
    let pair = try #require(try ConnectionVectors.section("keys")[name], "no key \(name)")
    return try #require(SecretKey(hex: try pair.text("secret")))
  }
  static func publicKey(_ name: String) throws -> PublicKey {
    let pair = try #require(try ConnectionVectors.section("keys")[name], "no key \(name)")
    return try #require(PublicKey(hex: try pair.text("public")))
  }
}
