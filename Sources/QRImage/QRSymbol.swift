import CQRencode

/// A QR code as a square of modules, made by libqrencode (connection.md 5.2).
public struct QRSymbol: Sendable, Equatable {
  /// Modules on each side, without the quiet zone.
  public let width: Int
  private let modules: [Bool]

  /// The quiet zone that readers need, in modules.
  public static let quietZone = 4

  public enum Failure: Error, Sendable, Equatable, CustomStringConvertible {
    /// A QR code holds at most 2,953 bytes.
    case tooLong(bytes: Int)
    case empty
    case library

    public var description: String {
      switch self {
      case .tooLong(let bytes): "\(bytes) bytes do not fit into a QR code (at most 2,953)"
      case .empty: "an empty text makes no QR code"
      case .library: "libqrencode could not make a code of this text"
      }
    }
  }

  /// Encodes the text's UTF-8 in byte mode with error correction level M, the usual default of QR generators; L when it
  /// does not fit otherwise.
  public init(_ text: String) throws(Failure) {
    let bytes = Array(text.utf8)
    guard !bytes.isEmpty else { throw .empty }
    guard bytes.count <= 2_953 else { throw .tooLong(bytes: bytes.count) }
    let level = bytes.count <= 2_331 ? QR_ECLEVEL_M : QR_ECLEVEL_L
    guard let code = unsafe QRcode_encodeData(Int32(bytes.count), bytes, 0, level) else { throw .library }
    defer { unsafe QRcode_free(code) }
    width = Int(unsafe code.pointee.width)
    var modules: [Bool] = []
    modules.reserveCapacity(width * width)
    for index in 0..<(width * width) {
      // The lowest bit of each byte is the colour.
      modules.append(unsafe code.pointee.data[index] & 1 == 1)
    }
    self.modules = modules
  }

  /// True for a dark module; outside of the symbol everything is light.
  public func isDark(_ x: Int, _ y: Int) -> Bool {
    guard (0..<width).contains(x), (0..<width).contains(y) else { return false }
    return modules[y * width + x]
  }

  /// Two modules in one character, dark on light whatever the terminal's colours are when `usesColour`; else with the
  /// terminal's own foreground as light.
  public func terminalText(usesColour: Bool) -> String {
    var lines: [String] = []
    let range = -2..<(width + 2)
    for y in stride(from: range.lowerBound, to: range.upperBound, by: 2) {
      var line = usesColour ? "\u{1B}[38;5;16m\u{1B}[48;5;231m" : ""
      for x in range {
        let (top, bottom) = (isDark(x, y), isDark(x, y + 1))
        let pair = usesColour ? (top, bottom) : (!top, !bottom)
        switch pair {
        case (true, true): line += "\u{2588}"
        case (true, false): line += "\u{2580}"
        case (false, true): line += "\u{2584}"
        case (false, false): line += " "
        }
      }
      lines.append(line + (usesColour ? "\u{1B}[0m" : ""))
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// A scalable image with the quiet zone; one path, no script, no external reference.
  public var svg: String {
    let side = width + 2 * Self.quietZone
    var path = ""
    for y in 0..<width {
      var x = 0
      while x < width {
        guard isDark(x, y) else {
          x += 1
          continue
        }
        var end = x
        while isDark(end, y) { end += 1 }
        path += "M\(x + Self.quietZone) \(y + Self.quietZone)h\(end - x)v1h-\(end - x)z"
        x = end
      }
    }
    return """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(side) \(side)" shape-rendering="crispEdges">\
      <rect width="\(side)" height="\(side)" fill="#fff"/><path d="\(path)" fill="#000"/></svg>

      """
  }
}
