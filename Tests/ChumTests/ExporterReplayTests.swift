import Chum
import Store
import Testing
import Wire

/// Our exporter in the place of every recorded one (issue 6, replay against ourselves).
@Suite struct ExporterReplayTests {
  @Test(arguments: RecordedChum.names)
  func `answers the recorded importer byte for byte`(_ name: String) throws {
    let recording = try RecordedChum(name)
    for leg in recording.legs where leg.foreignRequestCount > 0 && !leg.isByHand {
      let replay = try ExporterReplay(leg, in: recording)
      #expect(replay.differences == [], "\(name) \(leg.conn)")
      let empties = leg.messages.count { $0.isOwn && $0.payload == .binary([]) }
      #expect(replay.empties == empties, "\(name) \(leg.conn)")
    }
  }

  @Test func `the recordings hold exporters to stand in for`() throws {
    var compared = 0
    for recording in try RecordedChum.names.map({ try RecordedChum($0) }) {
      for leg in recording.legs where leg.foreignRequestCount > 0 && !leg.isByHand {
        compared += try ExporterReplay(leg, in: recording).compared
      }
    }
    #expect(compared > 250)
  }
}
