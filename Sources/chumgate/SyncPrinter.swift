import Chum
import Foundation
import Instance
import Network
import Report
import Store
import SyncInstance
import Wire
import WireBytes

/// What a wait keeps in mind.
struct SyncState {
  /// Emails by person, as far as somebody told them.
  var names: [String: String] = [:]
  /// Lines that wait for the first contact.
  var unsaid: [String] = []
  /// Files that are being written.
  var copies: [Task<Void, Never>] = []
  private(set) var wasSynchronised = false
  private var since: Date?
  private let lingers: Double
  var progressShown: Date?

  init(lingers: Double) { self.lingers = lingers }

  func name(_ person: ObjectHash) -> String { names[person.hex].map { String($0.prefix(40)) } ?? person.short }

  /// True when both sides have had everything for so long that the other one must have seen it, too.
  mutating func isThrough(_ isSynchronised: Bool) -> Bool {
    guard isSynchronised else {
      since = nil
      return false
    }
    wasSynchronised = true
    let start = since ?? Date()
    since = start
    return Date().timeIntervalSince(start) >= lingers
  }
}

/// Prints events as they happen: sentences for people, one JSON object a line for machines.
struct SyncPrinter {
  let isJSON: Bool

  func line(_ name: String, _ words: String, _ members: JSONObject) {
    if isJSON {
      var object = JSONObject(["event": .string(name)])
      for member in members.members { object.append(member.name, member.value) }
      Output.write(JSONValue.object(object).compact + "\n")
    } else {
      Output.write(ConsoleReport.printable(words) + "\n")
    }
  }

  func tell(_ output: SyncOutput, _ state: SyncState) {
    switch output {
    case .connection(let report):
      guard let (name, words, members) = ConnectionEvents.describe(report) else { return }
      line(name, words, members)
    case .sync(let report):
      guard let (name, words, members) = describe(report, state) else { return }
      line(name, words, members)
    case .log: break
    }
  }

  /// What is on its way, once a second; on a terminal one line that is overwritten.
  func progress(_ transfers: [FileTransfer], _ state: inout SyncState) {
    let now = Date()
    guard !transfers.isEmpty, now.timeIntervalSince(state.progressShown ?? .distantPast) >= 1 else { return }
    state.progressShown = now
    if isJSON {
      for transfer in transfers {
        line(
          "progress", "",
          JSONObject([
            "hash": .string(transfer.hash.hex), "direction": .string(transfer.isIncoming ? "in" : "out"),
            "bytes": .number(Double(transfer.bytes)),
          ]))
      }
    } else if isatty(STDERR_FILENO) == 1 {
      let words = transfers.prefix(3).map { "\($0.isIncoming ? "from" : "to") peer: \($0.bytes >> 20) MiB" }
      Output.note("\r\(words.joined(separator: ", "))   \r")
    }
  }

  private func describe(_ report: SyncReport, _ state: SyncState) -> (String, String, JSONObject)? {
    switch report {
    case .started(let id, let person):
      (
        "chumStarted", "synchronising with \(state.name(person))",
        JSONObject(["socket": .string("\(id)"), "person": .string(person.hex)])
      )
    case .roundEnded(let id, let person, let round, let fetched):
      if fetched == 0, !isJSON, round > 1 {
        nil
      } else {
        (
          "roundEnded", "round \(round) with \(state.name(person)): \(fetched) entries came",
          JSONObject([
            "socket": .string("\(id)"), "person": .string(person.hex), "round": .number(Double(round)),
            "fetched": .number(Double(fetched)),
          ])
        )
      }
    case .received(_, let reference, let status):
      (
        "received", "",
        JSONObject([
          "kind": .string(reference.kind.rawValue), "hash": .string(reference.hash.hex),
          "status": .string(status.rawValue),
        ])
      )
    case .rejected(_, let hash, let error):
      (
        "rejected", "refused \(hash.prefix(12)): \(error.message)",
        JSONObject([
          "hash": .string(hash), "code": error.code.map { .string($0) } ?? .null, "message": .string(error.message),
        ])
      )
    case .ended(_, let person, let errors, let failure):
      (
        "chumEnded",
        "synchronisation with \(state.name(person)) ended"
          + (failure.map { ": \($0.message)" } ?? ", \(errors) errors"),
        JSONObject([
          "person": .string(person.hex), "errors": .number(Double(errors)),
          "failure": failure.map { .string("\($0)") } ?? .null,
        ])
      )
    case .contact(let person, let email):
      (
        "contact", "\(email.prefix(40)) is a contact",
        JSONObject(["person": .string(person.hex), "email": .string(email)])
      )
    case .granted(let record):
      (
        "granted", "",
        JSONObject([
          "component": .string(record.component), "kind": .string(record.subject.grantType),
          "subject": .string(record.subject.hash.hex), "mode": .string(record.mode.rawValue),
          "person": .array(record.persons.map { .string($0.hex) }),
          "group": .array(record.groups.map { .string($0.hex) }), "status": .string(record.status.rawValue),
          "duplicate": .bool(record.isDuplicate),
        ])
      )
    case .channelUpdated(let update):
      (
        "channelUpdated", "",
        JSONObject([
          "channel": .string(update.channel.hex), "id": .string(update.key.id),
          "entries": .number(Double(update.entries.count)), "origin": .string(update.origin.rawValue),
        ])
      )
    case .message(let message):
      if message.isOwn, !isJSON {
        nil
      } else {
        (
          "message", "\(state.name(message.sender)): \(message.text)",
          JSONObject([
            "sender": .string(message.sender.hex), "text": .string(message.text),
            "timestamp": .number(message.timestamp), "own": .bool(message.isOwn), "hash": .string(message.message.hex),
            "attachments": .array(message.attachments.map { .string($0.hex) }),
          ])
        )
      }
    case .file(let file):
      (
        "file", "file \(file.name), \(JSONText.number(file.size)) bytes",
        JSONObject([
          "name": .string(file.name), "size": .number(file.size), "blob": .string(file.blob.hex),
          "descriptor": .string(file.descriptor.hex),
        ])
      )
    case .iomRequested(let hash, let request):
      (
        "iomRequested", "an Internet-of-Me request (\(request.mode.rawValue)) from \(state.name(request.initiator))",
        JSONObject([
          "request": .string(hash.hex), "initiator": .string(request.initiator.hex),
          "mainId": .string(request.mainId.hex), "alternateId": .string(request.alternateId.hex),
          "mode": .string(request.mode.rawValue),
        ])
      )
    case .iomComplete(let hash, let request):
      (
        "iomComplete",
        "the Internet-of-Me request is affirmed by both: one human, main identity \(request.mainId.short)",
        JSONObject(["request": .string(hash.hex), "mainId": .string(request.mainId.hex)])
      )
    case .trouble(let text): ("trouble", "trouble: \(text)", JSONObject(["text": .string(text)]))
    }
  }
}
