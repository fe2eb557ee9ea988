import ArgumentParser
import Cryptobox
import Foundation
import Instance
import Network
import QRImage
import SyncInstance
import Wire
import WireBytes

struct InviteCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "invite",
    abstract: "Be the inviter: print an invitation, wait, and tell what happens.",
    discussion: """
      Registers at the CommServer, prints the link, a QR code and the JSON, and waits for somebody to use it. Then both
      synchronise (CHUM). With --store, a later run needs no invitation: it waits for the contacts and dials them.

        chumgate invite --server ws://localhost:8000
        chumgate invite --server ws://localhost:8000 --store alice --chat
        chumgate invite --store alice --share photo.jpg --until-synced --timeout 60
        chumgate invite --server wss://comm.example.org --iom --identity me_secret.id.json
        chumgate invite --server ws://localhost:8000 --record s.ndjson --key-log k.txt --log i.ndjson

      Exit codes: 0 the wish of --until is fulfilled, 1 it is not (time is over), 2 usage, 3 the CommServer cannot be reached.
      """)

  @Option(help: "URL of the CommServer. (Default: that of the store's identity.)")
  var server: String?
  @Flag(help: "An invitation although the store has contacts.")
  var another = false
  @Flag(help: "An Internet-of-Me invitation, for another device of one's own.")
  var iom = false
  @Option(help: "Seconds until the invitation ends.")
  var lifetime = 900.0
  @Option(help: "Scheme and host in front of the link.")
  var app = "https://app.example.org"
  @Option(help: "Write the QR code of the link as PNG.")
  var png: String?
  @Option(help: "Write the QR code of the link as SVG.")
  var svg: String?
  @Flag(help: "No QR code in the terminal.")
  var noQR = false
  @OptionGroup(title: "Synchronisation") var sync: SyncOptions
  @OptionGroup(title: "Instance") var options: InstanceOptions

  func validate() throws {
    if let server, WebSocketURL(server) == nil { throw ValidationError("\(server) is no ws:// or wss:// URL") }
    if server == nil, sync.store == nil { throw ValidationError("--server or --store is needed") }
    guard lifetime > 0, lifetime <= 86_400 else { throw ValidationError("--lifetime is above 0 and up to 86,400 s") }
    guard let parts = URLComponents(string: app), parts.scheme?.isEmpty == false, parts.host?.isEmpty == false else {
      throw ValidationError("--app \(app) has no scheme and host")
    }
  }

  func run() async throws {
    signal(SIGPIPE, SIG_IGN)
    let folder = try InstanceFolder(sync.store)
    let identity = try folder.identity(options, url: server)
    guard let url = identity.url else { throw Exit.usage("the identity has no URL: --server is needed") }
    let run = try SyncRun(options, sync, folder: folder, identity: identity, affirmsIoM: iom)
    await run.start()
    try await isListening(run, url)
    if run.contacts == 0 || another {
      var random = SystemRandom()
      let token = TokenAlphabet.draw(random: &random)
      let mode: Invitation.Mode = iom ? .iom : .iop
      let request = InvitationRequest(lifetime: lifetime * 1_000, token: token, mode: mode)
      await run.driver.command(.instance(.invite(request)))
      try show(Invitation(token: token, publicKey: identity.instanceKey.publicKey.hex, url: url), mode)
    }
    let end = await run.wait(sync.until(options.until), timeout: options.timeout, failureEnds: false)
    await run.stop()
    if end == .timeout { throw ExitCode(1) }
  }

  /// An invitation to nobody's door helps nobody: the first registration must stand.
  private func isListening(_ run: SyncRun, _ url: String) async throws {
    // A server that takes the connection and never speaks must not hold us for ever.
    let patience = Alarm.after(min(options.timeout ?? 30, 30)) { Task { await run.driver.stop() } }
    defer { patience.cancel() }
    for await output in run.driver.reports {
      if case .connection(.listener(_, .listening)) = output { return }
      if case .connection(.listenerWaits) = output { break }
    }
    Terminal.error("\(url) cannot be reached, or does not register us")
    await run.stop()
    throw ExitCode(3)
  }

  private func show(_ invitation: Invitation, _ mode: Invitation.Mode) throws {
    let link = invitation.link(base: app, mode: mode)
    let symbol: QRSymbol
    do { symbol = try QRSymbol(link) } catch { throw Exit.usage("\(error)") }
    if let png { try Output.file(symbol.png(), path: png) }
    try Inputs.write(symbol.svg, to: svg)
    if options.json {
      let line: JSONValue = [
        "event": "invitation", "link": .string(link), "mode": .string(mode.rawValue),
        "expiresIn": .number(lifetime * 1_000), "invitation": .string(invitation.json),
      ]
      return Output.write(line.compact + "\n")
    }
    var text = "link: \(link)\njson: \(invitation.json)\n"
    if !noQR {
      text =
        symbol.terminalText(usesColour: Terminal.isTerminal && ProcessInfo.processInfo.environment["NO_COLOR"] == nil)
        + text
    }
    Output.write(text)
  }
}

