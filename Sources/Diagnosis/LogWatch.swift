import Store
import Trace
import Wire

/// What the logs of instances add: who granted, to whom, what plugins did, what was stored and rejected.
///
/// Bounded: 1,000 instances, 50,000 grants and channels.
struct LogWatch {
  private static let capacity = 50_000

  struct Instance {
    var person: String?
    var authority = "LeuteAccessRightsManager"
    var policy: String?
    /// Subjects that were granted to groups only, with the place of the grant.
    var groupOnly: [String: Evidence] = [:]
    /// One-to-one channels without a grant so far.
    var bareChannels: Set<String> = []
    var stored = 0
    var rejected = 0
  }

  private(set) var instances: [String: Instance] = [:]
  private(set) var grants = 0
  private(set) var foreignGrants = Count()
  private(set) var repeatedGrants = Count()
  private(set) var plugins = 0
  private(set) var swallowed = Count()
  private(set) var channels = 0
  private(set) var lateGrants = Count()
  /// Principals that were granted, by instance and subject.
  private var given: [String: Set<String>] = [:]

  mutating func observe(_ event: LogEvent, _ evidence: Evidence) {
    guard instances[event.peer] != nil || instances.count < 1_000 else { return }
    // Taken out, so that it changes in place.
    var instance = instances.removeValue(forKey: event.peer) ?? Instance()
    switch event.fact {
    case .identityReady(let identity):
      instance.person = identity.person
      if let authority = identity.authority { instance.authority = authority }
    case .chumStarted(let start):
      instance.person = start.localPerson ?? instance.person
      instance.policy = start.groupPolicy ?? instance.policy
    case .grantCreated(let grant): observe(grant, event.peer, &instance, evidence)
    case .pluginPassed(let pass):
      plugins += 1
      if case .text(ChumMessage.controlText)? = pass.before, pass.after != pass.before {
        let what = pass.after == nil ? "swallowed" : "changed"
        swallowed.add("plugin \(excerpt(pass.plugin, 40)) of \(excerpt(event.peer, 40)) \(what) the text", evidence)
      }
    case .channelCreated(let channel):
      channels += 1
      if channel.id.contains("<->"), instance.bareChannels.count < Self.capacity {
        instance.bareChannels.insert(channel.channel)
      }
    case .messageAppended(let message):
      if instance.bareChannels.remove(message.channel) != nil {
        lateGrants.add(
          "the first message of the one-to-one channel \(message.channel.prefix(8))… came before any grant on it",
          evidence
        )
      }
    case .objectStored(let object): if object.viaChum == true { instance.stored += 1 }
    case .objectRejected: instance.rejected += 1
    default: break
    }
    instances[event.peer] = instance
  }

  private mutating func observe(_ grant: LogGrant, _ peer: String, _ instance: inout Instance, _ evidence: Evidence) {
    grants += 1
    instance.bareChannels.remove(grant.subject)
    if let component = grant.by, component != instance.authority {
      foreignGrants.add(
        "\(excerpt(component, 40)) grants \(grant.subject.prefix(8))… on \(excerpt(peer, 40)), where only "
          + "\(excerpt(instance.authority, 40)) may", evidence)
    }
    let key = "\(peer) \(grant.subject)"
    let principals = Set(grant.persons + grant.groups)
    let before = given[key]
    let isRepeated = before.map { $0.isSuperset(of: principals) } ?? false
    if grant.mode == "replace" {
      if before != nil || given.count < Self.capacity { given[key] = principals }
    } else if grant.status == "exists" || isRepeated {
      repeatedGrants.add("the grant on \(grant.subject.prefix(8))… was given before", evidence)
    } else if before != nil || given.count < Self.capacity {
      given[key] = before.map { $0.union(principals) } ?? principals
    }
    if !grant.groups.isEmpty, grant.persons.isEmpty, instance.groupOnly.count < Self.capacity {
      instance.groupOnly[grant.subject] = instance.groupOnly[grant.subject] ?? evidence
    } else if !grant.persons.isEmpty {
      instance.groupOnly[grant.subject] = nil
    }
  }

  /// What was granted to groups only and is in no list of the exporter, when lists came after the grant.
  func ignoredGroupGrants(_ flow: Flow) -> Remark? {
    guard let person = flow.exporter.person, let last = flow.lastList else { return nil }
    for instance in instances.values where instance.person == person {
      let missing = instance.groupOnly.filter { subject, evidence in
        evidence.time < last.time && ObjectHash(hex: subject).map { flow.roots[$0] == nil } ?? false
      }
      guard let first = missing.min(by: { $0.value.time < $1.value.time }), instance.policy != "evaluated" else {
        continue
      }
      let policy =
        instance.policy.map { "the group policy that ran is \(excerpt($0, 20))" } ?? "its lists leave them out"
      return Remark(
        cause: Cause(
          "group-grants-ignored",
          "\(missing.count) grants of \(flow.exporter.name) name groups only, first \(first.key.prefix(8))…, and \(policy): "
            + "none of them is offered", fact: "F1", isProven: instance.policy == "ignored"),
        count: missing.count, evidence: first.value, isTrouble: true)
    }
    return nil
  }

  /// The group policy that a person's instance logs.
  func policy(_ party: Party) -> String? {
    instances.values.lazy.compactMap { $0.person == party.person && party.person != nil ? $0.policy : nil }.first
  }

  func stored(_ party: Party) -> Int? {
    let known = instances.values.filter { $0.person != nil && $0.person == party.person }
    return known.isEmpty || known.allSatisfy { $0.stored == 0 } ? nil : known.reduce(0) { $0 + $1.stored }
  }
}

extension Diagnostician {
  /// A line of an instance's log. Rejections name the root that failed, with the importer's own code.
  func observe(_ event: LogEvent, _ evidence: Evidence) {
    log.observe(event, evidence)
    guard case .objectRejected(let hash, let code) = event.fact, let key = ObjectHash(hex: hash),
      let person = log.instances[event.peer]?.person
    else { return }
    let cause = Cause(
      "rejected", "the importer's log says that it rejected it: \(excerpt(code ?? "without a code", 60))")
    for flow in flows.values where flow.importer.person == person {
      if flow.roots[key] != nil { flow.fail(key, cause, evidence) }
    }
  }
}
