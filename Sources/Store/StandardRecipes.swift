public import Microdata

/// The types that travel over CHUM in the deployed applications (microdata.md 16), so that nothing has to be loaded.
///
/// One entry a type: `name flags: type` in recipe order; `*` is an ID property, `?` optional, `+` merged as a linked
/// list; `->` refers to objects, BLOBs or CLOBs, `=>` to ID objects.
public enum StandardRecipes {
  static let text = #"""
    Access { object*: ->*; person: bag<=>Person>; group: bag<=>Group> }
    IdAccess { id*: =>*; person: bag<=>Person>; group: bag<=>Group> }
    Chum { name*: string; instance*: array<string>; person*: array<string/^(undefined|[0-9a-f]{64})$/>;
      highestRemoteTimestamp: integer; AtoBObjects: bag<->*>; AtoBIdObjects: bag<=>*>; AtoBBlob:
      bag<->BLOB>; AtoBClob: bag<->CLOB>; BtoAObjects: bag<->*>; BtoAIdObjects: bag<=>*>; BtoABlob:
      bag<->BLOB>; BtoAClob: bag<->CLOB>; BtoAExists: integer; statistics?: stringifiable; errors?:
      stringifiable }
    Group { name*: string; person: bag<=>Person> }
    Instance { name*: string; owner*: =>Person; recipe: set<->Recipe>; enabledReverseMapTypes:
      map<string, set<string>>; enabledReverseMapTypesForIdObjects: map<string, set<string>> }
    Keys { owner: =>Instance|Person; publicKey: string/^[A-Za-z0-9+/]{64}$/; publicSignKey:
      string/^[A-Za-z0-9+/]{64}$/ }
    Person { email*: string; name?: string }
    Recipe { name*: string; crdtConfig?: map<string, string>; rule: array<{itemprop: string; optional?:
      boolean; isId?: boolean; itemtype?: stringifiable; inheritFrom?: stringifiable}> }
    VersionNodeChange { prev?: ->VersionNodeEdge|VersionNodeChange|VersionNodeMerge; data: ->*; depth:
      number; creationTime: number }
    VersionNodeEdge { data: ->*; depth: number; creationTime: number }
    VersionNodeMerge { nodes: set<->VersionNodeEdge|VersionNodeChange|VersionNodeMerge>; data: ->*;
      depth: number; creationTime: number }
    LinkedListEntry { data: ->CreationTime; metadata?: bag<->*>; previous?: ->LinkedListEntry }
    ChannelInfo { id*: string; owner*?: =>Person; head?+: ->LinkedListEntry }
    ChannelRegistry { id*: string/^ChannelRegistry$/; channels: set<=>ChannelInfo> }
    CreationTime { timestamp: number; data: ->* }
    ChatMessage { text: string; attachments?: array<->*>; sender: =>Person; thumbnails?: array<->*> }
    ChatRequest { for: string }
    Topic { name?: string; id: string; channel: =>ChannelInfo }
    TopicAppRegistry { id*: string/^TopicAppRegistry$/; topics: map<string, ->Topic> }
    OneInstanceEndpoint { personId: =>Person; instanceId: =>Instance; personKeys: ->Keys; instanceKeys:
      ->Keys; url?: string }
    Email { email: string }
    PhoneNumber { number: string }
    Leute { appId*: string/^one.leute$/; me: =>Someone; other: bag<=>Someone>; group:
      bag<=>GroupProfile> }
    PersonName { name: string }
    ProfileImage { image: ->BLOB }
    PersonStatus { value: string; timestamp: number; location: string }
    PersonImage { image: ->BLOB; timestamp: number; location: string }
    SignKey { key: string/^[A-Za-z0-9+/]{64}$/ }
    EncryptionKey { key: string/^[A-Za-z0-9+/]{64}$/ }
    OrganisationName { name: string }
    Profile { profileId*: string; personId*: =>Person; owner*: =>Person; communicationEndpoint:
      bag<->OneInstanceEndpoint|Email|PhoneNumber>; personDescription:
      bag<->PersonName|ProfileImage|PersonStatus|PersonImage|SignKey|EncryptionKey|OrganisationName> }
    Someone { someoneId*: string; mainProfile: =>Profile; identities: map<=>Person, set<=>Profile>> }
    GroupProfile { group*: =>Group; name: string; picture: ->BLOB }
    Signature { issuer: =>Person; data: ->*; signature: string/^([0-9a-fA-F]{2})*$/ }
    AccessUnversionedObjectCertificate { person: =>Person; data: ->*; license: ->License }
    AccessVersionedObjectCertificate { person: =>Person; data: =>*; license: ->License }
    AffirmationCertificate { data: ->*; license: ->License }
    License { name: string; description: string }
    RelationCertificate { app: string; relation: string; person1: =>Person; person2: =>Person; license:
      ->License }
    RightToDeclareTrustedKeysForEverybodyCertificate { beneficiary: =>Person; license: ->License }
    RightToDeclareTrustedKeysForSelfCertificate { beneficiary: =>Person; license: ->License }
    TrustKeysCertificate { profile: ->Profile; license: ->License }
    IoMRequest { timestamp: number; initiator: =>Person; mainId: =>Person; alternateId: =>Person; mode:
      string/^(full|light)$/ }
    IoMRequestsRegistry { appId*: string/^one.iom$/; requests: set<->IoMRequest> }
    BlobDescriptor { data: ->BLOB; lastModified: number; name: string; size: number; type: string }
    BlobCollection { name: string; blobs: array<->BlobDescriptor> }
    """#

  public static let registry: RecipeRegistry = {
    var registry = RecipeRegistry()
    var parser = RecipeText(text)
    while let recipe = parser.recipe() { try? registry.add(recipe) }
    return registry
  }()
}
