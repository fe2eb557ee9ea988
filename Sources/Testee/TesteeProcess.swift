internal import Glibc
import Synchronization

/// A child process with its standard input and output as pipes; its errors go where ours go, or nowhere.
///
/// Owns the process and the descriptors: when it goes away, the process group is killed and waited for.
package struct TesteeProcess: ~Copyable {
  let pid: pid_t
  private let input: Int32
  private let output: Int32
  private var isReaped = false

  /// Held while pipes are made and a child started: another child started in between would inherit the pipes' ends.
  private static let starting = Mutex(())

  /// Starts `command` by the shell, in a process group of its own.
  package init?(command: String, showsErrors: Bool) {
    let started = Self.starting.withLock { _ in Self.start(command, showsErrors: showsErrors) }
    guard let started else { return nil }
    (pid, input, output) = started
    for end in [input, output] { _ = fcntl(end, F_SETFL, fcntl(end, F_GETFL) | O_NONBLOCK) }
  }

  private static func start(_ command: String, showsErrors: Bool) -> (pid: pid_t, input: Int32, output: Int32)? {
    guard let toChild = makePipe() else { return nil }
    guard let fromChild = makePipe() else {
      close(toChild.read)
      close(toChild.write)
      return nil
    }
    let child = spawn(command, toChild.read, fromChild.write, showsErrors)
    close(toChild.read)
    close(fromChild.write)
    guard let child else {
      close(toChild.write)
      close(fromChild.read)
      return nil
    }
    return (child, toChild.write, fromChild.read)
  }

  private static func makePipe() -> (read: Int32, write: Int32)? {
    var ends: [Int32] = [-1, -1]
    guard unsafe pipe(&ends) == 0 else { return nil }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }

  private static func spawn(_ command: String, _ input: Int32, _ output: Int32, _ showsErrors: Bool) -> pid_t? {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
    unsafe posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    if !showsErrors { unsafe posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0) }
    var attributes = posix_spawnattr_t()
    unsafe posix_spawnattr_init(&attributes)
    defer { unsafe posix_spawnattr_destroy(&attributes) }
    unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF))
    unsafe posix_spawnattr_setpgroup(&attributes, 0)
    // A broken pipe is the child's own affair again.
    var defaults = sigset_t()
    unsafe sigemptyset(&defaults)
    unsafe sigaddset(&defaults, SIGPIPE)
    unsafe posix_spawnattr_setsigdefault(&attributes, &defaults)
    return unsafe command.withCString { command in
      unsafe "-c".withCString { option in
        unsafe "sh".withCString { shell in
          var arguments: [UnsafeMutablePointer<CChar>?] = unsafe [
            UnsafeMutablePointer(mutating: shell), UnsafeMutablePointer(mutating: option),
            UnsafeMutablePointer(mutating: command), nil,
          ]
          var child: pid_t = 0
          let result = unsafe posix_spawn(&child, "/bin/sh", &actions, &attributes, &arguments, environ)
          return result == 0 ? child : nil
        }
      }
    }
  }

  deinit {
    close(input)
    close(output)
    guard !isReaped else { return }
    kill(-pid, SIGKILL)
    kill(pid, SIGKILL)
    _ = waitpid(pid, nil, 0)
  }

  /// What the process is ready for, waiting at most so many milliseconds.
  package func wait(toWrite: Bool, milliseconds: Int) -> (canRead: Bool, canWrite: Bool) {
    var polls = [
      pollfd(fd: output, events: Int16(POLLIN), revents: 0),
      pollfd(fd: toWrite ? input : -1, events: Int16(POLLOUT), revents: 0),
    ]
    let timeout = Int32(clamping: max(0, milliseconds))
    guard unsafe poll(&polls, 2, timeout) > 0 else { return (false, false) }
    return (polls[0].revents != 0, polls[1].revents != 0)
  }

  package enum Transfer: Sendable, Equatable {
    case bytes(Int)
    case nothing, closed
  }

  /// Reads what is there and appends it.
  package func read(into buffer: inout [UInt8]) -> Transfer {
    var piece = [UInt8](repeating: 0, count: 65536)
    let count = unsafe piece.withUnsafeMutableBytes { unsafe Glibc.read(output, $0.baseAddress, $0.count) }
    if count > 0 {
      buffer += piece[..<count]
      return .bytes(count)
    }
    return count < 0 && (errno == EAGAIN || errno == EINTR) ? .nothing : .closed
  }

  /// Writes as much as the pipe takes.
  package func write(_ bytes: ArraySlice<UInt8>) -> Transfer {
    let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(input, $0.baseAddress, $0.count) }
    if count > 0 { return .bytes(count) }
    return count < 0 && (errno == EAGAIN || errno == EINTR) ? .nothing : .closed
  }

  /// How the process ended, in words; waits a moment for a process that has closed its output.
  package mutating func ending(waiting milliseconds: Int = 500) -> String {
    var status: Int32 = 0
    let end = Self.now() + milliseconds
    repeat {
      if unsafe waitpid(pid, &status, WNOHANG) == pid {
        isReaped = true
        // Children that the shell leaves behind go too.
        kill(-pid, SIGKILL)
        let signal = status & 0x7F
        return signal == 0 ? "exit status \(status >> 8 & 0xFF)" : "signal \(signal)"
      }
      var nothing = pollfd(fd: -1, events: 0, revents: 0)
      unsafe poll(&nothing, 1, 10)
    } while Self.now() < end
    return "closed its output but still runs"
  }

  /// Writing to a process that is gone must be an error, not a signal.
  package static func ignoreBrokenPipes() { _ = signal(SIGPIPE, SIG_IGN) }

  /// Milliseconds of a clock that never goes back.
  package static func now() -> Int {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
  }
}
