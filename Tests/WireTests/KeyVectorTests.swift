import Cryptobox
import Testing
import WireBytes

@Suite("Keys, connection.md terms and 3.2")
struct KeyVectorTests {
  @Test("each public key belongs to its secret one")
  func keyPairs() throws {
    let names = try ConnectionVectors.section("keys").object?.names.filter { $0 != "note" } ?? []
    #expect(names.count == 7)
    for name in names { #expect(try VectorKeys.secret(name).publicKey == VectorKeys.publicKey(name)) }
  }

  @Test("box keys are the recorded ones", arguments: ConnectionVectors.list("key_agreement"))
  func agreement(_ vector: JSONValue) throws {
    let name = try vector.text("name")
    let expected = SharedKey(hex: try vector.text("box_key_hsalsa20"))
    if name.hasPrefix("all-zero") {
      let zero = try #require(PublicKey(bytes: [UInt8](repeating: 0, count: 32)))
      #expect(zero.isLowOrder)
      #expect(SodiumBox().agree(theirs: zero, mine: try VectorKeys.secret("A_instance")) == expected)
      return
    }
    // The names read `A_instance<->B_person (why)`.
    let sides = try #require(name.split(separator: " ").first).split(separator: "<").map { $0.split(separator: ">") }
    let one = String(try #require(sides.first?.first))
    let other = String(try #require(sides.last?.last))
    let box = SodiumBox()
    #expect(box.agree(theirs: try VectorKeys.publicKey(other), mine: try VectorKeys.secret(one)) == expected)
    #expect(box.agree(theirs: try VectorKeys.publicKey(one), mine: try VectorKeys.secret(other)) == expected)
  }
}
