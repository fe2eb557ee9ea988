// swift-tools-version: 6.2
import PackageDescription

/// `CHUMGATE_FUZZ=1 swift build --sanitize=fuzzer …`: libFuzzer brings the main function, so the programs leave out theirs.
let isFuzzing = Context.environment["CHUMGATE_FUZZ"] != nil
let fuzzExclusions = isFuzzing ? ["main.swift"] : []

/// One folder is one target is one idea; the arrows of the list only point upwards to what stands before.
let package = Package(
  name: "chumgate",
  products: [.executable(name: "chumgate", targets: ["chumgate"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
  ],
  targets: [
    .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .systemLibrary(name: "CLibXML2", pkgConfig: "libxml-2.0", providers: [.apt(["libxml2-dev"])]),
    .systemLibrary(name: "CQRencode", pkgConfig: "libqrencode", providers: [.apt(["libqrencode-dev"])]),
    .target(name: "WireBytes"),
    .target(name: "Results"),
    .target(name: "Cryptobox", dependencies: ["CSodium", "COpenSSL", "WireBytes"]),
    .target(name: "Microdata", dependencies: ["WireBytes"]),
    .target(name: "MicrodataVectors", dependencies: ["Microdata", "Cryptobox", "WireBytes"]),
    .target(name: "CodecBench", dependencies: ["Microdata", "Cryptobox", "WireBytes"]),
    .target(name: "MicrodataOracle", dependencies: ["CLibXML2"]),
    .target(name: "Wire", dependencies: ["WireBytes", "Cryptobox"]),
    .target(name: "Store", dependencies: ["Microdata", "Wire", "Cryptobox", "WireBytes"]),
    .target(name: "StoreFiles", dependencies: ["Store", "Cryptobox", "CSQLite"]),
    .target(name: "Chum", dependencies: ["Store", "Microdata", "Wire", "Cryptobox", "WireBytes"]),
    .target(
      name: "ChumBench", dependencies: ["Chum", "StoreFiles", "Store", "Microdata", "Wire", "WireBytes"]),
    .target(name: "QRImage", dependencies: ["CQRencode"]),
    .target(name: "WebSocketWire", dependencies: ["WireBytes", "Cryptobox"]),
    .target(name: "Trace", dependencies: ["WireBytes", "Wire", "Cryptobox"]),
    .target(name: "Recording", dependencies: ["Trace", "Wire", "Cryptobox", "WireBytes"]),
    .target(name: "FrameBytes", dependencies: ["WireBytes", "Cryptobox"]),
    .target(name: "CommServer", dependencies: ["Wire", "Cryptobox", "WireBytes"]),
    .target(name: "Instance", dependencies: ["Wire", "Cryptobox", "WireBytes"]),
    .target(
      name: "SyncInstance",
      dependencies: ["Instance", "Chum", "Store", "Trace", "Microdata", "Wire", "Cryptobox", "WireBytes"]),
    .target(
      name: "InstanceCases",
      dependencies: ["SyncInstance", "Chum", "Store", "Microdata", "Instance", "Wire", "Cryptobox", "WireBytes"]),
    .target(
      name: "Simulation",
      dependencies: [
        "InstanceCases", "SyncInstance", "Chum", "Store", "Microdata", "Instance", "CommServer", "Wire", "Cryptobox",
        "WireBytes",
      ]),
    .target(
      name: "Network",
      dependencies: [
        "CommServer", "SyncInstance", "Instance", "Recording", "Trace", "FrameBytes", "Wire", "Cryptobox", "WireBytes",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOTLS", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "Logging", package: "swift-log"),
      ]),
    .target(
      name: "InstanceTrial",
      dependencies: [
        "InstanceCases", "Instance", "Results", "Network", "FrameBytes", "Wire", "Cryptobox", "WireBytes",
      ]),
    .target(name: "Invariants", dependencies: ["Trace", "Wire", "WireBytes", "Cryptobox"]),
    .target(name: "Diagnosis", dependencies: ["Store", "Microdata", "Trace", "Wire", "WireBytes"]),
    .target(
      name: "Replay",
      dependencies: ["Diagnosis", "Recording", "Invariants", "Trace", "Wire", "Cryptobox", "WireBytes"]),
    .target(name: "Requirements", dependencies: ["WireBytes"]),
    .target(
      name: "Scenario", dependencies: ["Requirements", "WireBytes", .product(name: "Yams", package: "Yams")]),
    .target(name: "ClientMachines", dependencies: ["Wire", "Cryptobox", "WireBytes"]),
    .target(
      name: "Conformance",
      dependencies: [
        "Results", "Scenario", "Requirements", "CommServer", "ClientMachines", "Network", "WebSocketWire", "Wire",
        "Cryptobox", "WireBytes",
        .product(name: "Logging", package: "swift-log"),
      ]),
    .target(
      name: "Report",
      dependencies: ["Results", "Replay", "Diagnosis", "Recording", "Invariants", "Trace", "Wire", "WireBytes"]),
    .executableTarget(
      name: "chumgate",
      dependencies: [
        "Report", "Conformance", "Results", "Scenario", "Requirements", "Network", "CommServer", "FrameBytes", "Replay",
        "Invariants", "Recording", "Trace", "WebSocketWire", "Wire", "Cryptobox", "WireBytes", "Microdata",
        "Instance", "InstanceCases", "InstanceTrial", "Simulation", "QRImage",
        .product(name: "Logging", package: "swift-log"),
        "MicrodataVectors", "CodecBench", "FuzzDriver", "Fuzzing", "Testee", "MicrodataOracle",
        "Store", "StoreFiles", "Chum", "ChumBench", "SyncInstance",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .target(name: "Testee", dependencies: ["MicrodataVectors", "Microdata", "Cryptobox", "WireBytes"]),
    .target(name: "Fuzzing", dependencies: ["MicrodataOracle", "Microdata", "WireBytes"]),
    .target(
      name: "FuzzDriver",
      dependencies: ["Fuzzing", "Testee", "MicrodataVectors", "Microdata", "WireBytes"]),
    .target(name: "CLibFuzzer"),
    .target(name: "FuzzProgram", dependencies: ["Fuzzing", "CLibFuzzer"]),
    .executableTarget(name: "FuzzMicrodataParse", dependencies: ["FuzzProgram", "Fuzzing"], exclude: fuzzExclusions),
    .executableTarget(
      name: "FuzzMicrodataRoundTrip", dependencies: ["FuzzProgram", "Fuzzing"], exclude: fuzzExclusions),
    .executableTarget(name: "FuzzMicrodataOracle", dependencies: ["FuzzProgram", "Fuzzing"], exclude: fuzzExclusions),
    .executableTarget(name: "FuzzMicrodataModel", dependencies: ["FuzzProgram", "Fuzzing"], exclude: fuzzExclusions),
    .executableTarget(name: "FuzzMicrodataEmpty", dependencies: ["FuzzProgram", "Fuzzing"], exclude: fuzzExclusions),
    .testTarget(name: "WireBytesTests", dependencies: ["WireBytes"]),
    .testTarget(name: "CryptoboxTests", dependencies: ["Cryptobox", "WireBytes"]),
    .testTarget(name: "MicrodataTests", dependencies: ["Microdata", "MicrodataVectors", "Cryptobox", "WireBytes"]),
    .testTarget(name: "OracleTests", dependencies: ["MicrodataOracle", "Microdata", "WireBytes"]),
    .testTarget(name: "FuzzingTests", dependencies: ["Fuzzing", "MicrodataOracle", "Microdata", "WireBytes"]),
    .testTarget(
      name: "TesteeTests", dependencies: ["Testee", "Fuzzing", "MicrodataVectors", "Microdata", "WireBytes"]),
    .testTarget(name: "WireTests", dependencies: ["Wire", "Cryptobox", "WireBytes"]),
    .testTarget(
      name: "StoreTests", dependencies: ["StoreFiles", "Store", "Microdata", "Wire", "Cryptobox", "WireBytes"]),
    .testTarget(
      name: "ChumTests",
      dependencies: [
        "Chum", "StoreFiles", "Store", "Microdata", "Recording", "Trace", "Wire", "Cryptobox", "WireBytes",
      ]),
    .testTarget(
      name: "CommServerTests",
      dependencies: ["CommServer", "Recording", "Trace", "Wire", "Cryptobox", "WireBytes"]),
    .testTarget(
      name: "InstanceTests",
      dependencies: ["Instance", "Recording", "Trace", "Wire", "Cryptobox", "WireBytes"]),
    .testTarget(
      name: "SyncInstanceTests",
      dependencies: [
        "SyncInstance", "Instance", "Chum", "StoreFiles", "Store", "Trace", "Microdata", "CommServer", "Network",
        "Replay", "Recording", "Invariants", "Wire", "Cryptobox", "WireBytes",
      ]),
    .testTarget(
      name: "InstanceCasesTests", dependencies: ["Chum", "InstanceCases", "Instance", "Wire", "Cryptobox", "WireBytes"]),
    .testTarget(
      name: "InstanceTrialTests",
      dependencies: [
        "InstanceTrial", "InstanceCases", "Instance", "Network", "CommServer", "Results", "Recording", "Replay",
        "Invariants", "FrameBytes",
        "Wire", "Cryptobox", "WireBytes",
      ]),
    .testTarget(name: "QRImageTests", dependencies: ["QRImage"]),
    .testTarget(
      name: "SimulationTests",
      dependencies: [
        "Simulation", "Chum", "SyncInstance", "InstanceCases", "Instance", "CommServer", "Replay", "Invariants",
        "Recording", "Wire",
        "Cryptobox",
        "WireBytes",
      ]),
    .testTarget(
      name: "ConformanceTests",
      dependencies: [
        "InstanceCases", "Invariants", "Conformance", "Report", "Results", "Scenario", "Requirements", "Network",
        "CommServer", "ClientMachines",
        "WebSocketWire",
        "Wire",
        "Cryptobox", "WireBytes",
      ]),
    .testTarget(name: "FrameBytesTests", dependencies: ["FrameBytes"]),
    .testTarget(
      name: "NetworkTests",
      dependencies: ["Network", "CommServer", "Recording", "Trace", "FrameBytes", "Wire", "Cryptobox", "WireBytes"]),
    .testTarget(name: "RecordingTests", dependencies: ["Recording", "Trace", "Wire", "Cryptobox", "WireBytes"]),
    .testTarget(
      name: "InvariantsTests",
      dependencies: ["Replay", "Diagnosis", "Invariants", "Recording", "Trace", "Wire", "Cryptobox", "WireBytes"]),
    .testTarget(
      name: "ReplayTests",
      dependencies: [
        "Replay", "Report", "Diagnosis", "Recording", "Invariants", "Trace", "Wire", "Cryptobox", "WireBytes",
      ]),
  ],
  swiftLanguageModes: [.v6]
)

for target in package.targets where target.type != .system {
  var settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableExperimentalFeature("Lifetimes"),
  ]
  // Swift Testing's macros over spans warn under strict memory safety, so the tests go without it.
  if target.type != .test { settings.append(.strictMemorySafety()) }
  // Branches are counted in the code under test only: libFuzzer looks at every counter after every run, and those of the
  // generators and the model would make it several times slower.
  if isFuzzing && target.name != "Microdata" {
    settings.append(.unsafeFlags(["-sanitize-coverage=func,inline-8bit-counters,pc-table"]))
  }
  target.swiftSettings = settings
}