struct JoinCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "join",
    abstract: "Be the invitee: use an invitation and tell what happens.",
    discussion: """
      The invitation is a link, its part behind #, JSON, or a file with one of them. Then both sides synchronise (CHUM).
      With --store, a later run needs no invitation: it dials the contacts.

        chumgate join 'https://app.example.org/invites/invitePartner/?invited=true#%7B%22token…'
        chumgate join invitation.txt --store bob --chat
        chumgate join --store bob --save inbox --until-synced --timeout 60
        zbarimg --quiet --raw code.png | chumgate join -

      Exit codes: 0 the wish of --until is fulfilled, 1 the pairing failed or time is over, 2 usage.
      """)

  @Argument(help: "Link, fragment, JSON, a file, or - for standard input. (Default: none, for known contacts.)")
  var invitation: String?
  @Option(help: "URL under which we are to be reached. (Default: that of the invitation.)")
  var server: String?
  @Flag(help: "Agree when the other side says that both are one human.")
  var iom = false
  @Flag(help: "Handshake with the instance key, as the fork of the file provider does.")
  var instanceKey = false
  @OptionGroup(title: "Synchronisation") var sync: SyncOptions
  @OptionGroup(title: "Instance") var options: InstanceOptions

  func validate() throws {
    if invitation == nil, sync.store == nil {
      throw ValidationError("an invitation is needed, or a --store with contacts")
    }
    if invitation == "-", sync.chat { throw ValidationError("standard input is the invitation or the chat, not both") }
    if let server, WebSocketURL(server) == nil { throw ValidationError("\(server) is no ws:// or wss:// URL") }
  }

  func run() async throws {
    signal(SIGPIPE, SIG_IGN)
    let given = try invitation.map { try read($0) }
    let folder = try InstanceFolder(sync.store)
    let identity = try folder.identity(options, url: server ?? (folder.hasIdentity ? nil : given?.invitation.url))
    let run = try SyncRun(options, sync, folder: folder, identity: identity, affirmsIoM: iom)
    if given == nil, run.contacts == 0 { throw Exit.usage("\(folder.path) has no contacts: an invitation is needed") }
    await run.start()
    if let given {
      let join = JoinOptions(mode: iom ? .iom : given.mode, usesInstanceKey: instanceKey)
      await run.driver.command(.instance(.join(given.invitation, join)))
    }
    let end = await run.wait(
      sync.until(options.until), timeout: options.timeout ?? (sync.chat ? nil : 60), failureEnds: true)
    await run.stop()
    if end == .failed || end == .timeout { throw ExitCode(1) }
  }

  private func read(_ argument: String) throws -> (invitation: Invitation, mode: Invitation.Mode?) {
    let text = try InvitationInput.text(argument)
    do {
      let invitation = try Invitation.parse(text, profile: options.profile == .strict ? .strict : .deployed)
      return (invitation, Invitation.Mode.detect(in: text))
    } catch { throw Exit.usage("\(error)") }
  }
}

/// Invitations as people hand them over.
enum InvitationInput {
  /// The text itself, or the content of the file that it names.
  static func text(_ argument: String) throws -> String {
    let isText = argument.contains("#") || argument.hasPrefix("{") || argument.contains("%7B")
    if isText { return argument }
    let bytes = try Inputs.bytes(argument)
    guard bytes.count <= Invitation.longestInput else { throw Exit.usage("\(argument) is longer than any invitation") }
    return String(decoding: bytes, as: UTF8.self)
  }
}
