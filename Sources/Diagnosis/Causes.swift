import Trace
import Wire

/// The reasons that the wire can show, in the words that people read.
extension Cause {
  static func hashMismatch(_ kind: ObjectKind) -> Cause {
    let code =
      switch kind {
      case .object: "CIEC-FO2"
      case .id: "CIEC-FIDO2"
      case .blob, .clob: "CIEC-FBL2"
      }
    return Cause(
      "hash-mismatch", "the bytes sent for it have another SHA-256 than the hash that was asked for (\(code))")
  }

  static func wrongForm(_ kind: ObjectKind, found: String) -> Cause {
    let due = kind == .id ? "an ID object" : "an object"
    return Cause(
      "wrong-form", "\(found) was sent where \(due) is due (M2O-PH1, isIdObj is \(kind == .id))")
  }

  static func badMicrodata(_ code: String, _ text: String) -> Cause {
    Cause("bad-microdata", "its microdata does not parse: \(code): \(excerpt(text, 90))")
  }

  static func typeMismatch(_ kind: ObjectKind, announced: String, found: String) -> Cause {
    Cause(
      "type-mismatch",
      "announced as \(excerpt(announced, 40)), sent is \(excerpt(found, 40)) (\(kind == .id ? "CIEC-FIDOWT1" : "CIEC-FOWT1"))"
    )
  }

  static func refusedType(_ kind: ObjectKind, _ type: String) -> Cause {
    Cause(
      "refused-type", "\(type) objects are never accepted from a peer (\(kind == .id ? "CIEC-FIDO3" : "CIEC-FO3"))",
      fact: "F37")
  }

  static let unlistedFile = Cause(
    "unlisted-file", "it refers to a BLOB or CLOB that its child list does not name (CI-ACO)")

  static func badChildren(_ text: String) -> Cause {
    Cause("bad-child-list", "its child list is no list of children: \(excerpt(text, 80))")
  }

  static func badAnswer(_ text: String) -> Cause {
    Cause("bad-answer", "the answer has the wrong form: \(excerpt(text, 80))")
  }

  static let emptyChunk = Cause(
    "empty-chunk",
    "a BLOB went out as an empty chunk (fragmentation_start_binary, nothing, fragmentation_end): its bytes never left "
      + "the sender", fact: "F47")

  static func behindEmptyChunk(_ closing: String) -> Cause {
    Cause(
      "behind-empty-chunk", "stands in the list behind a BLOB that went out as an empty chunk; \(closing)", fact: "F47")
  }

  static let brokenStream = Cause("broken-stream", "the exporter broke the stream off: it could not read the file")

  static func refused(_ code: String, wasAnnounced: Bool) -> Cause {
    Cause(
      wasAnnounced ? "refused" : "refused-unannounced",
      wasAnnounced
        ? "the exporter announced it and then refused it with \(excerpt(code, 40))"
        : "refused with \(excerpt(code, 40)): nothing announced it on this connection, neither as a root nor as a child "
          + "(no grant names it, or its parent was never announced)")
  }

  static func noGrant(_ person: String?, groupsCount: Bool) -> Cause {
    let name = person.map { "person \($0.prefix(8))…" } ?? "the other person"
    let text = "no grant names \(name): every list of roots was empty"
    return groupsCount
      ? Cause("nothing-granted", text, isProven: false)
      : Cause(
        "nothing-granted",
        text + ". Grants to a group (everyone, IoM) do not count in builds that hand no object filter to the CHUM",
        fact: "F1", isProven: false)
  }

  static func unreadableGrant(_ code: String, _ message: String) -> Cause {
    let why =
      message.contains("(isIdObj is false)")
      ? "an Access grant names an ID hash, a BLOB or a CLOB instead of an object"
      : message.contains("(isIdObj is true)")
        ? "an IdAccess grant names an object instead of an ID object"
        : code == "SB-READ2" || message.contains("SB-READ2")
          ? "a grant names something that is not stored" : "the exporter cannot compute its roots"
    return Cause(
      "unreadable-grant",
      "the list of roots was answered with \(excerpt(code, 30)): \(why); all sync in this direction stops until that "
        + "grant is replaced", fact: "F40")
  }

  static func badRoots(_ text: String) -> Cause {
    Cause("bad-root-list", "the list of roots is malformed, which ends the importer's session: \(excerpt(text, 80))")
  }

  static let lostAtStart = Cause(
    "lost-request",
    "a request sent in the same burst as `synchronisation` was lost without a trace and never answered; an importer "
      + "without timeouts waits for it for ever", fact: "F11")

  static func noAnswer(_ service: Int) -> Cause {
    Cause("no-answer", "a request of service \(service) was never answered")
  }

  static let tooEarly = Cause(
    "unknown-service-at-start",
    "requests came before the other side had registered its services (UNKNOWN-SERVICE); they have to be repeated",
    fact: "F11")

  static func versionMismatch(_ found: String) -> Cause {
    Cause("version-mismatch", "the CHUM version is \(excerpt(found, 20)), not the number 8 (CS-MISMATCH)")
  }

  static func peerClosed(_ closing: String) -> Cause {
    Cause("peer-closed", "\(closing) before it was fetched")
  }

  static func closedWithError(_ closing: String) -> Cause { Cause("closed-with-error", closing) }

  static let endOfRecording = Cause("recording-ends", "the recording ends before it was fetched", isProven: false)

  static let askedAgain = Cause(
    "asked-again",
    "it was sent well-formed and asked for again in a later round: the importer did not keep it. Why stands in its "
      + "Chum object or log only", isProven: false)

  static let unexplained = Cause(
    "given-up", "the importer asked for its children and then went on without asking for it", isProven: false)

  static func unknownType(_ type: String) -> Cause {
    Cause(
      "unknown-type",
      "\(excerpt(type, 40)) is no standard type: an importer without its recipe refuses it (OR-ET1)", isProven: false)
  }

  static func channelNotOffered(_ channel: String) -> Cause {
    Cause(
      "channel-not-offered",
      "a Topic arrived whose channel \(channel.prefix(8))… is not offered: no IdAccess grant on the channel names this "
        + "person, so its messages cannot arrive")
  }
}
