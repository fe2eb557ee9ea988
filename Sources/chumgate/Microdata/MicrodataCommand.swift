import ArgumentParser
import Foundation
import Microdata

struct MicrodataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "microdata",
    abstract: "Read, write, check and compare ONE microdata.",
    discussion: """
      Every command reads files, or standard input with -, and knows the recipes of Fixtures/Vectors/recipes.json unless
      --recipes names others. Values are JSON in the encoding of the vectors: numbers {"$n":"1"}, undefined
      {"$undef":true}, maps {"$map":[[k,v]]}, sets {"$set":[…]}.

        chumgate microdata parse object.html
        chumgate microdata parse object.html | chumgate microdata serialise -
        chumgate microdata validate --profile strict *.html
        chumgate microdata check-vectors Fixtures/Vectors/microdata-*.json

      Exit codes: 0 pass, 1 refused or different, 2 usage or unreadable file, 4 nothing ran.
      """,
    subcommands: [
      MicrodataParseCommand.self, MicrodataSerialiseCommand.self, MicrodataValidateCommand.self,
      MicrodataHashCommand.self, MicrodataIdCommand.self, MicrodataExplodeCommand.self, MicrodataImplodeCommand.self,
      MicrodataDiffCommand.self, MicrodataPrettyCommand.self, CheckVectorsCommand.self, CompareCommand.self,
    ])
}

/// The recipes that a command works with.
struct RecipeOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Recipes (one-recipes/1); may be repeated. By default those of Fixtures/Vectors/recipes.json.",
      valueName: "file"))
  var recipes: [String] = []

  func codec() throws -> MicrodataCodec {
    var registry = RecipeRegistry()
    let files = recipes.isEmpty ? [try RecipeOptions.standard()] : recipes
    for file in files {
      do {
        let loaded = try RecipeRegistry(recipesFile: try Inputs.bytes(file))
        for recipe in loaded.recipes { try registry.add(recipe) }
      } catch let error as RecipesFileError {
        throw Exit.usage("\(file): \(error)")
      } catch let error as MicrodataError {
        throw Exit.usage("\(file): \(error)")
      }
    }
    do { return try MicrodataCodec(registry) } catch { throw Exit.usage("recipes: \(error)") }
  }

  private static func standard() throws -> String {
    try GateCommand.fixtures(nil).appendingPathComponent("Vectors/recipes.json").path
  }
}
