import Requirements
public import Scenario

/// The exchange that shows a target alive, before and after each group of cases.
public enum Sanity {
  private static let server = """
    group: sanity
    title: The target answers
    target: server
    cases:
      - id: sanity
        title: A listener registers, a requester reaches it, one message goes through
        requires: []
        steps:
          - register: l
          - relay: {listener: l, requester: r}
    """

  private static let listener = """
    group: sanity
    title: The target answers
    target: listener
    cases:
      - id: sanity
        title: The listener registers and answers a ping
        requires: []
        steps:
          - send: {to: target, json: {command: start}}
          - admit: l
          - send: {to: l, json: {command: ping}}
          - expect: {on: l, json: {command: pong}}
    """

  private static let requester = """
    group: sanity
    title: The target answers
    target: requester
    cases:
      - id: sanity
        title: The requester asks for a relay
        requires: []
        steps:
          - send: {to: target, json: {command: connect}}
          - accept: r
          - expect: {on: r, json: {command: communication_request}}
    """

  public static func exchange(_ role: TargetRole) throws(ScenarioFailure) -> Case {
    let text =
      switch role {
      case .server: server
      case .listener: listener
      case .requester: requester
      }
    var reader = CaseReader()
    let group = try reader.read(text, file: "sanity")
    guard let first = group.cases.first else {
      throw ScenarioFailure(group.place, expected: "a case", found: "none")
    }
    return first
  }
}
