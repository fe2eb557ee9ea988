/// Lays markup out for people: one element a line, indented. The result is no microdata any more.
public enum MarkupPrinter {
  /// Works on any text: tags are what stands between `<` and `>`, an end tag is one with `/`.
  public static func indented(_ bytes: [UInt8]) -> String {
    var out = ""
    bytes.withView { view in
      var depth = 0
      var index = 0
      var line = ""
      func end() {
        guard !line.isEmpty else { return }
        out += String(repeating: "  ", count: min(max(depth, 0), 40)) + line + "\n"
        line = ""
      }
      while index < view.count {
        guard view[index] == 0x3C else {
          let next = view.find(0x3C, from: index) ?? view.count
          line += printable(view.slice(index, next))
          index = next
          continue
        }
        let next = (view.find(0x3E, from: index) ?? view.count - 1) + 1
        let tag = String(decoding: view.slice(index, next).array, as: UTF8.self)
        if view[index + 1] == 0x2F {
          // An element that holds text only stays on its line.
          if line.hasPrefix("<"), !line.hasPrefix("</") {
            line += tag
            end()
          } else {
            end()
            depth -= 1
            line = tag
            end()
          }
        } else {
          if line.hasPrefix("<") {
            end()
            depth += 1
          } else {
            end()
          }
          line = tag
        }
        index = next
      }
      end()
    }
    return out
  }

  private static func printable(_ view: ByteView) -> String {
    var out = ""
    for scalar in String(decoding: view.array, as: UTF8.self).unicodeScalars {
      if scalar.value < 0x20 || scalar.value == 0x7F {
        out += "\\u{\(String(scalar.value, radix: 16))}"
      } else {
        out.unicodeScalars.append(scalar)
      }
    }
    return out
  }
}
