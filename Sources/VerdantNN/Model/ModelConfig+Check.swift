public import VerdantBase

extension ModelConfig {
  /// Each rule is tried for the maps of each block; beyond this product it is no description of a
  /// model but takes minutes.
  private static let mostTrials = 1 << 16

  /// Throws unless every option is in its range, as one read from a file is: a configuration
  /// made in code has passed no check.
  public func check() throws(ConfigError) {
    guard !blocks.isEmpty else {
      throw ConfigError(
        .inconsistent, "the model has no blocks", place: "blocks", rule: "at least one block")
    }
    guard structures.count <= Self.mostTrials / blocks.count else {
      throw ConfigError(
        .outOfRange, "\(structures.count) rules for \(blocks.count) blocks", place: "structures",
        rule: "rules times blocks are at most \(Self.mostTrials)")
    }
    try checkOrder()
    guard isCausal == (objective == .causalLanguageModel) else {
      throw ConfigError(
        .inconsistent,
        "the objective '\(objective.rawValue)' for the architecture '\(architecture.rawValue)'",
        place: "objective",
        rule: "a decoder predicts the next token (causal-lm), an encoder hidden ones (masked-lm)")
    }
    var reader = SettingsReader()
    _ = ModelConfig.read(json, at: "", &reader)
    try reader.finish()
  }

  private func checkOrder() throws(ConfigError) {
    guard let order else { return }
    guard order.count <= RepeatedBlock.most else {
      throw ConfigError(
        .outOfRange, "\(order.count) uses of blocks", place: "order",
        rule: "at most \(RepeatedBlock.most)")
    }
    if let wrong = order.first(where: { !blocks.indices.contains($0) }) {
      throw ConfigError(
        .inconsistent, "block \(wrong) of \(blocks.count)", place: "order",
        rule: "blocks are numbered from 0 to \(blocks.count - 1)")
    }
    let used = Set(order)
    if let unused = blocks.indices.first(where: { !used.contains($0) }) {
      throw ConfigError(
        .inconsistent, "block \(unused) is never used", place: "order",
        rule: "every block is used at least once")
    }
  }
}
