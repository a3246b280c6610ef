public import VerdantBase
import VerdantIO
import VerdantNN
import Yams

/// Reads and writes recipes as YAML.
public enum RecipeFile {
  /// Reads a recipe, applies overrides and checks everything.
  ///
  /// - Parameters:
  ///   - path: A YAML file.
  ///   - overrides: `path=value` pairs, such as `training.steps=100`; values are YAML.
  /// - Throws: ``ConfigError`` with every problem found.
  public static func read(_ path: String, overrides: [String] = []) throws(ConfigError) -> Recipe {
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try readFile(path, limit: Limits.standard.configBytes)
    } catch {
      throw ConfigError(error)
    }
    guard firstInvalidUTF8(in: bytes) == nil else {
      throw ConfigError(.syntax, "invalid UTF-8", file: path, rule: "a recipe is UTF-8 text")
    }
    // A byte order mark is no part of the text.
    let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes[3...] : bytes[...]
    return try parse(String(decoding: text, as: UTF8.self), file: path, overrides: overrides)
  }

  /// Parses a recipe.
  ///
  /// - Throws: ``ConfigError`` with every problem found.
  public static func parse(_ text: String, file: String? = nil, overrides: [String] = [])
    throws(ConfigError) -> Recipe
  {
    var tree = try YAMLTree(text, file: file)
    for override in overrides { try tree.apply(override) }
    var reader = SettingsReader(file: file, lines: tree.lines)
    var recipe = Recipe()
    // One option of the optimizer may be set without naming the default one again.
    tree.addDefault(recipe.training.optimizer.kind, for: "kind", in: ["training", "optimizer"])
    if let object = reader.object(tree.value, at: "") {
      recipe.update(from: object, at: "", &reader)
    }
    // Relations are checked only between values that could be read.
    if reader.problems.isEmpty { recipe.check(&reader) }
    try reader.finish()
    try recipe.training.completeOptimizer()
    return recipe
  }

  /// The recipe with every option, as YAML.
  public static func text(_ recipe: Recipe) -> String {
    YAMLTree.text(recipe.json)
  }

  private static func firstInvalidUTF8(in bytes: [UInt8]) -> Int? {
    bytes.withUnsafeBytes { VerdantBase.firstInvalidUTF8(in: $0) }
  }
}
