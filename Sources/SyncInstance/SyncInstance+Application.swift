import Chum
public import Cryptobox
public import Store

/// What applications do to the store themselves.
extension SyncInstance {
  /// Lets the body write, and then tells what follows from it, as after every event.
  public mutating func write(
    at now: Double, random: inout some RandomSource, into actions: inout [SyncAction],
    _ body: (inout Repository<Store>) -> Void
  ) {
    begin(now, &actions)
    body(&host.repository)
    finish(&random, &actions)
  }
}
