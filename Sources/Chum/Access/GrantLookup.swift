import Microdata
public import Store

/// A grant that reaches a person, and the way it does.
public struct EffectiveGrant: Sendable, Equatable {
  public let grant: Grant
  /// The ID hash of the grant object.
  public let idHash: ObjectHash
  /// The group that names the person; nil for a direct grant.
  public let group: ObjectHash?
}

extension Repository {
  /// The ID hash under which the grant for a subject is kept: one grant object a subject.
  public func grantIdHash(_ subject: Subject) -> ObjectHash { GrantText.idHash(subject) }

  /// The grant that an Access or IdAccess object is; nil when the entry is none.
  private func grant(_ version: ObjectHash) -> Grant? {
    guard let content = try? store.content(version) else { return nil }
    if let grant = GrantText.read(content) { return grant }
    return (try? codec.read(content, as: .object)).flatMap { Grant($0) }
  }

  /// The latest grant for a subject; nil when none was ever written.
  public func currentGrant(_ subject: Subject) -> Grant? {
    currentVersion(grantIdHash(subject)).flatMap { grant($0) }
  }

  /// The members of the latest version of a group.
  public func members(of group: ObjectHash) -> [ObjectHash] {
    guard let version = currentVersion(group), let object = try? object(version), object.type == "Group" else {
      return []
    }
    return object.hashes("person")
  }

  /// Everything that reaches a person now, in the order of chum.md 2.4: direct Access, direct IdAccess, then by group.
  public func grants(for person: ObjectHash, policy: GroupPolicy) -> [EffectiveGrant] {
    var found: [EffectiveGrant] = []
    for type in ["Access", "IdAccess"] { found += current(type, naming: person, as: nil, policy) }
    for group in groups(of: person, policy) {
      for type in ["Access", "IdAccess"] { found += current(type, naming: group, as: group, policy) }
    }
    return found
  }

  /// The groups whose latest version names the person, as far as the policy lets them count.
  public func groups(of person: ObjectHash, _ policy: GroupPolicy) -> [ObjectHash] {
    if case .ignored = policy { return [] }
    var groups: [ObjectHash] = []
    for line in store.referrers(ReverseKey(target: person, type: "Group")) {
      guard let idHash = currentId(of: line), !groups.contains(idHash) else { continue }
      if case .filter(let allows) = policy, !allows(idHash, "Group") { continue }
      groups.append(idHash)
    }
    return groups
  }

  /// True when some latest grant for the subject reaches the person: constant cost, for checks on every request.
  public func isGranted(_ subject: Subject, to person: ObjectHash, policy: GroupPolicy) -> Bool {
    guard let version = currentVersion(grantIdHash(subject)), let grant = grant(version), grant.subject == subject
    else { return false }
    if case .filter(let allows) = policy, !allows(version, subject.grantType) { return false }
    if grant.persons.contains(person) { return true }
    if case .ignored = policy { return false }
    return grant.groups.contains { group in
      if case .filter(let allows) = policy, !allows(group, "Group") { return false }
      return members(of: group).contains(person)
    }
  }

  private func current(
    _ type: String, naming principal: ObjectHash, as group: ObjectHash?, _ policy: GroupPolicy
  ) -> [EffectiveGrant] {
    store.referrers(ReverseKey(target: principal, type: type)).compactMap { line in
      // The map also has a line for what the grant is about; only principals count, and only the latest version (F44).
      guard let grant = grant(line), (group == nil ? grant.persons : grant.groups).contains(principal) else {
        return nil
      }
      let idHash = grantIdHash(grant.subject)
      guard currentVersion(idHash) == line else { return nil }
      if case .filter(let allows) = policy, !allows(line, type) { return nil }
      return EffectiveGrant(grant: grant, idHash: idHash, group: group)
    }
  }

  /// The ID hash of a version, if it is the current one.
  private func currentId(of version: ObjectHash) -> ObjectHash? {
    guard let content = try? store.content(version), let idHash = try? idHash(of: content),
      currentVersion(idHash) == version
    else { return nil }
    return idHash
  }
}
