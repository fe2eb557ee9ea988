public import InstanceCases

/// One act in a world, and how long to wait behind it. Numbers are taken modulo what there is, so that every list of
/// steps is a world, whatever a shrinker took out of it.
public struct Step: Sendable, Equatable {
  public enum Act: Sendable, Equatable {
    /// A host makes an invitation that lives so many ms.
    case invite(host: Int, lifetime: Int)
    /// A host uses an invitation, counted in the order of their making.
    case join(host: Int, invitation: Int)
    /// Two hosts use one invitation at the same moment.
    case joinBoth(host: Int, other: Int, invitation: Int)
    case revoke(invitation: Int)
    /// Lets the time of an invitation run out, up to so many ms before or behind its end, then somebody joins.
    case joinAtExpiry(host: Int, invitation: Int, offset: Int)
    /// A host joins with a token that it made up.
    case guess(host: Int, target: Int)
    /// Everybody says something on every running connection.
    case say(host: Int)
    /// The process dies and starts again after so many ms.
    case crash(host: Int, down: Int)
    /// The machine sleeps.
    case suspend(host: Int, milliseconds: Int)
    /// A socket is lost; both ends notice.
    case cut(cable: Int)
    /// Everything on a socket vanishes, and nobody notices.
    case halfOpen(cable: Int)
    /// The next message on a socket is changed on its way.
    case tamper(cable: Int, Tampering)
    case restartServer(down: Int)
    /// A peer that misbehaves dials a host.
    case attack(host: Int, Misbehaviour)
    /// Recorded H1 and H3 of an earlier connection come again.
    case replay(connection: Int)
    /// Somebody registers a host's key without holding its secret.
    case hijack(host: Int)
    case wait
    /// In a world of complete instances.
    case sync(SyncAct)
  }

  public enum Tampering: String, Sendable, CaseIterable { case flip, drop, double, cut, text }

  public let act: Act
  /// Ms of world time behind the act.
  public let pause: Int

  public init(_ act: Act, pause: Int) {
    self.act = act
    self.pause = pause
  }
}

/// The text form: one word for the act, its numbers, and `+` with the pause.
extension Step: CustomStringConvertible {
  public var description: String {
    let words: [String] =
      switch act {
      case .invite(let host, let lifetime): ["invite", "\(host)", "\(lifetime)"]
      case .join(let host, let invitation): ["join", "\(host)", "\(invitation)"]
      case .joinBoth(let host, let other, let invitation): ["join-both", "\(host)", "\(other)", "\(invitation)"]
      case .revoke(let invitation): ["revoke", "\(invitation)"]
      case .joinAtExpiry(let host, let invitation, let offset):
        ["join-at-expiry", "\(host)", "\(invitation)", "\(offset)"]
      case .guess(let host, let target): ["guess", "\(host)", "\(target)"]
      case .say(let host): ["say", "\(host)"]
      case .crash(let host, let down): ["crash", "\(host)", "\(down)"]
      case .suspend(let host, let time): ["suspend", "\(host)", "\(time)"]
      case .cut(let cable): ["cut", "\(cable)"]
      case .halfOpen(let cable): ["half-open", "\(cable)"]
      case .tamper(let cable, let kind): ["tamper", "\(cable)", kind.rawValue]
      case .restartServer(let down): ["restart-server", "\(down)"]
      case .attack(let host, let misbehaviour): ["attack", "\(host)", misbehaviour.rawValue]
      case .replay(let connection): ["replay", "\(connection)"]
      case .hijack(let host): ["hijack", "\(host)"]
      case .wait: ["wait"]
      case .sync(let act): [act.description]
      }
    return words.joined(separator: " ") + " +\(pause)"
  }

  /// Reads one line; nil when it is no step.
  public init?(_ line: String) {
    var words = line.split(separator: " ").map(String.init)
    guard let last = words.popLast(), last.first == "+", let pause = Int(last.dropFirst()), pause >= 0, !words.isEmpty
    else { return nil }
    let name = words.removeFirst()
    func number(_ index: Int) -> Int? { words.indices.contains(index) ? Int(words[index]) : nil }
    guard let act = Self.act(name, words, number) else { return nil }
    self.init(act, pause: min(pause, 100_000_000))
  }

  private static func act(_ name: String, _ words: [String], _ number: (Int) -> Int?) -> Act? {
    if let act = SyncAct(name, words, number) { return .sync(act) }
    let one = number(0)
    let two = number(1)
    switch name {
    case "wait": return .wait
    case "attack":
      guard let one, words.count == 2, let misbehaviour = Misbehaviour(rawValue: words[1]) else { return nil }
      return .attack(host: one, misbehaviour)
    case "tamper":
      guard let one, words.count == 2, let kind = Tampering(rawValue: words[1]) else { return nil }
      return .tamper(cable: one, kind)
    case "join-both", "join-at-expiry":
      guard let one, let two, let three = number(2) else { return nil }
      return name == "join-both"
        ? .joinBoth(host: one, other: two, invitation: three)
        : .joinAtExpiry(host: one, invitation: two, offset: three)
    case "invite", "join", "guess", "crash", "suspend":
      guard let one, let two else { return nil }
      switch name {
      case "invite": return .invite(host: one, lifetime: two)
      case "join": return .join(host: one, invitation: two)
      case "guess": return .guess(host: one, target: two)
      case "crash": return .crash(host: one, down: two)
      default: return .suspend(host: one, milliseconds: two)
      }
    default:
      guard let one else { return nil }
      switch name {
      case "revoke": return .revoke(invitation: one)
      case "say": return .say(host: one)
      case "cut": return .cut(cable: one)
      case "half-open": return .halfOpen(cable: one)
      case "restart-server": return .restartServer(down: one)
      case "replay": return .replay(connection: one)
      case "hijack": return .hijack(host: one)
      default: return nil
      }
    }
  }
}
