import ArgumentParser
import CommServer
import Conformance
import Wire

struct TestServerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "server", abstract: "Try every requirement of a CommServer that a socket can observe.",
    discussion: """
      Without a URL: the embedded server, in process on a virtual clock.

        chumgate test server --profile strict
        chumgate test server --filter 'CS-0*' --html report.html

      Exit codes: 0 pass, 1 failures, 2 usage, 3 target unreachable, 4 nothing ran, 5 stale or expired expectation,
      6 self-check failed, 7 flaky only.
      """)

  @OptionGroup var arguments: RunArguments

  func run() throws {
    var target = EmbeddedServer(settings: CommServerSettings(profile: arguments.profile))
    try arguments.run("server", on: &target)
  }
}
