private import CLibFuzzer
public import Fuzzing
private import Glibc

/// The glue between libFuzzer's C functions and the fuzz targets.
public enum FuzzProgram {
  /// The context of this program. libFuzzer and `replay` each use one thread only.
  private nonisolated(unsafe) static let context: FuzzContext<OneCodec>? = makeContext()
  private nonisolated(unsafe) static var mutator: MarkupMutator? = unsafe context.map {
    MarkupMutator(recipes: $0.recipes)
  }

  /// Runs one input; a finding is printed and ends the program, so that libFuzzer keeps the input.
  public static func testOneInput(_ target: FuzzTarget, _ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let bytes = unsafe Array(UnsafeBufferPointer(start: data, count: size))
    if target == .empty { return bytes.count > 1 << 30 ? 1 : 0 }
    guard let context = unsafe context else { exit(2) }
    guard let finding = context.finding(bytes, target) else { return 0 }
    write("FINDING \(finding)\n")
    abort()
  }

  /// libFuzzer's own mutation once in four times, else one that knows the recipes.
  public static func mutate(
    _ target: FuzzTarget, _ data: UnsafeMutablePointer<UInt8>?, _ size: Int, _ limit: Int, _ seed: CUnsignedInt
  ) -> Int {
    guard let data = unsafe data, limit > 0 else { return 0 }
    let isChoices = target == .model && (unsafe size == 0 || data[0] != 0x3C)
    if isChoices || target == .empty || seed & 3 == 0 {
      return unsafe chumgate_libfuzzer_mutate(data, size, limit)
    }
    var bytes = unsafe Array(UnsafeBufferPointer(start: data, count: size))
    unsafe mutator?.mutate(&bytes, limit: limit, seed: UInt64(seed))
    for index in bytes.indices { unsafe data[index] = bytes[index] }
    return bytes.count
  }

  /// What the program does without libFuzzer: each file of the arguments is run once, with all checks.
  public static func replay(_ target: FuzzTarget) {
    let paths = CommandLine.arguments.dropFirst()
    guard !paths.isEmpty else {
      write("usage: \(target.product) FILE…   replays inputs (built without -sanitize=fuzzer)\n")
      exit(2)
    }
    for path in paths {
      guard let bytes = FuzzFiles.read(path) else {
        write("cannot read \(path)\n")
        exit(2)
      }
      write("\(path): \(bytes.count) bytes\n")
      _ = unsafe bytes.withUnsafeBufferPointer { buffer in unsafe testOneInput(target, buffer.baseAddress, buffer.count)
      }
    }
  }

  private static func makeContext() -> FuzzContext<OneCodec>? {
    do {
      let context = try FuzzFiles.context()
      context.isThorough = unsafe getenv("CHUMGATE_FUZZ_THOROUGH") != nil || chumgate_is_libfuzzer() == 0
      return context
    } catch {
      write("\(error)\n")
      return nil
    }
  }

  private static func write(_ text: String) {
    _ = unsafe Array(text.utf8).withUnsafeBytes { unsafe Glibc.write(2, $0.baseAddress, $0.count) }
  }
}
