import Cryptobox
import Glibc
import Invariants
public import Recording
import Trace
public import WireBytes

/// Measures replay side by side with libsodium on the same machine in the same run; prints ratios, asserts nothing.
///
/// Seconds are processor time of the one thread that works, so that other load on the machine does not count.
public enum ReplayBenchmark {
  /// `events` is the length of the longest session; a hundredth and a tenth of it are measured for memory too.
  public static func run(events: Int, progress: (String) -> Void) throws(RecordingFailure) -> JSONValue {
    // A connection of the generator gives about this many events.
    let perConnection = try eventCount(connections: 1)
    var sessions: [JSONValue] = []
    for target in [events / 100, events / 10, events] {
      progress("decryption and all rules, \(target) events")
      sessions.append(try wholePath(connections: max(1, target / perConnection)))
    }
    progress("rules alone, \(events) events")
    let rules = try rulesAlone(events: events)
    progress("libsodium alone")
    let sodium = libsodium()
    // How much longer a frame takes through the whole path than libsodium alone needs to open it.
    let whole = sessions.last?["framesPerSecond"]?.number ?? 0
    let alone = sodium["framesPerSecond"]?.number ?? 0
    return [
      "format": "chumgate-bench-replay/1",
      "sessions": .array(sessions),
      "rulesAlone": rules,
      "libsodium": sodium,
      "wholePathTimesLibsodium": whole > 0 ? rounded(alone / whole) : nil,
      "rules": .number(Double(RuleBook.all.count)),
    ]
  }

  private static func eventCount(connections: Int) throws(RecordingFailure) -> Int {
    var reader = try SessionReader(SyntheticSession(connections: connections))
    var count = 0
    while try reader.next() { count += reader.analyzer.events.count }
    return max(count, 1)
  }

  private static func wholePath(connections: Int) throws(RecordingFailure) -> JSONValue {
    resetPeak()
    // What the generator itself takes is measured apart, and taken off.
    let generation = try seconds { () throws(RecordingFailure) in
      var source = SyntheticSession(connections: connections)
      while !source.next().isEmpty {}
    }
    resetPeak()
    var verdict: SessionVerdict?
    var bytes = 0
    let total = try seconds { () throws(RecordingFailure) in
      var judge = try SessionJudge(file: "synthetic", source: SyntheticSession(connections: connections))
      while try judge.step() {}
      bytes = judge.source.frameBytes
      verdict = judge.finish()
    }
    guard let verdict else { return nil }
    let judging = max(total - generation, 1e-9)
    return [
      "events": .number(Double(verdict.events)), "frames": .number(Double(verdict.frames)),
      "failures": .number(Double(verdict.count(.failure))),
      "failedRules": .array(
        Set(verdict.findings.filter { $0.level(.deployed) == .failure }.map(\.rule.id)).sorted().map { .string($0) }),
      "warnings": .number(Double(verdict.count(.warning))),
      "seconds": rounded(judging), "eventsPerSecond": rounded(Double(verdict.events) / judging),
      "framesPerSecond": rounded(Double(verdict.encryptedFrames) / judging),
      "encryptedMBPerSecond": rounded(Double(bytes) / judging / 1e6), "peakMiB": rounded(peakMiB()),
    ]
  }

  /// One connection's events over and over, each time as a new connection.
  private static func rulesAlone(events: Int) throws(RecordingFailure) -> JSONValue {
    var template: [Event] = []
    var reader = try SessionReader(SyntheticSession(connections: 1))
    while try reader.next() { template += reader.analyzer.events }
    let duration = (template.last?.time ?? 0) + 1
    let repeats = max(1, events / template.count)
    var engine = RuleEngine(facts: SessionFacts())
    resetPeak()
    let time = seconds {
      for copy in 0..<repeats {
        for event in template {
          var kind = event.kind
          // A copy of a key message would be a replay, and rightly reported; without the key it is only a message.
          switch kind {
          case .keySent(let key):
            kind = .keySent(KeyMessage(isInitiator: key.isInitiator, length: 72, ephemeral: nil, failedToOpen: false))
          case .encrypted(let channel):
            kind = .encrypted(
              Channel(clientIsInitiator: channel.clientIsInitiator, fingerprint: nil, source: nil, target: nil))
          default: break
          }
          engine.observe(
            Event(
              seq: event.seq, time: event.time + Double(copy) * duration, line: event.line, leg: copy + 1,
              conn: event.conn, direction: event.direction, kind: kind))
        }
      }
      engine.finish()
    }
    let count = repeats * template.count
    return [
      "events": .number(Double(count)), "findings": .number(Double(engine.findings.count)), "seconds": rounded(time),
      "eventsPerSecond": rounded(Double(count) / time), "peakMiB": rounded(peakMiB()),
    ]
  }

  /// crypto_secretbox_open, and nothing else, on the very frames of the synthetic session's first connection.
  private static func libsodium() -> JSONValue {
    var session = SyntheticSession(connections: 1)
    while !session.next().isEmpty {}
    let box = SodiumBox()
    let samples = session.firstFrames.map { ($0.frame, Nonce(counter: $0.counter), $0.key) }
    let repeats = max(1, 200_000 / max(samples.count, 1))
    var opened = 0
    let time = seconds {
      for _ in 0..<repeats {
        for (frame, nonce, key) in samples where box.open(frame, nonce: nonce, key: key) != nil { opened += 1 }
      }
    }
    let bytes = repeats * samples.reduce(0) { $0 + $1.0.count }
    return [
      "frames": .number(Double(opened)), "framesPerSecond": rounded(Double(opened) / time),
      "MBPerSecond": rounded(Double(bytes) / time / 1e6),
    ]
  }

  private static func rounded(_ value: Double) -> JSONValue {
    .number(value >= 100 ? value.rounded() : (value * 1_000).rounded() / 1_000)
  }

  private static func seconds<Failure: Error>(_ body: () throws(Failure) -> Void) throws(Failure) -> Double {
    var start = timespec()
    var end = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start)
    try body()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end)
    return Double(end.tv_sec - start.tv_sec) + Double(end.tv_nsec - start.tv_nsec) / 1e9
  }

  /// Lets the kernel forget the process's highest resident size (Linux: `/proc/self/clear_refs`).
  private static func resetPeak() {
    let descriptor = unsafe open("/proc/self/clear_refs", O_WRONLY)
    guard descriptor >= 0 else { return }
    _ = unsafe write(descriptor, "5", 1)
    close(descriptor)
  }

  /// The highest resident size since the last reset, in MiB; 0 where the kernel does not tell.
  private static func peakMiB() -> Double {
    guard let source = try? FileSource(path: "/proc/self/status") else { return 0 }
    let bytes = (try? source.next()) ?? []
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") where line.hasPrefix("VmHWM:") {
      return Double(line.split(separator: " ").dropFirst().first ?? "0").map { $0 / 1024 } ?? 0
    }
    return 0
  }
}
