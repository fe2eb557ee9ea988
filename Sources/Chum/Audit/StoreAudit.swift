import Microdata
public import Store
public import Wire

/// What must hold in one store, and between two at a fixpoint.
public enum StoreAudit {
  /// Every entry hashes to its name and is what it is called; every head is a node (CHUM-047).
  public static func integrity<S: EntryStore>(of store: S) -> [AuditFinding] {
    var findings: [AuditFinding] = []
    var entries: [(ObjectHash, StoredEntry)] = []
    _ = try? store.forEachEntry { hash, entry in
      entries.append((hash, entry))
      return true
    }
    for (hash, entry) in entries {
      guard let content = try? store.read(hash, from: 0, count: max(1, entry.size)) else {
        findings.append(AuditFinding("CHUM-049", "\(hash.short) is listed and cannot be read"))
        continue
      }
      if ObjectHash.of(content) != hash { findings.append(AuditFinding("CHUM-047", "\(hash.short) holds other bytes")) }
      let form = ObjectHead.form(content)
      if entry.kind == .object, form != .object || entry.kind == .idObject && form != .idObject {
        findings.append(AuditFinding("CHUM-030", "\(hash.short) is stored as \(entry.kind.name) and is none"))
      }
    }
    return findings
  }

  /// Every reference of every object and ID object is stored (CHUM-024).
  public static func dangling<S: EntryStore>(in store: S) -> [AuditFinding] {
    var findings: [AuditFinding] = []
    var hashes: [ObjectHash] = []
    _ = try? store.forEachEntry { hash, entry in
      if entry.kind == .object || entry.kind == .idObject { hashes.append(hash) }
      return true
    }
    for hash in hashes {
      guard let content = try? store.content(hash) else { continue }
      for reference in References.scan(content) where !reference.isSatisfied(by: store.entry(reference.hash)) {
        findings.append(
          AuditFinding("CHUM-024", "\(hash.short) refers to \(reference.hash.short), which is not stored"))
      }
    }
    return findings
  }

  /// At a fixpoint the receiver holds everything that it is offered (CHUM-062), and its heads say at least as much as
  /// what it got (CHUM-063, CHUM-064).
  public static func convergence<A: EntryStore, B: EntryStore>(
    from exporter: Repository<A>, to importer: Repository<B>, person: ObjectHash, policy: GroupPolicy,
    profile: Profile
  ) -> [AuditFinding] {
    var findings: [AuditFinding] = []
    guard let list = try? RootList(for: person, in: exporter, policy: policy, profile: profile) else {
      return [AuditFinding("ACC-021", "the root list cannot be computed")]
    }
    for root in list.roots {
      var reach = [root.hash]
      if let children = try? ChildList(of: root.hash, in: exporter.store, limit: 1_000_000) {
        reach += children.children.map(\.hash)
      }
      for hash in reach where !importer.store.knows(hash) {
        findings.append(AuditFinding("CHUM-062", "\(hash.short) of root \(root.hash.short) is missing at the receiver"))
      }
      guard case .id = root.entry, let mine = exporter.currentVersion(root.hash) else { continue }
      guard let theirs = importer.currentVersion(root.hash) else {
        findings.append(AuditFinding("CHUM-051", "\(root.hash.short) has no head at the receiver"))
        continue
      }
      if mine != theirs {
        findings.append(AuditFinding("CHUM-063", "\(root.hash.short) has other data at the receiver"))
      }
    }
    return findings
  }
}
