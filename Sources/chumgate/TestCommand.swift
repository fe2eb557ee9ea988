import ArgumentParser

struct TestCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test", abstract: "Try every numbered requirement against a target.",
    discussion: """
      chumgate test server                        the embedded CommServer, in process
      chumgate test server --loopback             the same over WebSockets on loopback
      chumgate test server wss://host/            a server of yours
      chumgate test instance                      the embedded instance, every role
      chumgate test instance --invitation FILE    an app of yours that invites
      chumgate test instance --invite --server U  an app of yours that joins
      chumgate test listener                      the gate plays the server, for the embedded listener
      chumgate test codec --testee CMD            a codec of yours, on a pipe
      """,
    subcommands: [
      TestServerCommand.self, TestListenerCommand.self, TestRequesterCommand.self, TestInstanceCommand.self,
      TestCodecCommand.self,
    ])
}
