import Glibc

/// Time and memory of this process. Time is the thread's own processor time, so that a busy machine counts less.
enum Meter {
  static func now() -> Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// Runs a body for at least `seconds`, `rounds` times, after a warm-up: the seconds of one run in the best round.
  static func best(rounds: Int, seconds: Double, _ body: () -> Void) -> Double {
    // The clock is asked once a batch, so that it costs nothing for bodies of some hundred nanoseconds.
    let warm = now()
    var batch = 0
    repeat {
      body()
      batch += 1
    } while now() - warm < seconds
    batch = max(batch / 100, 1)
    var best = Double.infinity
    for _ in 0..<rounds {
      let start = now()
      var count = 0
      repeat {
        for _ in 0..<batch { body() }
        count += batch
      } while now() - start < seconds
      best = min(best, (now() - start) / Double(count))
    }
    return best
  }

  /// Gives free memory back to the kernel, so that what comes next has to ask for its own. Glibc's module does not
  /// export the function that does it.
  private static func trim() {
    guard let symbol = unsafe dlsym(nil, "malloc_trim") else { return }
    let function = unsafe unsafeBitCast(symbol, to: (@convention(c) (Int) -> CInt).self)
    _ = function(0)
  }

  /// Lets the kernel forget the process's highest resident size (Linux: `/proc/self/clear_refs`).
  static func resetPeak() {
    trim()
    let descriptor = unsafe open("/proc/self/clear_refs", O_WRONLY)
    guard descriptor >= 0 else { return }
    _ = unsafe write(descriptor, "5", 1)
    close(descriptor)
  }

  /// A line of /proc/self/status in bytes; 0 where the kernel does not tell.
  static func status(_ name: String) -> Int {
    let descriptor = unsafe open("/proc/self/status", O_RDONLY)
    guard descriptor >= 0 else { return 0 }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: 8192)
    let count = unsafe read(descriptor, &buffer, buffer.count)
    for line in String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self).split(separator: "\n")
    where line.hasPrefix("\(name):") {
      let digits = line.filter { $0 >= "0" && $0 <= "9" }
      return (Int(digits) ?? 0) * 1024
    }
    return 0
  }

  /// The highest resident size that a body adds to what is resident before it.
  static func peak(_ body: () -> Void) -> Int {
    resetPeak()
    let before = status("VmRSS")
    body()
    return max(status("VmHWM") - before, 0)
  }
}
