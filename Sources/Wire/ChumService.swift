/// The services of CHUM by number (chum.md 2.2).
public enum ChumService: Int, Sendable, CaseIterable {
  case getProtocolVersion = 1
  case getAccessibleRoots = 2
  /// Served by the importer's side; this version of the real implementation never sends it.
  case newAccessibleRootEvent = 3
  case getObjectChildren = 4
  case getIdObjectChildren = 5
  case getObject = 6
  case getIdObject = 7
  case getBlob = 8
  case fin = 10

  /// The name that the documents use.
  public var name: String {
    switch self {
    case .getProtocolVersion: "GET_PROTOCOL_VERSION"
    case .getAccessibleRoots: "GET_ACCESSIBLE_ROOTS"
    case .newAccessibleRootEvent: "NEW_ACCESSIBLE_ROOT_EVENT"
    case .getObjectChildren: "GET_OBJECT_CHILDREN"
    case .getIdObjectChildren: "GET_ID_OBJECT_CHILDREN"
    case .getObject: "GET_OBJECT"
    case .getIdObject: "GET_ID_OBJECT"
    case .getBlob: "GET_BLOB"
    case .fin: "FIN"
    }
  }
}
