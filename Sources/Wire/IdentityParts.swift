/// Identities that were made here, not read.
extension IdentityFile {
  /// The four secret members, hex as in the file.
  public struct Secrets: Sendable {
    public let personKey: String
    public let instanceKey: String
    public let personSignKey: String
    public let instanceSignKey: String

    public init(personKey: String, instanceKey: String, personSignKey: String, instanceSignKey: String) {
      self.personKey = personKey
      self.instanceKey = instanceKey
      self.personSignKey = personSignKey
      self.instanceSignKey = instanceSignKey
    }
  }

  /// The secret members; nil unless all four are there.
  public var secrets: Secrets? {
    guard let personKeySecret, let instanceKeySecret, let personSignKeySecret, let instanceSignKeySecret else {
      return nil
    }
    return Secrets(
      personKey: personKeySecret, instanceKey: instanceKeySecret, personSignKey: personSignKeySecret,
      instanceSignKey: instanceSignKeySecret)
  }

  /// Puts an identity together from its members; with secrets it is of the secret kind. Nothing is checked.
  public init(
    personEmail: String, instanceName: String, personKeyPublic: String, personSignKeyPublic: String,
    instanceKeyPublic: String, instanceSignKeyPublic: String, url: String?, secrets: Secrets? = nil
  ) {
    kind = secrets == nil ? .public : .secret
    self.personEmail = personEmail
    self.instanceName = instanceName
    self.personKeyPublic = personKeyPublic
    self.personSignKeyPublic = personSignKeyPublic
    self.instanceKeyPublic = instanceKeyPublic
    self.instanceSignKeyPublic = instanceSignKeyPublic
    self.url = url
    personKeySecret = secrets?.personKey
    instanceKeySecret = secrets?.instanceKey
    personSignKeySecret = secrets?.personSignKey
    instanceSignKeySecret = secrets?.instanceSignKey
  }
}
