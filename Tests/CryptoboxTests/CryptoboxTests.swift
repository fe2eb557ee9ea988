import Cryptobox
import Testing
import WireBytes

@Suite("Boxes")
struct BoxTests {
  private func key(_ byte: UInt8) throws -> SharedKey {
    try #require(SharedKey(bytes: [UInt8](repeating: byte, count: 32)))
  }

  @Test("what is sealed opens again, and one changed bit anywhere keeps it shut", arguments: [0, 1, 15, 16, 64, 300])
  func sealAndOpen(_ length: Int) throws {
    func check(_ box: some BoxProvider) throws {
      var random = SeededRandom(seed: UInt64(length))
      let plain = random.bytes(length)
      let nonce = random.nonce()
      let sealed = box.seal(plain, nonce: nonce, key: try key(1))
      #expect(sealed.count == length + boxOverhead)
      #expect(box.open(sealed, nonce: nonce, key: try key(1)) == plain)
      #expect(box.open(sealed, nonce: nonce, key: try key(2)) == nil)
      #expect(box.open(sealed, nonce: Nonce(counter: 1), key: try key(1)) == nil)
      for position in sealed.indices {
        var bad = sealed
        bad[position] ^= 0x40
        #expect(box.open(bad, nonce: nonce, key: try key(1)) == nil)
      }
      for count in 0..<boxOverhead {
        #expect(box.open(Array(sealed.prefix(count)), nonce: nonce, key: try key(1)) == nil)
      }
    }
    try check(SodiumBox())
    try check(FakeBox())
  }

  @Test("both sides agree on one key, strangers on another")
  func agreement() {
    func check(_ box: some BoxProvider) {
      var random = SeededRandom(seed: 5)
      let (a, b, c) = (random.secretKey(), random.secretKey(), random.secretKey())
      let ab = box.agree(theirs: box.publicKey(of: b), mine: a)
      #expect(ab == box.agree(theirs: box.publicKey(of: a), mine: b))
      #expect(ab != box.agree(theirs: box.publicKey(of: c), mine: a))
    }
    check(SodiumBox())
    check(FakeBox())
  }

  @Test("the box of the NaCl documentation is sealed byte for byte")
  func naclVector() throws {
    // The example of the NaCl paper: first key, nonce and the first bytes of its box.
    let key = try #require(SharedKey(hex: "1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389"))
    let nonce = try #require(
      Hex.decode("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37").flatMap { Nonce(bytes: $0) })
    let plain = try #require(Hex.decode("be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffc"))
    let sealed = SodiumBox().seal(plain, nonce: nonce, key: key)
    #expect(Hex.encode(sealed.dropFirst(16)) == "8e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186a")
  }

  @Test("all points of small order are told, in either spelling, and honest keys are not")
  func smallOrder() throws {
    let points = [
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
      "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "0000000000000000000000000000000000000000000000000000000000000080",
    ]
    for point in points { #expect(try #require(PublicKey(hex: point)).isLowOrder, "\(point)") }
    var random = SeededRandom(seed: 8)
    for _ in 0..<50 { #expect(!random.secretKey().publicKey.isLowOrder) }
  }

  @Test("keys of other lengths do not exist", arguments: [0, 1, 31, 33, 64])
  func lengths(_ count: Int) {
    let bytes = [UInt8](repeating: 1, count: count)
    #expect(SecretKey(bytes: bytes) == nil && PublicKey(bytes: bytes) == nil && SharedKey(bytes: bytes) == nil)
    #expect(SecretKey(hex: Hex.encode(bytes)) == nil && PublicKey(hex: Hex.encode(bytes)) == nil)
    #expect(Nonce(bytes: bytes) == nil)
  }
}

@Suite("Digests and signatures")
struct DigestTests {
  @Test("SHA-256 of known texts, whole and in pieces")
  func sha256() {
    #expect(SHA256.hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(SHA256.hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    var digest = SHA256()
    for piece in ["a", "", "bc"] { digest.update(Array(piece.utf8)) }
    #expect(Hex.encode(digest.finish()) == SHA256.hex("abc"))
    let stream = StreamDigest()
    stream.update(Array("abc".utf8))
    #expect(stream.length == 3 && stream.finish() == SHA256.hex("abc") && stream.finish().isEmpty)
  }

  @Test("a signature verifies, and not for another text, key or length")
  func ed25519() throws {
    let pair = try #require(Ed25519.keyPair(seed: [UInt8](1...32)))
    let message = Array("to be signed".utf8)
    let signature = try #require(Ed25519.sign(message, secretKey: pair.secretKey))
    #expect(Ed25519.verify(signature, of: message, publicKey: pair.publicKey))
    #expect(!Ed25519.verify(signature, of: message + [0], publicKey: pair.publicKey))
    #expect(!Ed25519.verify(Array(signature.dropLast()), of: message, publicKey: pair.publicKey))
    #expect(!Ed25519.verify(signature, of: message, publicKey: []))
    #expect(Ed25519.sign(message, secretKey: [1]) == nil && Ed25519.keyPair(seed: []) == nil)
  }

  @Test("constant-time comparison tells equal from unequal, and empty from everything")
  func comparison() {
    #expect(constantTimeEqual([1, 2], [1, 2]))
    #expect(!constantTimeEqual([1, 2], [1, 3]) && !constantTimeEqual([1], [1, 2]) && !constantTimeEqual([], []))
  }
}

@Suite("Random sources")
struct RandomTests {
  @Test("the same seed gives the same bytes, another seed others")
  func seeded() {
    var (one, same, other) = (SeededRandom(seed: 1), SeededRandom(seed: 1), SeededRandom(seed: 2))
    let bytes = one.bytes(100)
    #expect(bytes == same.bytes(100) && bytes != other.bytes(100) && bytes.count == 100)
  }

  @Test("a script gives its bytes once and says what was missing")
  func scripted() {
    var script = ScriptedRandom([[1, 2], [3]])
    #expect(script.bytes(2) == [1, 2] && script.unused == 1)
    #expect(script.bytes(3) == [3, 0, 0] && script.missing == 2 && script.unused == 0)
  }

  @Test("the system's source does not repeat itself")
  func system() {
    var random = SystemRandom()
    #expect(random.bytes(32) != random.bytes(32) && random.bytes(0).isEmpty)
  }
}
