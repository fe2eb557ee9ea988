import FuzzProgram
import Fuzzing

// A libFuzzer program: the properties live in the library.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
  unsafe FuzzProgram.testOneInput(.roundTrip, data, size)
}

@_cdecl("LLVMFuzzerCustomMutator")
public func mutate(_ data: UnsafeMutablePointer<UInt8>?, _ size: Int, _ limit: Int, _ seed: CUnsignedInt) -> Int {
  unsafe FuzzProgram.mutate(.roundTrip, data, size, limit, seed)
}
