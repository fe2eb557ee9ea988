/// The properties of the fuzz targets by their stable names, with the requirements whose breach they notice.
public enum FuzzProperty: String, Sendable, CaseIterable {
  case noTrap = "no-trap"
  case linearTime = "linear-time"
  case boundedDepth = "bounded-depth"
  case boundedMessage = "bounded-message"
  case offsetInInput = "offset-in-input"
  case codedError = "coded-error"
  case validateAgrees = "validate-agrees"
  case strictCanonical = "strict-canonical"
  case profilesAgree = "profiles-agree"
  case writesAsModel = "writes-as-model"
  case oneCanonicalForm = "one-canonical-form"
  case stable = "stable"
  case readsWhatItWrites = "reads-what-it-writes"
  case formsDiffer = "forms-differ"
  case extractId = "extract-id"
  case readsAsModel = "reads-as-model"
  case extractAsModel = "extract-as-model"
  case grammar = "grammar"
  case libxml2HTML = "libxml2-html"
  case libxml2XML = "libxml2-xml"

  public var statement: String {
    switch self {
    case .noTrap: "no input ends the process"
    case .linearTime: "time grows with the input, whatever part of it is repeated or nested"
    case .boundedDepth: "no value is nested deeper than the bound, whatever nests in itself"
    case .boundedMessage: "an error shows a bounded extract of the input"
    case .offsetInInput: "an error's place lies in the input"
    case .codedError: "every refusal has a code"
    case .validateAgrees: "validating without values refuses and accepts as strict parsing"
    case .strictCanonical: "strict accepts exactly what is written back as it came"
    case .profilesAgree: "what both profiles accept has the same value in both"
    case .writesAsModel: "objects from choices are written, or refused, as the model says"
    case .oneCanonicalForm: "strict writes what deployed writes"
    case .stable: "what was written is read and written again as it is"
    case .readsWhatItWrites: "own text is refused only where the model says so"
    case .formsDiffer: "an ID object is no object"
    case .extractId: "extractId gives the ID form but for the exceptions of chapter 10"
    case .readsAsModel: "any bytes give the value or the code of the model"
    case .extractAsModel: "extractId of any bytes is as the model's"
    case .grammar: "what strict accepts is of the grammar, by a reader of its own"
    case .libxml2HTML: "libxml2's HTML parser reads the tree that the value demands"
    case .libxml2XML: "libxml2's XML parser does so with itemscope patched"
    }
  }

  /// The numbers of the requirements, MD-nnn.
  public var requirements: [Int] {
    switch self {
    case .noTrap: [39, 40, 63, 97]
    case .linearTime: [39, 40, 63, 70]
    case .boundedDepth: [40]
    case .boundedMessage: [41]
    case .offsetInInput: [39]
    case .codedError: [29]
    case .validateAgrees: [94]
    case .strictCanonical: [55, 94, 95]
    case .profilesAgree: [88, 90, 96]
    case .writesAsModel:
      [
        1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 44, 45, 50, 51, 53, 56, 57, 58, 64,
        66, 67,
      ]
    case .oneCanonicalForm: [1, 91]
    case .stable: [1, 13, 14, 15, 50, 56, 57, 64, 65, 66]
    case .readsWhatItWrites: [65, 87, 89]
    case .formsDiffer: [22]
    case .extractId: [42, 46]
    case .readsAsModel:
      [
        22, 23, 24, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 43, 44, 54, 62, 65, 66, 67, 69, 87, 89, 93, 97,
      ]
    case .extractAsModel: [46, 47]
    case .grammar: [1, 94]
    case .libxml2HTML, .libxml2XML: [1, 64, 65, 100]
    }
  }
}
