import ArgumentParser
import Cryptobox
import Foundation
import Instance
import Network
import QRImage
import Wire
import WireBytes

struct InviteCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "invite",
    abstract: "Be the inviter: print an invitation, wait, and tell what happens.",
    discussion: """
      Registers at the CommServer, prints the link, a QR code and the JSON, and waits for somebody to use it.

        chumgate invite --server ws://localhost:8000
        chumgate invite --server wss://comm.example.org --iom --identity me_secret.id.json
        chumgate invite --server ws://localhost:8000 --record s.ndjson --key-log k.txt --png code.png

      Exit codes: 0 the wish of --until is fulfilled, 1 it is not (time is over), 2 usage, 3 the CommServer cannot be reached.
      """)

  @Option(help: "URL of the CommServer.")
  var server: String
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
  @OptionGroup(title: "Instance") var options: InstanceOptions

  func validate() throws {
    guard WebSocketURL(server) != nil else { throw ValidationError("\(server) is no ws:// or wss:// URL") }
    guard lifetime > 0, lifetime <= 86_400 else { throw ValidationError("--lifetime is up to 86,400 s") }
  }

  func run() async throws {
    signal(SIGPIPE, SIG_IGN)
    let identity = try options.ownIdentity(url: server)
    let driver = try options.driver(identity)
    var random = SystemRandom()
    let token = TokenAlphabet.draw(random: &random)
    let mode: Invitation.Mode = iom ? .iom : .iop
    await driver.start()
    try await isListening(driver)
    await driver.command(.invite(InvitationRequest(lifetime: lifetime * 1_000, token: token, mode: mode)))
    let invitation = Invitation(token: token, publicKey: identity.instanceKey.publicKey.hex, url: server)
    try show(invitation, mode)
    let printer = EventPrinter(isJSON: options.json, until: options.until)
    let end = await printer.wait(driver, timeout: options.timeout, failureEnds: false)
    await driver.stop()
    if end == .timeout { throw ExitCode(1) }
  }

  /// An invitation to nobody's door helps nobody: the first registration must stand.
  private func isListening(_ driver: InstanceDriver) async throws {
    for await report in driver.reports {
      if case .listener(_, .listening) = report { return }
      if case .listenerWaits = report { break }
    }
    Terminal.error("\(server) cannot be reached, or does not register us")
    await driver.stop()
    throw ExitCode(3)
  }

  private func show(_ invitation: Invitation, _ mode: Invitation.Mode) throws {
    let link = invitation.link(base: app, mode: mode)
    let symbol: QRSymbol
    do { symbol = try QRSymbol(link) } catch { throw Exit.usage("\(error)") }
    if let png {
      do { try Data(symbol.png()).write(to: URL(fileURLWithPath: png), options: .atomic) } catch {
        throw Exit.usage("cannot write \(png): \(error.localizedDescription)")
      }
    }
    try Inputs.write(symbol.svg, to: svg)
    if options.json {
      let line: JSONValue = [
        "event": "invitation", "link": .string(link), "mode": .string(mode.rawValue),
        "expiresIn": .number(lifetime * 1_000), "invitation": .string(invitation.json),
      ]
      return FileHandle.standardOutput.write(Data((line.compact + "\n").utf8))
    }
    var text = "link: \(link)\njson: \(invitation.json)\n"
    if !noQR {
      text =
        symbol.terminalText(usesColour: Terminal.isTerminal && ProcessInfo.processInfo.environment["NO_COLOR"] == nil)
        + text
    }
    FileHandle.standardOutput.write(Data(text.utf8))
  }
}

struct JoinCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "join",
    abstract: "Be the invitee: use an invitation and tell what happens.",
    discussion: """
      The invitation is a link, its part behind #, JSON, or a file with one of them.

        chumgate join 'https://app.example.org/invites/invitePartner/?invited=true#%7B%22token…'
        chumgate join invitation.txt --identity me_secret.id.json
        zbarimg --quiet --raw code.png | chumgate join -

      Exit codes: 0 the wish of --until is fulfilled, 1 the pairing failed or time is over, 2 usage.
      """)

  @Argument(help: "Link, fragment, JSON, a file, or - for standard input.")
  var invitation: String
  @Option(help: "URL under which we are to be reached. (Default: that of the invitation.)")
  var server: String?
  @Flag(help: "Handshake with the instance key, as the fork of the file provider does.")
  var instanceKey = false
  @OptionGroup(title: "Instance") var options: InstanceOptions

  func run() async throws {
    signal(SIGPIPE, SIG_IGN)
    let text = try InvitationInput.text(invitation)
    let parsed: Invitation
    do {
      parsed = try Invitation.parse(text, profile: options.profile == .strict ? .strict : .deployed)
    } catch { throw Exit.usage("\(error)") }
    let identity = try options.ownIdentity(url: server ?? parsed.url)
    let driver = try options.driver(identity)
    await driver.start()
    let mode = Invitation.Mode.detect(in: text)
    await driver.command(.join(parsed, JoinOptions(mode: mode, usesInstanceKey: instanceKey)))
    let printer = EventPrinter(isJSON: options.json, until: options.until)
    let end = await printer.wait(driver, timeout: options.timeout ?? 60, failureEnds: true)
    await driver.stop()
    if end == .failed || end == .timeout { throw ExitCode(1) }
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
