import Trace

extension RuleBook {
  /// Rules of chum.md 5.7.
  static let channels: [any Rule.Type] = [
    UpdatesHaveEntries.self, NoUpdateAtCreation.self, AppendsRaiseUpdates.self, ImportsRaiseUpdates.self,
    GroupGrantAtFirstUpdate.self, OneToOneIsGrantedFirst.self, OneToOneIsVisibleFirst.self,
    OneToOneIdsAreCanonical.self,
    OneToOneIsForTwo.self, OneToOneIsOneChannel.self, EntriesAreOrdered.self, NoEntryIsLost.self,
    MessagesConverge.self, EntriesAreDistinct.self, TopicAccompaniesChannel.self, AppendsNeedAChannel.self,
    TopicAndChannelAgree.self,
  ]
}
