import Foundation
import Store
import StoreFiles
import Testing

/// Kills and damage: nothing that was acknowledged is lost, and no half entry is left (issue 6, part 1).
@Suite(.serialized) struct CrashTests {
  private static let variable = "CHUMGATE_CRASH_FOLDER"

  /// The child: writes objects, files and heads, and notes in a file of its own what was acknowledged.
  private static func writeUntilKilled(_ path: String) throws {
    let store = try DirectoryStore(path: "\(path)/store")
    let acknowledged = open("\(path)/acknowledged", O_WRONLY | O_CREAT | O_APPEND, 0o600)
    ualarm(UInt32((ProcessInfo.processInfo.environment["CHUMGATE_CRASH_AFTER"]).flatMap { Int($0) } ?? 50_000), 0)
    var number = 0
    while number < 1_000_000 {
      var lines = ""
      for _ in 0..<3 {
        number += 1
        let content = Array("object \(number) of \(getpid()) \(String(repeating: "x", count: number % 500))".utf8)
        let hash = try store.put(content, kind: .object, type: "T").0
        try store.setHead(hash, of: ObjectHash.of([UInt8(number % 200)]))
        lines += "\(hash) \(content.count)\n"
      }
      let ticket = try store.beginFile()
      for piece in 0..<4 { try store.append([UInt8](repeating: UInt8(piece), count: 30_000 + number), to: ticket) }
      let file = try store.finishFile(ticket, kind: .blob, expected: nil)
      lines += "\(file.hash) \(4 * (30_000 + number))\n"
      try store.commit()
      // One write call is whole or not there; what is in this file was acknowledged.
      _ = lines.withCString { write(acknowledged, $0, strlen($0)) }
    }
  }

  @Test(arguments: [3_000, 11_000, 23_000, 47_000, 90_000, 170_000])
  func `a kill at any moment loses nothing acknowledged and leaves no half entry`(_ delay: Int) async throws {
    let folder = try Folder()
    setenv(Self.variable, folder.path, 1)
    setenv("CHUMGATE_CRASH_AFTER", "\(delay)", 1)
    await #expect(processExitsWith: .signal(SIGALRM)) {
      let path = try #require(ProcessInfo.processInfo.environment["CHUMGATE_CRASH_FOLDER"])
      try CrashTests.writeUntilKilled(path)
    }
    let store = try DirectoryStore(path: "\(folder.path)/store")
    let text = (try? String(contentsOfFile: "\(folder.path)/acknowledged", encoding: .utf8)) ?? ""
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: " ")
      let hash = try #require(ObjectHash(hex: parts[0]))
      #expect(store.entry(hash)?.size == Int(parts[1]))
    }
    // Every entry that is listed is whole, every head is stored, and nothing unfinished is left.
    var count = 0
    var damaged = 0
    try store.forEachEntry { hash, entry in
      count += 1
      let content = try? store.read(hash, from: 0, count: entry.size)
      if content.map(ObjectHash.of) != hash || content?.count != entry.size { damaged += 1 }
      return true
    }
    #expect(damaged == 0 && count >= text.split(separator: "\n").count)
    try store.forEachHead { _, node in
      if !store.knows(node) { damaged += 1 }
      return true
    }
    #expect(damaged == 0)
    let left = try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/store/tmp")
    #expect(left == [])
    // And it goes on.
    let hash = try store.put([1, 2, 3], kind: .blob, type: "").0
    try store.commit()
    #expect(store.knows(hash))
  }

  @Test func `what was not committed is not there after reopening, what was is`() throws {
    let folder = try Folder()
    var first: DirectoryStore? = try DirectoryStore(path: folder.path)
    let kept = try #require(try first?.put([1], kind: .blob, type: "").0)
    try first?.setHead(kept, of: kept)
    try first?.commit()
    let lost = try #require(try first?.put([2], kind: .blob, type: "").0)
    let ticket = try #require(try first?.beginFile())
    try first?.append([3], to: ticket)
    first = nil
    let second = try DirectoryStore(path: folder.path)
    #expect(second.knows(kept) && second.head(kept) == kept && !second.knows(lost))
    // The same content can be stored again over the unlisted file.
    #expect(try second.put([2], kind: .blob, type: "").1 == .new)
    try second.commit()
    #expect(try second.content(lost) == [2])
  }

  @Test func `a second writer is refused, a reader is not`() throws {
    let folder = try Folder()
    let writer = try DirectoryStore(path: folder.path)
    let hash = try writer.put([1], kind: .blob, type: "").0
    try writer.commit()
    #expect(throws: StoreFailure.self) { try DirectoryStore(path: folder.path) }
    let reader = try DirectoryStore(path: folder.path, readOnly: true)
    #expect(try reader.content(hash) == [1])
    #expect(throws: StoreFailure.self) { try DirectoryStore(path: "\(folder.path)/nothing", readOnly: true) }
  }

  /// Planted: a file is changed on the disk behind the store's back.
  @Test func `a damaged file is told, not handed out`() throws {
    let folder = try Folder()
    let store = try DirectoryStore(path: folder.path)
    let hash = try store.put(Array("content".utf8), kind: .object, type: "T").0
    try store.commit()
    let path = "\(folder.path)/objects/\(hash.hex.prefix(2))/\(hash.hex)"
    try Data("c0ntent".utf8).write(to: URL(fileURLWithPath: path))
    #expect(throws: StoreFailure(.damaged(hash))) { try store.content(hash) }
    try Data("con".utf8).write(to: URL(fileURLWithPath: path))
    #expect(throws: StoreFailure(.damaged(hash))) { try store.read(hash, from: 0, count: 100) }
  }
}
