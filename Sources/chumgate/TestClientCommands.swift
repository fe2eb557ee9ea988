import ArgumentParser
import Conformance
import Scenario
import Wire

struct TestListenerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "listener", abstract: "Play the CommServer, with named misbehaviours, for the embedded listener.",
    discussion: """
      Registration, pings, replacement of sockets, handover, and the acceptor's half of the handshake; in process, on a
      virtual clock.

        chumgate test listener --profile strict
        chumgate test listener --filter 'LS-0*' --verbose
      """)

  @OptionGroup var arguments: RunArguments

  func run() throws {
    var target = EmbeddedClient(role: .listener, profile: arguments.profile)
    try arguments.run(on: &target)
  }
}

struct TestRequesterCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "requester",
    abstract: "Play the CommServer and the far end, with named misbehaviours, for the embedded requester.",
    discussion: """
      Request, retries, and the initiator's half of the handshake; in process, on a virtual clock.

        chumgate test requester --profile strict
      """)

  @OptionGroup var arguments: RunArguments

  func run() throws {
    var target = EmbeddedClient(role: .requester, profile: arguments.profile)
    try arguments.run(on: &target)
  }
}
