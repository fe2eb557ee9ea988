/// What played exporters send in the place of what was asked for: nobody may have it in store afterwards.
public enum ProbeLies {
  public static let object = ProbeShelf.name("other bytes")
  public static let idObject = ProbeShelf.personId("other@bytes")
  public static let file = "another content"
}
