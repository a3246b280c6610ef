import ArgumentParser
import Verdant

/// `verdant recipe`.
struct RecipeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recipe",
    abstract: "Print a recipe with every option and its default.",
    discussion: "verdant recipe > my.yaml gives a file to start from."
  )

  func run() throws {
    try Console.result(RecipeTemplate.text, terminator: "")
  }
}
