import Chum
import Store
import Testing
import Wire
import WireBytes

/// The plugin chain around a connection (chum.md 1.2.1, 5.8).
@Suite struct PluginTests {
  private func chain(with plugin: (any ConnectionPlugin)? = ChumPlugin()) -> PluginChain {
    var chain = PluginChain()
    for name in ["websocket", "statistics", "encryption", "keepalive", "fragmentation"] {
      chain.insert(name == "statistics" ? StatisticsPlugin() : LayerPlugin(name))
    }
    chain.insert(CommandPlugin(name: "ping", commands: ["comm_ping", "comm_pong"]))
    if let plugin { chain.insert(plugin) }
    return chain
  }

  @Test func `the control text reaches the handler unchanged`() {
    var chain = chain()
    #expect(chain.receive(.text(ChumMessage.controlText)) == .text(ChumMessage.controlText))
    #expect(chain.send(.text(ChumMessage.controlText)) == .text(ChumMessage.controlText))
    #expect(chain.faults == [])
  }

  @Test func `JSON plugins take their own commands and touch no plain text`() {
    var chain = chain()
    #expect(chain.receive(.text(#"{"command":"comm_ping"}"#)) == nil)
    for text in [
      "hello", "comm_ping", "{oops", "", "synchronisation ", #"{"command":"sync"}"#,
      #"{"requestId":0,"type":"request","serviceId":1,"args":["synchronisation"]}"#, "[1]", "null",
    ] {
      #expect(chain.receive(.text(text)) == .text(text))
    }
    #expect(chain.receive(.binary([1])) == .binary([1]))
    #expect(chain.faults == [])
  }

  /// A plugin as careless code writes it: what does not parse is dropped.
  private struct Swallower: ConnectionPlugin {
    let name = "json"
    mutating func incoming(_ message: PluginMessage) -> PluginMessage? {
      guard case .text(let text) = message else { return message }
      return (try? JSONValue.parse(text)) == nil ? nil : message
    }
  }

  private struct Trimmer: ConnectionPlugin {
    let name = "trimmer"
    mutating func incoming(_ message: PluginMessage) -> PluginMessage? {
      guard case .text(let text) = message else { return message }
      return .text(text.lowercased())
    }
  }

  @Test func `a JSON plugin that swallows the control text is caught, and the session shows it`() throws {
    var broken = chain(with: Swallower())
    #expect(broken.receive(.text(ChumMessage.controlText)) == nil)
    #expect(broken.faults == ["PLG-002: json changed or dropped the control text"])
    let (alice, bob) = (try TestPeer("alice", .strict), try TestPeer("bob", .strict))
    var link = TestLink(a: alice.host, alice.configuration(with: bob), b: bob.host, bob.configuration(with: alice))
    nonisolated(unsafe) var plugins = chain(with: Swallower())
    link.wire = { side, message in
      guard side == .a, case .text(let text) = message else { return [message] }
      return plugins.receive(.text(text)) == nil ? [] : [message]
    }
    link.start()
    link.run(until: 60_000)
    #expect(link.sessionB.failure?.code == "CHUM-START")
  }

  @Test func `a plugin that changes plain text is caught`() {
    var broken = chain(with: Trimmer())
    #expect(broken.receive(.text("Hello")) == .text("hello"))
    #expect(broken.faults == ["PLG-004: trimmer touched a text that is no JSON"])
  }

  @Test func `inserted before an absent promise plugin, ChumPlugin lands below the encryption and is reported`() {
    var chain = PluginChain()
    for name in ["websocket", "statistics"] { chain.insert(LayerPlugin(name)) }
    chain.insert(ChumPlugin(), .before("promise"))
    for name in ["encryption", "keepalive", "fragmentation"] { chain.insert(LayerPlugin(name)) }
    chain.insert(PromisePlugin())
    #expect(chain.names == ["websocket", "chum", "statistics", "encryption", "keepalive", "fragmentation", "promise"])
    #expect(chain.faults.contains("PLG-007: chum stands below encryption and sees ciphertext only"))
    #expect(chain.remove("promise") && !chain.remove("promise"))
  }

  @Test func `the promise queue holds ten messages`() {
    var plugin = PromisePlugin()
    for number in 0..<10 { _ = plugin.incoming(.text("\(number)")) }
    #expect(!plugin.isFull)
    #expect(plugin.incoming(.text("x")) == .text("x") && plugin.isFull)
    #expect(plugin.next() == .text("0"))
  }

  @Test func `ChumPlugin logs JSON errors and tells the control text from a chat that holds the word`() {
    var plugin = ChumPlugin()
    _ = plugin.incoming(.text("we talk of synchronisation"))
    #expect(!plugin.sawControlText)
    _ = plugin.incoming(.text(ChumMessage.controlText))
    #expect(plugin.sawControlText)
    _ = plugin.incoming(.text(#"{"type":"error","message":"x"}"#))
    #expect(plugin.errors.count == 1)
  }
}
