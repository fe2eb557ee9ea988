import Cryptobox
import WireBytes

/// Ids of persons and instances: SHA-256 over their id microdata (connection.md 4.2).
public enum IdHash {
  /// The text whose hash is a person's id.
  public static func personMicrodata(email: String) -> String {
    #"<div data-id-object="true" itemscope itemtype="//refin.io/Person"><span itemprop="email">"#
      + escape(email) + "</span></div>"
  }

  /// The text whose hash is an instance's id.
  public static func instanceMicrodata(name: String, owner: String) -> String {
    #"<div data-id-object="true" itemscope itemtype="//refin.io/Instance"><span itemprop="name">"#
      + escape(name) + #"</span><a itemprop="owner" data-type="id">"# + owner + "</a></div>"
  }

  public static func person(email: String) -> String { SHA256.hex(personMicrodata(email: email)) }
  public static func instance(name: String, owner: String) -> String {
    SHA256.hex(instanceMicrodata(name: name, owner: owner))
  }

  private static func escape(_ text: String) -> String {
    var out: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case 0x3C: out += Array("&lt;".utf8)
      case 0x3E: out += Array("&gt;".utf8)
      case 0x26: out += Array("&amp;".utf8)
      default: out.append(byte)
      }
    }
    return String(decoding: out, as: UTF8.self)
  }
}

/// The invitation id of the extension dialect X-INV/1 (connection.md 7.2).
public enum XInvitation {
  public static func invitationId(token: String) -> String {
    SHA256.hex(Array("one.invitation.v1".utf8) + [0] + Array(token.utf8))
  }
}
