import Trace

/// The troubleshooting list of the users, turned into checks that a recording can answer.
struct Troubles {
  let tally: SessionTally
  let log: LogWatch
  let pairs: [PairDiagnosis]

  var all: [Trouble] { [microdata, synchronisation, establishment, channels] }

  private func check(
    _ id: String, _ question: String, _ answer: TroubleCheck.Answer, _ text: String, _ evidence: Evidence? = nil
  ) -> TroubleCheck {
    TroubleCheck(id: id, question: question, answer: answer, text: text, evidence: evidence)
  }

  private func counted(_ count: Count) -> String {
    count.count > 1 ? "\(count.count) times, first \(count.text)" : count.text
  }

  private func remarks(_ id: String) -> [Remark] {
    pairs.flatMap { $0.remarks + $0.flows.flatMap(\.remarks) }.filter { $0.cause.id == id }
  }

  // MARK: CHUM sync fails with microdata errors

  private var microdata: Trouble {
    let sent = pairs.flatMap(\.flows).reduce(0) { $0 + $1.sentCount }
    let lists = pairs.flatMap(\.flows).reduce(0) { $0 + $1.lists }
    let form: TroubleCheck
    if tally.microdata.count > 0 {
      form = check("microdata-form", "wrong form or M2O-PH1", .yes, counted(tally.microdata), tally.microdata.first)
    } else if sent > 0, tally.goodObjects > 0 {
      form = check(
        "microdata-form", "wrong form or M2O-PH1", .no,
        "\(tally.goodObjects) objects and files of right form and hash, no M2O-PH1 in any error or close reason")
    } else {
      form = check("microdata-form", "wrong form or M2O-PH1", .notSeen, "no object or file arrived")
    }
    let grants: TroubleCheck
    if tally.grants.count > 0 {
      grants = check("readable-grants", "a grant that cannot be read", .yes, counted(tally.grants), tally.grants.first)
    } else if lists > 0 {
      grants = check(
        "readable-grants", "a grant that cannot be read", .no,
        "\(lists) lists of roots were answered, so every grant that counts can be read")
    } else {
      grants = check("readable-grants", "a grant that cannot be read", .notSeen, "no list of roots was answered")
    }
    return Trouble(title: "CHUM sync fails with microdata errors", checks: [form, grants] + logChecks)
  }

  /// What only an instance's log can tell.
  private var logChecks: [TroubleCheck] {
    let question = "grants by another component than the one that may, or twice"
    if log.foreignGrants.count > 0 {
      return [
        check("grant-component", question, .yes, counted(log.foreignGrants), log.foreignGrants.first)
      ]
    }
    if log.repeatedGrants.count > 0 {
      return [
        check(
          "grant-component", question, .no,
          "\(log.grants) grants, each by the component that may; repeated ones change nothing (F21): "
            + counted(log.repeatedGrants),
          log.repeatedGrants.first)
      ]
    }
    return [
      log.grants > 0
        ? check("grant-component", question, .no, "\(log.grants) grants, each by the component that may")
        : check(
          "grant-component", question, .notSeen, "grants are not on the wire: hand over the instance's log with --log")
    ]
  }

  // MARK: "synchronisation" not handled

  private var synchronisation: Trouble {
    var checks: [TroubleCheck] = []
    let question = "both sides send `synchronisation` and go on"
    if tally.startFailures.count + tally.otherTexts.count > 0 {
      let count = tally.startFailures.count > 0 ? tally.startFailures : tally.otherTexts
      checks.append(check("control-text", question, .yes, counted(count), count.first))
    } else if tally.started > 0 {
      checks.append(
        check("control-text", question, .no, "the text passed both ways on \(tally.started) connections"))
    } else {
      checks.append(check("control-text", question, .notSeen, "no connection came as far as the text"))
    }
    if tally.textsForJSON.count > 0 {
      checks.append(
        check(
          "protocol-agreed", "one side runs CHUM and the other pairing", .yes, counted(tally.textsForJSON),
          tally.textsForJSON.first))
    }
    if let lost = remarks("lost-request").first {
      checks.append(
        check(
          "first-request", "requests behind the text are answered", .yes,
          "\(tally.lostRequests) came in the burst of the text and were lost without a trace (F11)", lost.evidence))
    } else if tally.started > 0 {
      checks.append(check("first-request", "requests behind the text are answered", .no, "none was lost"))
    }
    let plugins = "a plugin swallows or changes the text"
    if log.swallowed.count > 0 {
      checks.append(check("plugins", plugins, .yes, counted(log.swallowed), log.swallowed.first))
    } else if log.plugins > 0 {
      checks.append(check("plugins", plugins, .no, "\(log.plugins) messages passed plugins, none touched the text"))
    } else {
      checks.append(
        check(
          "plugins", plugins, .notSeen,
          "the text travels encrypted, so a plugin below the encryption never sees it (F12); a log would show the others"
        ))
    }
    return Trouble(title: "\"synchronisation\" message not handled", checks: checks)
  }

