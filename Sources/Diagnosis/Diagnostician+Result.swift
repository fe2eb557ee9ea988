import Trace

extension Diagnostician {
  /// What came out, in the order of the names.
  func result() -> SessionDiagnosis {
    var out = SessionDiagnosis()
    out.droppedPairs = droppedPairs
    var diagnoses: [PairKey: PairDiagnosis] = [:]
    for (key, pair) in pairs {
      var diagnosis = PairDiagnosis(first: key.first, second: key.second)
      diagnosis.chum = pair.chum
      diagnosis.remarks = pair.remarks
      if let unknown = pair.unknown { diagnosis.remarks.append(remark(unknown)) }
      diagnoses[key] = diagnosis
    }
    for flow in flows.values {
      let key = PairKey(flow.exporter, flow.importer)
      var direction = flow.diagnosis(groupsCount: log.policy(flow.exporter) == "evaluated")
      // A log tells what an instance stored, not from whom; with one exporter that is the same.
      if flows.values.count(where: { $0.importer == flow.importer }) == 1 {
        direction.stored = log.stored(flow.importer)
      }
      if let ignored = log.ignoredGroupGrants(flow) { direction.remarks.append(ignored) }
      diagnoses[key, default: PairDiagnosis(first: key.first, second: key.second)].flows.append(direction)
    }
    out.pairs = diagnoses.values.sorted {
      ($0.first.name, $0.second.name, $0.first.person ?? "", $0.second.person ?? "")
        < ($1.first.name, $1.second.name, $1.first.person ?? "", $1.second.person ?? "")
    }
    for index in out.pairs.indices {
      out.pairs[index].flows.sort { $0.exporter.name < $1.exporter.name }
    }
    out.troubles = Troubles(tally: tally, log: log, pairs: out.pairs).all
    return out
  }

  /// A refusal of somebody unknown that no later connection mended.
  private func remark(_ unknown: (text: String, count: Int, evidence: Evidence)) -> Remark {
    var why = "A peer becomes known by pairing, or by a Profile that names its instance"
    var fact: String?
    if tally.profiles == 0 {
      why += "; in this whole session no Profile was offered to anybody"
      fact = "F1"
      why +=
        tally.iom == nil
        ? ": no grant to a person names one, and grants to a group (everyone, IoM) do not count in builds that hand no "
          + "object filter to the CHUM"
        : ". The IoM request went through (\(tally.iom?.conn ?? "") line \(tally.iom?.line ?? 0)), but sharing the "
          + "profiles with the group IoM exports nothing: this version ignores grants to groups. Grant them to the person"
    }
    let times = unknown.count > 1 ? " (\(unknown.count) times, never otherwise)" : ""
    return Remark(
      cause: Cause("unknown-peer", "\(unknown.text)\(times). \(why)", fact: fact, isProven: false),
      count: unknown.count,
      evidence: unknown.evidence, isTrouble: true)
  }
}
