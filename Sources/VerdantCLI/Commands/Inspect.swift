import ArgumentParser
import Verdant

/// `verdant inspect`.
struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show a model's parts, parameters and FLOPs.",
    discussion: "FLOPs: \(ModelCost.convention)."
  )

  @Argument(help: "A model folder, or the run that made it.", completion: .directory)
  var model: String

  @OptionGroup(title: "Output")
  var output: OutputOptions

  func run() throws {
    let folder = try ModelFolder(modelPath(model))
    let cost = try ModelCost(folder.model.config)
    let count = folder.model.parameterCount
    if output.json {
      return try Console.result(
        .object([
          "parameters": .integer(count), "forward_flops_per_token": .number(cost.forwardPerToken),
          "training_flops_per_token": .number(cost.trainingPerToken),
          "flops_convention": .string(ModelCost.convention), "config": folder.model.config.json,
          "tensors": .array(
            folder.model.parameters.map { name, parameter in
              [
                "name": .string(name), "role": .string(parameter.role.rawValue),
                "shape": .array(parameter.value.shape.map { .integer($0) }),
              ]
            }),
        ]))
    }
    var tree = Tree()
    var copy = folder.model
    copy.visit(&tree)
    var lines = tree.lines
    lines.append("")
    lines.append("parameters         \(Format.count(count))")
    lines.append(
      "FLOPs a token      \(Format.short(cost.forwardPerToken)) forward, "
        + "\(Format.short(cost.trainingPerToken)) in training "
        + "(\(ModelCost.convention); sequence of \(cost.tokens))")
    for (name, line) in cost.lines where line.forward > 0 {
      let share = line.forward / (cost.forwardPerToken * Double(cost.tokens)) * 100
      lines.append(
        "  \(name)".padded(to: 24) + Format.fixed(share, 1) + " % of the forward FLOPs")
    }
    try Console.result(lines.joined(separator: "\n"))
  }
}

extension String {
  fileprivate func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(1, width - count))
  }
}

/// Draws the parts of a model as an indented tree; neighbouring blocks that look alike are drawn
/// once.
private struct Tree: Visitor {
  var path = PartPath()
  var lines: [String] = []
  private var previous: (index: Int, first: String, lines: [String])?

  private mutating func add(_ name: String, _ text: String) {
    let indent = String(repeating: "  ", count: path.components.count)
    lines.append((indent + name).padded(to: 30) + text)
  }

  private func total(_ part: some Module) -> String { Format.count(part.parameterCount) }

  mutating func parameter(_ name: String, _ parameter: inout Parameter) {
    add(name, "\(parameter.value.shape)")
  }

  mutating func linear(_ name: String, _ part: inout any LinearMap) {
    add(
      name,
      "\(type(of: part).kind) \(part.size.input) → \(part.size.output), \(total(part)) parameters")
    inside(name) { part.visit(&$0) }
  }

  mutating func mixer(_ name: String, _ part: inout any TokenMixer) {
    add(name, "\(type(of: part).kind), \(total(part)) parameters")
    inside(name) { part.visit(&$0) }
  }

  mutating func feedForward(_ name: String, _ part: inout any FeedForward) {
    add(name, "\(type(of: part).kind), \(total(part)) parameters")
    inside(name) { part.visit(&$0) }
  }

  mutating func part(_ name: String, _ part: inout some Module) {
    guard path.components == ["blocks"] else {
      add(name, "\(total(part)) parameters")
      inside(name) { part.visit(&$0) }
      return
    }
    let start = lines.count
    path.components = []
    lines.append("blocks.\(name)".padded(to: 30) + "\(total(part)) parameters")
    inside(name) { part.visit(&$0) }
    path.components = ["blocks"]
    let drawn = Array(lines[(start + 1)...])
    if let before = previous, before.lines == drawn {
      lines.removeLast(lines.count - start)
      lines[before.index] =
        "blocks.\(before.first) … \(name)".padded(to: 30)
        + "\(total(part)) parameters each"
    } else {
      previous = (start, name, drawn)
    }
  }
}
