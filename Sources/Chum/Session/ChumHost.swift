public import Store

/// What the sessions of one instance share: its repository, and what was named to whom.
public struct ChumHost<Store: EntryStore> {
  public var repository: Repository<Store>
  public var accessible = AccessibleSets()

  public init(_ repository: Repository<Store>) { self.repository = repository }
}

extension ChumHost: Sendable where Store: Sendable {}
