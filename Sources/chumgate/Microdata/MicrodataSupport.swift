public import ArgumentParser
import Foundation
public import Microdata
import Report
import WireBytes

extension MicrodataProfile: ExpressibleByArgument {}

/// Which form of an object a command reads or writes.
enum FormOption: String, ExpressibleByArgument, CaseIterable {
  case auto, object, id

  /// The form of these bytes; `auto` looks at the header.
  func form(_ bytes: [UInt8]) -> ObjectForm {
    switch self {
    case .object: .object
    case .id: .idObject
    case .auto: bytes.starts(with: Array("<div data-id-object".utf8)) ? .idObject : .object
    }
  }
}

/// How the commands show a refusal.
enum Refusal {
  /// The error's code and text, the place with a caret under it, and what was expected there.
  static func show(_ error: MicrodataError, _ path: String, _ bytes: [UInt8]?) {
    let palette = Terminal.palette
    var lines = ["\(path): \(palette.red(error.code.rawValue)): \(ConsoleReport.printable(error.text))"]
    if let offset = error.offset, let bytes {
      let (text, column) = window(bytes, offset)
      lines.append("  byte \(offset) of \(bytes.count)")
      lines.append("  | \(text)")
      lines.append("  | \(String(repeating: " ", count: column))^")
    }
    if let expected = error.expected { lines.append("  expected: \(ConsoleReport.printable(expected))") }
    Output.note(lines.joined(separator: "\n") + "\n")
  }

  /// The bytes around a place as one line of text, and the column of the place in it.
  private static func window(_ bytes: [UInt8], _ offset: Int) -> (String, Int) {
    var start = max(offset - 50, 0)
    while start < offset, bytes[start] & 0xC0 == 0x80 { start += 1 }
    let end = min(offset + 30, bytes.count)
    let before = visible(bytes[start..<min(offset, bytes.count)])
    let after = visible(bytes[min(offset, bytes.count)..<end])
    return (before + after, before.count)
  }

  private static func visible(_ bytes: ArraySlice<UInt8>) -> String {
    String(
      String.UnicodeScalarView(
        String(decoding: bytes, as: UTF8.self).unicodeScalars.map { scalar in
          scalar.value < 0x20 || scalar.value == 0x7F ? "\u{B7}" : scalar
        }))
  }

  static func json(_ error: MicrodataError, _ path: String) -> JSONValue {
    var object = JSONObject(["file": .string(path), "code": .string(error.code.rawValue), "text": .string(error.text)])
    if let offset = error.offset { object.append("offset", .number(Double(offset))) }
    if let expected = error.expected { object.append("expected", .string(expected)) }
    return .object(object)
  }
}

/// Writes bytes to standard output as they are.
func writeOut(_ bytes: [UInt8]) { Output.write(bytes) }
