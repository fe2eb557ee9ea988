import Trace
import Wire

extension RuleBook {
  /// Rules of chum.md 5.6.
  static let access: [any Rule.Type] = [
    GrantsAreWellFormed.self, GrantSubjectsExist.self, OneComponentGrants.self, NoDuplicateGrants.self,
    GrantWritesDoNotOverlap.self, AddNeverRemoves.self, ReplaceIsExact.self, AddIsIdempotent.self,
    GrantModeIsExplicit.self, EmptyReplaceRevokes.self, RevocationIsEffective.self, RevocationDoesNotRecall.self,
    LatestGrantDecides.self, LatestGroupDecides.self, GroupGrantsAreHonoured.self, GroupPolicyIsLogged.self,
    MembershipIsLocal.self, GrantsAreLocal.self, NoGrantNoData.self, OwnPersonIsNotSpecial.self,
    BrokenGrantsDoNotStopSync.self, IdAccessCoversVersions.self, AccessCoversOneVersion.self,
    ListedChildrenAreServed.self, NoGrantsOnParts.self, GrantBeforeFirstUse.self, NoEmptyGrants.self,
    GrantsNameKnownPrincipals.self, ProfileIsForEveryone.self,
  ]
}

/// A short name for a component, person or id in a message.
func named(_ text: String?) -> String { text.map { excerpt($0, 60) } ?? "(not said)" }

/// The first digits of a hash, or an excerpt of what is none.
func short(_ hash: String) -> String { isHash(hash) ? hash.prefix(8) + "…" : excerpt(hash, 40) }