  // MARK: Connection establishment fails

  private var establishment: Trouble {
    var checks: [TroubleCheck] = []
    func add(_ id: String, _ question: String, _ failures: Count, _ good: Int, _ what: String) {
      if failures.count > 0 {
        checks.append(check(id, question, .yes, counted(failures), failures.first))
      } else {
        checks.append(
          check(id, question, good > 0 ? .no : .notSeen, good > 0 ? "\(good) \(what)" : "nothing of it is recorded"))
      }
    }
    add("web-socket", "WebSocket to the CommServer", tally.socketFailures, tally.sockets, "connections opened")
    add(
      "registration", "registration at the CommServer", tally.registrationFailures, tally.registrations,
      "registrations succeeded")
    let open = tally.refusals.values.filter { !$0.isSettled }.sorted { $0.evidence.line < $1.evidence.line }
    let targets = "the other side is registered"
    if let first = open.first {
      let count = open.reduce(0) { $0 + $1.count }
      checks.append(check("target", targets, .yes, "\(count) requests refused, \(first.text)", first.evidence))
    } else {
      let settled = tally.refusals.values.reduce(0) { $0 + $1.count }
      let later = settled > 0 ? "; \(settled) refused first, and the same key was reached later" : ""
      checks.append(
        check(
          "target", targets, tally.reached > 0 ? .no : .notSeen,
          tally.reached > 0 ? "\(tally.reached) requests reached their target\(later)" : "no request is recorded"))
    }
    add("handshake", "key exchange and encryption", tally.handshakeFailures, tally.encrypted, "connections encrypted")
    if tally.unreadable > 0, tally.established == 0 {
      checks.append(
        check("identity", "identity exchange", .notSeen, "\(tally.unreadable) connections could not be read: no keys"))
    } else {
      add(
        "identity", "identity exchange", tally.establishmentFailures, tally.established,
        "connections proved both persons")
    }
    if tally.tokens > 0 {
      // Wrong, used and expired tokens are answered alike (connection.md 5): the clock of the recording may tell more.
      add(
        "token", "the invitation's token is valid", tally.tokenRefusals, tally.tokensAccepted,
        "accepted by the inviter")
    }
    if let unknown = remarks("unknown-peer").first {
      let text = unknown.cause.text.split(separator: ". ", maxSplits: 1).first.map(String.init) ?? ""
      checks.append(check("known-person", "both know each other", .yes, text, unknown.evidence))
    }
    return Trouble(title: "connection establishment fails", checks: checks)
  }

  // MARK: the channel that the other side does not see

  private var channels: Trouble {
    let question = "a channel that a Topic names is offered too"
    let hidden = remarks("channel-not-offered")
    let topics = pairs.flatMap(\.flows).flatMap(\.offered).filter { $0.type == "Topic" || $0.type == "ChannelInfo" }
    let answer: TroubleCheck =
      if let first = hidden.first {
        check("channel-visible", question, .yes, first.cause.text, first.evidence)
      } else if topics.isEmpty {
        check("channel-visible", question, .notSeen, "no Topic and no channel was offered")
      } else {
        check("channel-visible", question, .no, "\(topics.reduce(0) { $0 + $1.count }) roots of topics and channels")
      }
    let early = "a one-to-one channel is granted before its first message"
    let granted: TroubleCheck =
      if log.lateGrants.count > 0 {
        check("channel-granted", early, .yes, counted(log.lateGrants), log.lateGrants.first)
      } else if log.channels > 0 {
        check("channel-granted", early, .no, "\(log.channels) channels made, each granted before its first message")
      } else {
        check("channel-granted", early, .notSeen, "grants are not on the wire: hand over the instance's log")
      }
    return Trouble(title: "the other side does not see a channel", checks: [answer, granted])
  }
}
