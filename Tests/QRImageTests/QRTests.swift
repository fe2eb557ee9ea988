import Foundation
import Testing

@testable import QRImage

/// Another program reads what we draw: zbar, as Debian ships it (`zbar-tools`, installed by `.ci/run`).
@Suite struct QRTests {
  static let link =
    "https://app.example.org/invites/invitePartner/?invited=true#%7B%22token%22%3A%220123456789abcdefghijklmnopqrstuvwxyz"
    + "ABCDEFGHIJKLMNOPQRSTUVWXYZ_-%22%2C%22publicKey%22%3A%22358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd16"
    + "6254%22%2C%22url%22%3A%22wss%3A%2F%2Fcomm.example.org%22%7D"

  private func zbar(_ path: String) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["zbarimg", "--quiet", "--raw", path]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "zbarimg (package zbar-tools) read nothing")
    return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .newlines)
  }

  @Test(arguments: [link, "A", String(repeating: "x", count: 2_000)], [3, 8])
  func `zbar reads back the PNG`(text: String, scale: Int) throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("qr-\(UUID().uuidString).png")
    defer { try? FileManager.default.removeItem(at: file) }
    try Data(try QRSymbol(text).png(scale: scale)).write(to: file)
    #expect(try zbar(file.path) == text)
  }

  @Test func `a text that is too long is refused with its length`() {
    #expect(throws: QRSymbol.Failure.tooLong(bytes: 2_954)) { try QRSymbol(String(repeating: "x", count: 2_954)) }
    #expect(throws: QRSymbol.Failure.empty) { try QRSymbol("") }
  }

  @Test func `the terminal form and the SVG show the same modules as the symbol`() throws {
    let symbol = try QRSymbol(Self.link)
    let lines = symbol.terminalText(usesColour: false).split(separator: "\n")
    #expect(lines.count == (symbol.width + 4 + 1) / 2)
    // The finder pattern's corner is dark, which is no ink in the colourless form.
    #expect(Array(lines[1])[2] == " ")
    let area = symbol.svg.components(separatedBy: "M").dropFirst().reduce(0) { sum, piece in
      sum + (Int(piece.components(separatedBy: "h")[1].prefix { $0.isNumber }) ?? 0)
    }
    let dark = (0..<symbol.width).reduce(0) { sum, y in sum + (0..<symbol.width).count { symbol.isDark($0, y) } }
    #expect(area == dark)
  }
}
