import ArgumentParser
import Cryptobox
import Foundation
import Microdata
import Report
import WireBytes

struct MicrodataParseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "parse", abstract: "Read microdata; print its values as JSON, one line a file.",
    discussion: """
      A refusal is printed with its code, the byte, a caret and what was expected there.

        chumgate microdata parse --profile strict object.html
      """)

  @OptionGroup var options: RecipeOptions
  @Argument(help: ArgumentHelp("Microdata files; - for standard input.", valueName: "file"))
  var files: [String]
  @Option(help: "deployed reads what the reference reads; strict only canonical bytes.")
  var profile = MicrodataProfile.deployed
  @Option(help: "object, id, or auto by the header.")
  var form = FormOption.auto
  @Option(help: ArgumentHelp("Take this type only; may be repeated.", valueName: "type"))
  var expected: [String] = []

  func run() throws {
    let codec = try options.codec()
    var refused = 0
    for path in files {
      let bytes = try Inputs.bytes(path)
      do throws(MicrodataError) {
        let document = try codec.parse(
          bytes, form: form.form(bytes), expected: expected.isEmpty ? .any : .oneOf(expected.map { OneText($0) }),
          profile: profile)
        print(document.value.vector.compact)
      } catch {
        Refusal.show(error, path, bytes)
        refused += 1
      }
    }
    if refused > 0 { throw ExitCode(1) }
  }
}

struct MicrodataValidateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate", abstract: "Say whether bytes are canonical microdata.",
    discussion: "With --profile deployed: whether the reference reads them at all.")

  @OptionGroup var options: RecipeOptions
  @Argument(help: ArgumentHelp("Microdata files; - for standard input.", valueName: "file"))
  var files: [String]
  @Option(help: "strict: canonical bytes only; deployed: what the reference reads.")
  var profile = MicrodataProfile.strict
  @Option(help: "object, id, or auto by the header.")
  var form = FormOption.auto
  @Flag(help: "One JSON object a file: file, ok, and for refusals code, text, offset, expected.")
  var json = false

  func run() throws {
    let codec = try options.codec()
    var refused = 0
    for path in files {
      let bytes = try Inputs.bytes(path)
      do throws(MicrodataError) {
        switch profile {
        case .strict: try codec.validate(bytes, form: form.form(bytes))
        case .deployed: _ = try codec.parse(bytes, form: form.form(bytes))
        }
        print(json ? JSONValue.object(JSONObject(["file": .string(path), "ok": true])).compact : "\(path): ok")
      } catch {
        refused += 1
        if json {
          guard case .object(var object) = Refusal.json(error, path) else { continue }
          object.append("ok", false)
          print(JSONValue.object(object).compact)
        } else {
          Refusal.show(error, path, bytes)
        }
      }
    }
    if refused > 0 { throw ExitCode(1) }
  }
}

struct MicrodataHashCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hash", abstract: "Print the SHA-256 by which files are named and referred to.",
    discussion: "The bytes are taken as they are: objects, ID objects, BLOBs and CLOBs (microdata.md 7).")

  @Argument(help: ArgumentHelp("Files; - for standard input.", valueName: "file"))
  var files: [String]

  func run() throws {
    for path in files { print("\(SHA256.hex(try Inputs.bytes(path)))  \(path)") }
  }
}

struct MicrodataIdCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "id", abstract: "Print the ID hash of objects, or the ID object itself.",
    discussion: """
      deployed cuts the ID object out of the text as the reference does; strict writes it from what was read. A file
      that is an ID object is its own. Types without ID properties print - in place of a hash.
      """)

  @OptionGroup var options: RecipeOptions
  @Argument(help: ArgumentHelp("Microdata files; - for standard input.", valueName: "file"))
  var files: [String]
  @Option(help: "deployed or strict.")
  var profile = MicrodataProfile.deployed
  @Flag(help: "Print the ID object instead of its hash.")
  var text = false

  func run() throws {
    let codec = try options.codec()
    var refused = 0
    for path in files {
      let bytes = try Inputs.bytes(path)
      do throws(MicrodataError) {
        let isOwn = FormOption.auto.form(bytes) == .idObject
        let id = isOwn ? bytes : try codec.extractId(bytes, profile: profile)
        if text { writeOut((id ?? []) + [0x0A]) } else { print("\(id.map { SHA256.hex($0) } ?? "-")  \(path)") }
      } catch {
        Refusal.show(error, path, bytes)
        refused += 1
      }
    }
    if refused > 0 { throw ExitCode(1) }
  }
}

struct MicrodataPrettyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pretty", abstract: "Lay microdata out for reading: one element a line, indented.",
    discussion: "Works on any bytes, known type or not. What it prints is no microdata any more.")

  @Argument(help: ArgumentHelp("Microdata files; - for standard input.", valueName: "file"))
  var files: [String]

  func run() throws {
    for path in files { print(MarkupPrinter.indented(try Inputs.bytes(path)), terminator: "") }
  }
}

struct MicrodataDiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff", abstract: "Compare two objects by their values.",
    discussion: """
      Prints every place that differs, with - for the left and + for the right value, and says when the values are equal
      but the bytes are not. Exit codes: 0 equal bytes or values, 1 different, 2 a file cannot be read.
      """)

  @OptionGroup var options: RecipeOptions
  @Argument(help: "A microdata file.") var left: String
  @Argument(help: "Another.") var right: String
  @Option(help: "deployed or strict.")
  var profile = MicrodataProfile.deployed
  @Option(help: "Differences to print.")
  var limit = 100

  func run() throws {
    let codec = try options.codec()
    let a = try value(left, codec)
    let b = try value(right, codec)
    let differences = a.value.differences(from: b.value, limit: max(limit, 1))
    let palette = Terminal.palette
    for difference in differences {
      print(difference.path.isEmpty ? "(object)" : difference.path)
      if let value = difference.left { print(palette.red("  - \(value.vector.compact)")) }
      if let value = difference.right { print(palette.green("  + \(value.vector.compact)")) }
    }
    if !differences.isEmpty { throw ExitCode(1) }
    print(a.bytes == b.bytes ? "equal bytes" : "equal values, different bytes")
  }

  private func value(_ path: String, _ codec: MicrodataCodec) throws -> (value: OneValue, bytes: [UInt8]) {
    let bytes = try Inputs.bytes(path)
    do throws(MicrodataError) {
      return (try codec.parse(bytes, form: FormOption.auto.form(bytes), profile: profile).value, bytes)
    } catch {
      Refusal.show(error, path, bytes)
      throw ExitCode(2)
    }
  }
}
