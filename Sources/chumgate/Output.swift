import Foundation

/// Standard output and standard error, written without a trap whatever stands behind them.
///
/// A reader that went away ends a command as it ends any other tool; a full disk is an error with a reason. Foundation's
/// `FileHandle.write` would stop the program with a crash in both cases.
enum Output {
  /// What becomes of a command whose reader went away.
  enum WhenClosed { case ends, goesOn }

  static func write(_ text: String, whenClosed: WhenClosed = .ends) { write(Array(text.utf8), whenClosed: whenClosed) }

  static func write(_ bytes: [UInt8], whenClosed: WhenClosed = .ends) {
    _ = fflush(nil)
    guard let reason = send(bytes, to: STDOUT_FILENO) else { return }
    if reason == EPIPE, whenClosed == .goesOn { return }
    end(reason)
  }

  /// For people who watch; nothing depends on it.
  static func note(_ text: String) { _ = send(Array(text.utf8), to: STDERR_FILENO) }

  /// What `print` left in its buffer goes out; a failure ends the program like one of `write`.
  static func finish() {
    if fflush(nil) != 0 { end(errno) }
  }

  /// Writes a file that is to stand whole or not at all; pipes and devices are written as they are.
  static func file(_ bytes: [UInt8], path: String) throws {
    var isDirectory: ObjCBool = false
    let isThere = unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
    if isDirectory.boolValue { throw Exit.usage("cannot write \(path): it is a directory") }
    let kind = try? FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType
    if isThere, kind != .typeRegular {
      let file = try OutputFile(path)
      file.write(bytes)
      file.close()
      if let failure = file.failure { throw Exit.usage("cannot write \(path): \(failure)") }
      return
    }
    do { try Data(bytes).write(to: URL(fileURLWithPath: path), options: .atomic) } catch {
      throw Exit.usage("cannot write \(path): \(reason(error))")
    }
  }

  /// Why a file could not be written, in the system's words where there are some.
  static func reason(_ error: any Error) -> String {
    let error = error as NSError
    if let inner = error.userInfo[NSUnderlyingErrorKey] as? NSError, inner.domain == NSPOSIXErrorDomain {
      return text(Int32(truncatingIfNeeded: inner.code))
    }
    return error.localizedDescription
  }

  private static func text(_ number: Int32) -> String { unsafe String(cString: strerror(number)).lowercased() }

  /// The error number of a failure; nil when all bytes went out.
  static func send(_ bytes: [UInt8], to descriptor: Int32) -> Int32? {
    var done = 0
    while done < bytes.count {
      let count = unsafe bytes.withUnsafeBytes {
        unsafe Glibc.write(descriptor, $0.baseAddress! + done, $0.count - done)
      }
      if count < 0 {
        if errno == EINTR { continue }
        if errno == EAGAIN {
          var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
          _ = unsafe poll(&ready, 1, -1)
          continue
        }
        return errno
      }
      done += count
    }
    return nil
  }

  private static func end(_ number: Int32) -> Never {
    if number == EPIPE {
      signal(SIGPIPE, SIG_DFL)
      raise(SIGPIPE)
    }
    note("error: cannot write standard output: \(text(number))\n")
    // Buffered text cannot go out either; `exit` would try again.
    _exit(2)
  }
}
