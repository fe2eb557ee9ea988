import Cryptobox
import Testing
import Wire
import WireBytes

@Suite("Ids, identity files and invitations, connection.md 4.2, 5 and 6")
struct IdentityVectorTests {
  @Test("ids are the recorded ones", arguments: ConnectionVectors.list("id_hash"))
  func ids(_ vector: JSONValue) throws {
    let object = try #require(vector["object"])
    let microdata: String
    if try object.text("$type$") == "Person" {
      microdata = IdHash.personMicrodata(email: try object.text("email"))
      #expect(IdHash.person(email: try object.text("email")) == (try vector.text("id_hash")))
    } else {
      microdata = IdHash.instanceMicrodata(name: try object.text("name"), owner: try object.text("owner"))
      let id = IdHash.instance(name: try object.text("name"), owner: try object.text("owner"))
      #expect(id == (try vector.text("id_hash")))
    }
    #expect(microdata == (try vector.text("id_microdata_utf8")))
  }

  @Test("identity files are read by both profiles, written again and give the recorded ids")
  func identity() throws {
    let vector = try ConnectionVectors.section("identity")
    for name in ["public_file", "secret_file"] {
      let file = try #require(vector[name])
      for profile in Profile.allCases {
        let identity = try IdentityFile.parse(file.compact, profile: profile)
        #expect(identity.json.compact == file.compact)
        #expect(try IdentityFile.parse(identity.fileText, profile: profile) == identity)
        #expect(identity.personId == (try vector.text("derived_person_id")))
        #expect(identity.instanceId == (try vector.text("derived_instance_id")))
      }
    }
    for (seed, name) in [("ed25519_person_seed", "person"), ("ed25519_instance_seed", "instance")] {
      let pair = try #require(Ed25519.keyPair(seed: try vector.hex(seed)))
      let file = try #require(vector["secret_file"])
      #expect(pair.secretKey == (try file.hex("\(name)SignKeySecret")))
      #expect(pair.publicKey == (try file.hex("\(name)SignKeyPublic")))
    }
  }

  @Test(
    "a secret file whose halves do not belong together is refused by the strict profile only",
    arguments: ["personKeySecret", "instanceKeySecret", "personSignKeySecret", "instanceSignKeySecret"])
  func mismatchedHalves(_ name: String) throws {
    let file = try #require(try ConnectionVectors.section("identity")["secret_file"]?.object)
    var changed = JSONObject()
    for member in file.members {
      let text = try #require(member.value.string)
      let other = (text.first == "0" ? "1" : "0") + text.dropFirst()
      changed.append(member.name, .string(member.name == name ? other : text))
    }
    let text = JSONValue.object(changed).compact
    _ = try IdentityFile.parse(text)
    #expect(throws: WireFailure.self) { try IdentityFile.parse(text, profile: .strict) }
  }

  @Test("each missing member and each wrong type is refused with the member's name")
  func brokenFiles() throws {
    for name in ["public_file", "secret_file"] {
      let file = try #require(try ConnectionVectors.section("identity")[name]?.object)
      for victim in file.names {
        for replacement in [JSONValue?.none, .number(5), .null] {
          var changed = JSONObject()
          for member in file.members {
            if member.name != victim { changed.append(member.name, member.value) }
          }
          if let replacement { changed.append(victim, replacement) }
          // The URL is the only optional member.
          let isFine = victim == "url" && replacement == nil
          do throws(WireFailure) {
            _ = try IdentityFile.parse(JSONValue.object(changed).compact)
            #expect(isFine, "\(victim) \(String(describing: replacement))")
          } catch { #expect(!isFine && error.detail.contains(victim)) }
        }
      }
    }
  }

  private func invitation() throws -> (JSONValue, Invitation) {
    let vector = try ConnectionVectors.section("invitation")
    let object = try #require(vector["object"])
    return (
      vector,
      Invitation(token: try object.text("token"), publicKey: try object.text("publicKey"), url: try object.text("url"))
    )
  }

  @Test("an invitation is written as recorded: JSON, fragment and both links")
  func writeInvitation() throws {
    let (vector, invitation) = try invitation()
    #expect(invitation.json == (try vector.text("json")))
    #expect(invitation.fragment == (try vector.text("fragment")))
    #expect(invitation.link(base: "https://app.example.org", mode: .iop) == (try vector.text("iop_url")))
    #expect(invitation.link(base: "https://app.example.org", mode: .iom) == (try vector.text("iom_url")))
    #expect(Invitation.Mode.detect(in: try vector.text("iop_url")) == .iop)
    #expect(Invitation.Mode.detect(in: try vector.text("iop_url_variant_with_slash")) == .iop)
    #expect(Invitation.Mode.detect(in: try vector.text("iom_url")) == .iom)
    #expect(Invitation.Mode.detect(in: invitation.json) == nil)
  }

  @Test("each spelling of an invitation is read as recorded")
  func readInvitation() throws {
    let (vector, _) = try invitation()
    let cases = try #require(vector["parse"]?.array)
    #expect(cases.count == 16)
    for item in cases {
      let expected = item["parsed"]?.object
      let name = try item.text("name")
      let parsed = try? Invitation.parse(try item.text("input"))
      #expect(parsed?.token == expected?["token"]?.string, "\(name)")
      #expect(parsed?.publicKey == expected?["publicKey"]?.string)
      #expect(parsed?.url == expected?["url"]?.string)
      let isLoose = name.contains("accepted by the reference shape check")
      #expect(
        ((try? Invitation.parse(try item.text("input"), profile: .strict)) != nil) == (expected != nil && !isLoose))
    }
  }

  @Test("any invitation survives link, fragment and JSON; hostile ones fail with a typed error")
  func generatedInvitations() throws {
    var random = SeededRandom(seed: 21)
    for _ in 0..<300 {
      let noise = String(decoding: random.bytes(Int(random.next() % 40)), as: UTF8.self)
      let invitation = Invitation(
        token: noise + TokenAlphabet.draw(random: &random), publicKey: Hex.encode(random.bytes(32)),
        url: "wss://[::1]:8000/" + noise)
      for text in [
        invitation.json, invitation.fragment, invitation.link(base: "https://a.example", mode: .iom),
        "  " + invitation.link(base: "https://a.example/x", mode: .iop) + "\n",
      ] {
        #expect(try Invitation.parse(text) == invitation)
      }
      var bytes = Array(invitation.link(base: "", mode: .iop).utf8)
      for _ in 0..<3 { bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next()) }
      _ = try? Invitation.parse(String(decoding: bytes, as: UTF8.self), profile: .strict)
    }
    let large = "#" + String(repeating: "%25", count: 1 << 19)
    #expect(throws: WireFailure.self) { try Invitation.parse(large) }
  }

  @Test("default tokens are 64 letters of the alphabet, and two differ (INV-002)")
  func tokens() {
    var random = SystemRandom()
    let one = TokenAlphabet.draw(random: &random)
    let other = TokenAlphabet.draw(random: &random)
    #expect(one.utf8.count == 64 && one != other)
    #expect(one.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") })
  }

  @Test("the invitation id of X-INV/1 is the recorded one")
  func extensionId() throws {
    let vector = try ConnectionVectors.section("x_inv")
    #expect(XInvitation.invitationId(token: try vector.text("token")) == (try vector.text("invitation_id")))
  }
}
