import ArgumentParser
import Verdant

extension MemoryForecast {
  /// The parts that count, the largest first.
  var line: String {
    let parts: [(name: String, bytes: Int)] = [
      ("weights", weights), ("gradients", gradients), ("optimizer", optimizer),
      ("activations", activations), ("pool", pool), ("scratch", scratch), ("data", data),
      ("process", process), ("preparation", preparation),
    ]
    // Below half a percent nobody looks.
    let shown = parts.filter { $0.bytes > total / 200 }.sorted { $0.bytes > $1.bytes }
    return "\(Format.bytes(total)): "
      + shown.map { "\($0.name) \(Format.bytes($0.bytes))" }.joined(separator: ", ")
  }
}

extension TrainingPlan {
  /// Shows the plan instead of carrying it out.
  func show(asJSON: Bool) throws {
    let problem: ConfigError?
    do throws(ConfigError) {
      try checkMemory()
      problem = nil
    } catch {
      problem = error
    }
    let operations = trainingFlopsPerToken * Double(steps) * Double(tokensPerStep)
    if asJSON {
      var object: JSONObject = [
        "parameters": .integer(parameterCount),
        "training_flops_per_token": .number(trainingFlopsPerToken),
        "training_flops": .number(operations), "steps": .integer(steps),
        "tokens_per_step": .integer(tokensPerStep), "fits": .bool(problem == nil),
      ]
      for (key, value) in memory.json { object[key] = value }
      return try Console.result(.object(object))
    }
    var lines = [
      "parameters     \(Format.count(parameterCount))",
      "FLOPs          \(Format.short(operations)), "
        + "\(Format.short(trainingFlopsPerToken)) a token",
      "steps          \(Format.count(steps)) of \(Format.count(tokensPerStep)) tokens",
      "memory         \(memory.line)",
    ]
    lines += problem?.problems.map { "does not fit   \($0.description)" } ?? []
    try Console.result(lines.joined(separator: "\n"))
  }
}
