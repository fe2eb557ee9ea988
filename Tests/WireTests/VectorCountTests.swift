import Testing
import WireBytes

@Suite("The vectors of the real implementation")
struct VectorCountTests {
  /// Every section with its number of vectors and the suite that runs it.
  static let sections: KeyValuePairs<String, (count: Int, suite: String)> = [
    "keys": (8, "KeyVectorTests"), "key_agreement": (6, "KeyVectorTests"),
    "commserver_challenge": (3, "ProofVectorTests"), "commserver_challenge_negative": (13, "ProofVectorTests"),
    "person_challenge": (7, "ProofVectorTests"), "oracle_demo": (3, "ProofVectorTests"),
    "handshake": (2, "HandshakeVectorTests"), "handshake_negative": (11, "HandshakeVectorTests"),
    "nonce_counter": (12, "ChannelVectorTests"), "nonce_counter_limit": (2, "ChannelVectorTests"),
    "padding": (12, "ChannelVectorTests"), "padding_decode_edge": (12, "ChannelVectorTests"),
    "encrypted_sequence": (3, "ChannelVectorTests"), "encrypted_negative": (8, "ChannelVectorTests"),
    "pairing_transcript": (5, "ChannelVectorTests"), "keepalive_escape": (6, "LayerVectorTests"),
    "fragmentation_escape": (6, "LayerVectorTests"), "fragmentation_small": (3, "LayerVectorTests"),
    "fragmentation_deployed_boundaries": (2, "LayerVectorTests"), "id_hash": (3, "IdentityVectorTests"),
    "identity": (6, "IdentityVectorTests"), "invitation": (7, "IdentityVectorTests"),
    "x_inv": (3, "IdentityVectorTests"),
  ]

  @Test("have no section that no suite runs, and none has shrunk")
  func allSectionsAreTests() {
    let named = Set(Self.sections.map(\.key)).union(["description"])
    #expect(named == Set(ConnectionVectors.all.names))
    for (name, expected) in Self.sections {
      let value = ConnectionVectors.all[name]
      #expect((value?.array?.count ?? value?.object?.members.count ?? 0) == expected.count, "\(name)")
    }
  }
}
