public import VerdantBase

extension ModelConfig {
  /// Rules beyond this number are no description of a model; each is tried for each linear map.
  private static let mostStructures = 1024

  /// Throws unless every option is in its range, as one read from a file is: a configuration
  /// made in code has passed no check.
  public func check() throws(ConfigError) {
    guard !blocks.isEmpty else {
      throw ConfigError(
        .inconsistent, "the model has no blocks", place: "blocks", rule: "at least one block")
    }
    guard structures.count <= Self.mostStructures else {
      throw ConfigError(
        .outOfRange, "\(structures.count) rules", place: "structures",
        rule: "at most \(Self.mostStructures)")
    }
    var reader = SettingsReader()
    _ = ModelConfig.read(json, at: "", &reader)
    try reader.finish()
  }
}
