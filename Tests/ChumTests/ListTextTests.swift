import Microdata
import Store
import Testing
import Wire
import WireBytes

@testable import Chum

/// The short ways over list and grant texts say what the general ways say.
@Suite struct ListTextTests {
  private func hash(_ number: Int) -> ObjectHash { ObjectHash.of([UInt8(truncatingIfNeeded: number)]) }

  @Test func `child lists are written and read as by the general JSON code`() throws {
    let kinds: [ChildEntry.Kind] = [.object, .id, .blob, .clob]
    for count in 0..<9 {
      let children = (0..<count).map { Reference(kind: kinds[$0 % 4], hash: hash($0)) }
      let text = ChildEntry.encodeList(children.map { ChildEntry(kind: $0.kind, hash: $0.hash.hex) })
      #expect(ListText.children(children) == text)
      #expect(ListText.readChildren(text, limit: 100) == children)
      #expect(try ChildListReader.read(.string(" " + text), .strict) == children)
    }
    let good = ListText.children([Reference(kind: .id, hash: hash(1))])
    for text in ["", "[", "[]x", "[,]", good + "]", good.replacing("id", with: "idx"), good.uppercased(), " " + good] {
      #expect(ListText.readChildren(text, limit: 100) == nil)
    }
    #expect(ListText.readChildren(good, limit: 0) == nil)
  }

  @Test func `root lists are read as by the general JSON code`() throws {
    let roots: [RootEntry] = [
      .unversioned(hash: hash(1).hex, type: "Topic"), .versioned(hash: hash(2).hex, idHash: hash(3).hex, type: "Chum"),
      .id(idHash: hash(4).hex, type: "Profile"),
      .versionNode(node: hash(5).hex, dataIdHash: hash(4).hex, dataType: "Profile"),
    ]
    for count in 0...roots.count {
      let text = RootEntry.encodeList(Array(roots[..<count]))
      let quick = try #require(ListText.readRoots(text, limit: 100))
      #expect(quick == (try RootListReader.read(.string(" " + text), .strict, .strict)).items)
      #expect(quick.count == count)
    }
    for text in ["", "[", #"[{"type":"unversioned","hash":"x","oneType":"T"}]"#, #"[{"type":"zzz"}]"#] {
      #expect(ListText.readRoots(text, limit: 100) == nil)
    }
  }

  @Test func `grants and version nodes have the texts and ID hashes that the codec gives them`() throws {
    let codec = try MicrodataObjectCodec.standard(.strict)
    for subject in [Subject.object(hash(1)), .id(hash(2))] {
      for (persons, groups) in [([], []), ([hash(3)], []), ([hash(4), hash(3)], [hash(5), hash(6)])]
        as [([ObjectHash], [ObjectHash])]
      {
        let grant = Grant(subject, persons: persons, groups: groups)
        let content = try codec.write(grant.object, as: .object)
        #expect(GrantText.read(content) == grant)
        #expect(try codec.idHash(of: content) == GrantText.idHash(subject))
        #expect(GrantText.read(content + [0x0A]) == nil && GrantText.read(Array(content.dropLast())) == nil)
      }
    }
    var repository = Repository(store: MemoryStore(), codec: codec)
    let shapes: [VersionNode.Shape] = [
      .edge, .change(previous: nil), .change(previous: hash(7)), .merge(nodes: [hash(8), hash(9)].sorted()),
    ]
    for shape in shapes {
      for (depth, time) in [(0.0, 0.0), (12, 1_795_386_228_751), (1, 0.5), (0, -3), (1e20, 1e21)] {
        let node = VersionNode(shape, data: hash(1), depth: depth, creationTime: time)
        let name = try repository.storeNode(node)
        #expect(try repository.versionNode(name) == node)
      }
    }
  }
}
