import Diagnosis
public import Invariants
public import Recording
import Trace

/// Reads a session and runs the rules over it, line by line.
public struct SessionJudge<Source: ByteSource> {
  private var reader: SessionReader<Source>
  private var engine: RuleEngine
  private let diagnostician = Diagnostician()
  private var verdict: SessionVerdict

  /// `rules` restricts the judge; all of the rule book by default. `logs` are merged with the session by time.
  public init(
    file: String, source: Source, options: SessionReader<Source>.Options = .init(),
    logs: [(name: String, source: Source)] = [],
    profile: JudgingProfile = .deployed, rules: [any Rule.Type] = RuleBook.all
  ) throws(RecordingFailure) {
    reader = try SessionReader(source, options: options, logs: logs)
    var facts = SessionFacts()
    if let interval = reader.header.pingInterval { facts.pingInterval = interval }
    if let timeout = reader.header.pongTimeout { facts.pongTimeout = timeout }
    if let interval = reader.header.pollInterval { facts.pollInterval = interval }
    engine = RuleEngine(rules: rules, facts: facts)
    verdict = SessionVerdict(file: file, profile: profile)
    verdict.name = reader.header.name
    verdict.description = reader.header.description
  }

  /// Where the source stands, for progress.
  public var source: Source { reader.source }

  /// Judges at most `lines` more lines; false when the session is over.
  public mutating func step(lines: Int = 1_000) throws(RecordingFailure) -> Bool {
    for _ in 0..<lines {
      guard try reader.next() else { return false }
      for event in reader.analyzer.events {
        engine.observe(event)
        diagnostician.observe(event)
      }
    }
    return true
  }

  /// Ends the watch and gives the verdict.
  public mutating func finish() -> SessionVerdict {
    engine.finish()
    verdict.findings = engine.findings
    verdict.diagnosis = diagnostician.finish()
    verdict.droppedFindings = engine.droppedFindings
    verdict.lines = reader.lineNumber
    verdict.events = engine.eventCount
    verdict.connections = reader.analyzer.connectionCount
    verdict.frames = reader.analyzer.frameCount
    verdict.encryptedFrames = reader.analyzer.encryptedFrameCount
    verdict.openedFrames = reader.analyzer.openedFrameCount
    verdict.logEvents = reader.analyzer.logEventCount
    verdict.blindness = reader.analyzer.blindness
    verdict.duration = reader.lastTime
    verdict.truncation = reader.truncation
    verdict.rulesRun = engine.ruleInfos.count
    verdict.rulesWoken = zip(engine.ruleInfos, engine.wakeCounts).filter { $0.1 > 0 }.map(\.0)
    return verdict
  }

  /// The whole session at once.
  public mutating func run() throws(RecordingFailure) -> SessionVerdict {
    while try step() {}
    return finish()
  }
}
