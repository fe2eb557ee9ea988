import ArgumentParser
import Foundation

@main
struct Chumgate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "chumgate",
    abstract: "Conformance, replay and fuzzing gate for the ONE connection stack.",
    discussion: """
      Hand it a captured session and it says what went wrong, at which message, and which rule says so.

        chumgate gate                        what a CI runs
        chumgate test server ws://HOST:PORT  every numbered requirement against a server
        chumgate replay session.ndjson       judge a recorded session
        chumgate show session.ndjson         read it, decrypted
        chumgate serve                       the embedded CommServer
        chumgate record ws://HOST -o FILE    capture a session through a proxy
        chumgate invite --server ws://HOST   pair with a real app, as the inviter
        chumgate join INVITATION             and as the invitee
        chumgate simulate                    whole worlds with faults, in process
        chumgate explain FRM-001             what a rule or requirement demands
        chumgate fuzz microdata              search inputs that break the codec, ours or yours
        chumgate test codec --testee 'CMD'   ask a codec on a pipe all vectors and generated cases

      Exit codes: 0 pass, 1 failures, 2 usage or unreadable file, 3 target unreachable, 4 nothing ran,
      5 stale or expired expectation, 6 self-check failed, 7 flaky only.
      """,
    version: "0.1.0",
    subcommands: [
      GateCommand.self,
      ReplayCommand.self,
      TestCommand.self,
      FuzzCommand.self,
      ShowCommand.self,
      RecordCommand.self,
      ServeCommand.self,
      StoreCommand.self,
      MicrodataCommand.self,
      IdentityCommand.self,
      InviteCommand.self,
      JoinCommand.self,
      SimulateCommand.self,
      TesteeCommand.self,
      ExplainCommand.self,
      MatrixCommand.self,
      ExpectationsCommand.self,
      ScenarioCommand.self,
      SelfCheckCommand.self,
      BenchCommand.self,
    ])

  /// Runs the command that the arguments name. What ArgumentParser calls a validation failure (its code is 64), and whatever
  /// else a command did not foresee, is the house's 2: 1 says that something was judged and failed.
  static func main() async {
    do {
      var command = try parseAsRoot()
      if var async = command as? any AsyncParsableCommand { try await async.run() } else { try command.run() }
      Output.finish()
    } catch {
      Output.finish()
      let code = exitCode(for: error)
      guard code == .validationFailure || code == .failure && !(error is ExitCode) else { exit(withError: error) }
      Output.note(fullMessage(for: error) + "\n")
      Foundation.exit(2)
    }
  }
}
