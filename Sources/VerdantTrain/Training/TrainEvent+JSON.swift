public import VerdantBase
import VerdantCore

/// A number for JSON, which has no NaN and no infinity: null stands for both.
func finite(_ value: Double) -> JSONValue { value.isFinite ? .number(value) : .null }

extension TrainEvent {
  /// The name in `metrics.jsonl`.
  public var name: String {
    switch self {
    case .started: "start"
    case .step: "step"
    case .evaluated: "eval"
    case .saved: "checkpoint"
    case .skipped: "skipped"
    case .rolledBack: "rollback"
    }
  }
}

extension TrainingStart {
  /// The sizes, by the names of `metrics.jsonl`.
  public var json: JSONObject {
    var object: JSONObject = [
      "parameters": .integer(parameterCount),
      "training_flops_per_token": finite(trainingFlopsPerToken),
      "forward_flops_per_token": finite(forwardFlopsPerToken), "steps": .integer(steps),
      "tokens_per_step": .integer(tokensPerStep), "training_tokens": .integer(trainingTokens),
      "validation_tokens": .integer(validationTokens),
      "skipped_records": .integer(skippedRecords),
    ]
    for (key, value) in memory.json { object[key] = value }
    return object
  }
}

extension StepRecord {
  /// The step, by the names of `metrics.jsonl`.
  public var json: JSONObject {
    [
      "step": .integer(step), "loss": finite(loss), "grad_norm": finite(gradientNorm),
      "learning_rate": finite(learningRate), "tokens": .integer(tokens), "epoch": finite(epoch),
      "tokens_per_s": finite(tokensPerSecond), "elapsed_s": finite(elapsed),
      "rss_bytes": .integer(residentByteCount),
    ]
  }
}

extension Evaluation {
  /// The result, by the names of `metrics.jsonl`.
  public var json: JSONObject {
    var object: JSONObject = [
      "eval_loss": finite(loss), "perplexity": finite(perplexity),
      "bits_per_byte": finite(bitsPerByte), "eval_tokens": .integer(tokenCount),
      "eval_bytes": .integer(byteCount), "eval_seconds": finite(seconds),
    ]
    if let accuracy { object["accuracy"] = finite(accuracy) }
    return object
  }
}

extension TrainResult {
  /// The result, by the names of `run.json`.
  public var json: JSONObject {
    var object: JSONObject = [
      "steps": .integer(steps), "ended_early": .bool(endedEarly), "tokens": .integer(tokens),
      "loss": finite(loss),
      "training_seconds": finite(trainingSeconds), "tokens_per_s": finite(tokensPerSecond),
      "peak_rss_bytes": .integer(Compute.peakResidentByteCount),
    ]
    for (key, value) in evaluation?.json ?? [:] { object[key] = value }
    return object
  }
}
