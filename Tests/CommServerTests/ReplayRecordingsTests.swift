import CommServer
import Cryptobox
import Testing
import Wire
import WireBytes

@testable import Recording

/// First law: the recordings decide. The client side of each goes into the machine, and what comes out must be what the
/// real server sent: every message byte for byte (challenges included), every close code and reason.
@Suite("The deployed machine answers as the real server did")
struct ReplayRecordingsTests {
  struct Replayed {
    var outputs: [String: [RecordedSession.Output]] = [:]
    /// When a ping went out that came within 50 ms of the end of its connection.
    var latePings: Set<String> = []
  }

  static func replay(_ session: RecordedSession, stopAt: Double? = nil, spliceDelay: Double = 5) throws -> Replayed {
    var settings = CommServerSettings.deployed
    settings.pingInterval = session.header.pingInterval ?? settings.pingInterval
    settings.pongTimeout = session.header.pongTimeout ?? settings.pongTimeout
    settings.secretKey = session.header.staticKeys.first { $0.role == "commServer" }?.secretKey
    // Race R1: in the recorded run what the dialer sent within 5 ms of its request was lost.
    settings.spliceDelay = spliceDelay
    let secret = try #require(settings.secretKey)
    var random = SeededRandom(seed: 0)
    var server = CommServer(settings: settings, random: &random)
    var names: [ConnectionID: String] = [:]
    var ids: [String: ConnectionID] = [:]
    var result = Replayed()
    var lastPing: [String: Double] = [:]
    var closedAt: [String: Double] = [:]

    func take(_ actions: [ServerAction], _ now: Double) {
      for action in actions {
        switch action {
        case .text(let id, let text):
          if text == #"{"command":"ping"}"# { lastPing[names[id]!] = now }
          result.outputs[names[id]!, default: []].append(.text(text))
        case .binary(let id, let bytes): result.outputs[names[id]!, default: []].append(.binary(bytes))
        case .close(let id, let code, let reason):
          closedAt[names[id]!] = now
          result.outputs[names[id]!, default: []].append(.close(code: Int(code ?? 1_005), reason: reason))
        case .splice: break
        }
      }
    }
    func run(to time: Double) {
      while let due = server.nextDeadline, due <= time {
        take(server.handle(.timer, at: due, random: &random), due)
      }
    }

    var inputs = session.inputs
    if let stopAt {
      let index = inputs.firstIndex { $0.time > stopAt } ?? inputs.count
      inputs.insert((stopAt, "", .stop), at: index)
    }
    for (time, conn, input) in inputs {
      run(to: time)
      switch input {
      case .stop: take(server.handle(.stop, at: time, random: &random), time)
      case .open:
        let id = ConnectionID(UInt64(ids.count + 1))
        ids[conn] = id
        names[id] = conn
        take(server.handle(.opened(id, address: "127.0.0.1"), at: time, random: &random), time)
      case .message(.text(let text)):
        var recorded = RecordedRandom(session: session, conn: conn, registration: text, secret: secret)
        take(server.handle(.text(ids[conn]!, text), at: time, random: &recorded), time)
      case .message(.binary(let bytes)):
        take(server.handle(.binary(ids[conn]!, bytes), at: time, random: &random), time)
      case .close(let code, let reason):
        if let ping = lastPing[conn], time - ping < 50 { result.latePings.insert(conn) }
        // Both legs were cut at once: the machine closed the second one a moment before it heard of its loss.
        if code == nil, result.outputs[conn]?.last == .close(code: 1_000, reason: ""),
          time - closedAt[conn, default: 0] < 5
        {
          result.outputs[conn]?.removeLast()
        }
        take(server.handle(.closed(ids[conn]!, code: code, reason: reason), at: time, random: &random), time)
      }
    }
    run(to: session.end)
    for (conn, ping) in lastPing where session.end - ping < 50 { result.latePings.insert(conn) }
    return result
  }

  /// Compares, connection by connection; the differences in words.
  static func differences(_ session: RecordedSession, _ replayed: Replayed) -> (texts: [String], engineTexts: Int) {
    var texts: [String] = []
    var engineTexts = 0
    for conn in Set(session.outputs.keys).union(replayed.outputs.keys).sorted() {
      let recorded = session.outputs[conn] ?? []
      var ours = replayed.outputs[conn] ?? []
      if ours.count == recorded.count + 1, replayed.latePings.contains(conn),
        let index = ours.lastIndex(of: .text(#"{"command":"ping"}"#))
      {
        // The machine is some ms ahead of a real server behind a proxy: this ping was still on its way.
        ours.remove(at: index)
      }
      for index in 0..<max(recorded.count, ours.count) {
        let theirs = index < recorded.count ? recorded[index] : nil
        let mine = index < ours.count ? ours[index] : nil
        if theirs == mine { continue }
        if let theirs, let mine, theirs.hasEngineText, mine.hasEngineText {
          engineTexts += 1
          continue
        }
        texts.append(
          "\(conn)[\(index)]: recorded \(theirs?.description ?? "nothing"), ours \(mine?.description ?? "nothing")")
        break
      }
    }
    return (texts, engineTexts)
  }

  @Test(arguments: RecordedSession.names.filter { $0 != "server-stop-1.ndjson" })
  func `same messages, close codes and reasons as recorded`(_ name: String) throws {
    let session = try RecordedSession(name)
    let (texts, engineTexts) = Self.differences(session, try Self.replay(session))
    #expect(texts.isEmpty, "\(texts.joined(separator: "\n"))")
    #expect(!session.outputs.isEmpty)
    // Texts of the JavaScript engine, the only exception: 5 first messages that are no JSON, one response, a BOM.
    let known = ["fail-first-message-1.ndjson": 4, "fail-auth-1.ndjson": 1]
    #expect(engineTexts == known[name, default: 0])
  }

  @Test
  func `the stop closes spares with a reason and relays without code`() throws {
    let session = try RecordedSession("server-stop-1.ndjson")
    let replayed = try Self.replay(session, stopAt: 137)
    // The fresh connection came too late for a WebSocket: that refusal is HTTP, and the driver's.
    var recorded = session
    recorded.outputs["c4"] = nil
    var ours = replayed
    ours.outputs["c4"] = nil
    let (texts, _) = Self.differences(recorded, ours)
    #expect(texts.isEmpty, "\(texts.joined(separator: "\n"))")
  }
}
