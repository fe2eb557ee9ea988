/// Broken variants of the machines: each must be caught by rule, case or audit (law 9). Never set outside self-tests.
public enum ChumFault: String, Sendable, CaseIterable {
  /// The importer stores objects under whatever hash they have.
  case hashNotChecked
  /// The exporter goes on announcing roots that were revoked.
  case announcedAfterRevoke
  /// The importer stores version nodes and never moves a head.
  case headNotMerged
  /// The exporter answers GET_ID_OBJECT with a whole object, and GET_OBJECT with the ID object.
  case idObjectSentAsObject
  /// The exporter answers with anything that is stored, announced or not.
  case accessNotChecked
  /// The importer stores objects whose references are missing, also in profile strict.
  case dependenciesNotChecked
  /// The exporter lists children in the order in which they are fetched.
  case childrenInWrongOrder
  /// The importer asks for what it has.
  case knownObjectsFetched
}
