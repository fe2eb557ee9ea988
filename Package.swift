// swift-tools-version: 6.2
import PackageDescription

/// One folder is one target is one idea; the arrows of the list only point upwards to what stands before.
let package = Package(
  name: "chumgate",
  products: [.executable(name: "chumgate", targets: ["chumgate"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
  ],
  targets: [
    .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CLibXML2", pkgConfig: "libxml-2.0", providers: [.apt(["libxml2-dev"])]),
    .systemLibrary(name: "CQRencode", pkgConfig: "libqrencode", providers: [.apt(["libqrencode-dev"])]),
    .target(name: "WireBytes"),
    .target(name: "Cryptobox", dependencies: ["CSodium", "COpenSSL", "WireBytes"]),
    .target(name: "Microdata", dependencies: ["WireBytes"]),
    .target(name: "MicrodataVectors", dependencies: ["Microdata", "Cryptobox", "WireBytes"]),
    .target(name: "CodecBench", dependencies: ["Microdata", "Cryptobox", "WireBytes"]),
    .target(name: "Wire", dependencies: ["WireBytes", "Cryptobox"]),
    .target(name: "QRImage", dependencies: ["CQRencode"]),
    .target(name: "Trace", dependencies: ["WireBytes", "Wire", "Cryptobox"]),
    .target(name: "Recording", dependencies: ["Trace", "Wire", "Cryptobox", "WireBytes"]),
    .target(name: "FrameBytes", dependencies: ["WireBytes", "Cryptobox"]),
    .target(name: "CommServer", dependencies: ["Wire", "Cryptobox", "WireBytes"]),
    .target(name: "Instance", dependencies: ["Wire", "Cryptobox", "WireBytes"]),
    .target(name: "InstanceCases", dependencies: ["Instance", "Wire", "Cryptobox", "WireBytes"]),
    .target(
      name: "Simulation", dependencies: ["InstanceCases", "Instance", "CommServer", "Wire", "Cryptobox", "WireBytes"]),
    .target(
      name: "Network",
      dependencies: [
        "CommServer", "Instance", "Recording", "Trace", "FrameBytes", "Wire", "Cryptobox", "WireBytes",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "Logging", package: "swift-log"),
      ]),
    .target(name: "Invariants", dependencies: ["Trace", "Wire", "WireBytes", "Cryptobox"]),
    .target(name: "Replay", dependencies: ["Recording", "Invariants", "Trace", "Wire", "Cryptobox", "WireBytes"]),
    .target(name: "Report", dependencies: ["Replay", "Recording", "Invariants", "Trace", "Wire", "WireBytes"]),
    .executableTarget(
      name: "chumgate",
      dependencies: [
        "Report", "Replay", "Invariants", "Recording", "Trace", "Wire", "Cryptobox", "WireBytes", "Microdata",
        "MicrodataVectors", "CodecBench",
        "Network", "CommServer", "FrameBytes", "Instance", "InstanceCases", "Simulation", "QRImage",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .testTarget(name: "WireBytesTests", dependencies: ["WireBytes"]),
    .testTarget(name: "CryptoboxTests", dependencies: ["Cryptobox", "WireBytes"]),
    .testTarget(name: "MicrodataTests", dependencies: ["Microdata", "MicrodataVectors", "Cryptobox", "WireBytes"]),
    .testTarget(name: "WireTests", dependencies: ["Wire", "Cryptobox", "WireBytes"]),
    .testTarget(
      name: "CommServerTests",
      dependencies: ["CommServer", "Recording", "Trace", "Wire", "Cryptobox", "WireBytes"]),
    .testTarget(
      name: "InstanceTests",
      dependencies: ["Instance", "Recording", "Trace", "Wire", "Cryptobox", "WireBytes"]),
    .testTarget(
      name: "InstanceCasesTests", dependencies: ["InstanceCases", "Instance", "Wire", "Cryptobox", "WireBytes"]),
    .testTarget(name: "QRImageTests", dependencies: ["QRImage"]),
    .testTarget(
      name: "SimulationTests",
      dependencies: [
        "Simulation", "InstanceCases", "Instance", "CommServer", "Replay", "Recording", "Wire", "Cryptobox",
        "WireBytes",
      ]),
    .testTarget(name: "FrameBytesTests", dependencies: ["FrameBytes"]),
    .testTarget(
      name: "NetworkTests",
      dependencies: ["Network", "CommServer", "Recording", "Trace", "FrameBytes", "Wire", "Cryptobox", "WireBytes"]),
    .testTarget(name: "RecordingTests", dependencies: ["Recording", "Trace", "Wire", "Cryptobox", "WireBytes"]),
    .testTarget(
      name: "InvariantsTests",
      dependencies: ["Replay", "Invariants", "Recording", "Trace", "Wire", "Cryptobox", "WireBytes"]),
    .testTarget(
      name: "ReplayTests", dependencies: ["Replay", "Report", "Recording", "Invariants", "Trace", "WireBytes"]),
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
  target.swiftSettings = settings
}
