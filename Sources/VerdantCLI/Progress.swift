import Verdant

/// Shows a run's progress: a line that is redrawn on a terminal, one line an interval elsewhere.
struct Progress {
  private let isQuiet: Bool
  private let isInteractive = Console.isInteractive
  private var steps = 0
  private var shown = -Double.infinity
  private var smoothed: Double?
  private var lineIsOpen = false
  private let firstStep: Int

  /// - Parameter firstStep: Steps that were done before.
  init(quiet: Bool, firstStep: Int = 0) {
    isQuiet = quiet
    self.firstStep = firstStep
  }

  /// Seconds between two lines where they cannot be redrawn.
  private static let interval = 10.0
  private static let redraw = 0.1

  mutating func show(_ event: TrainEvent) {
    guard !isQuiet else { return }
    switch event {
    case .started(let start):
      steps = start.steps
      note(
        "\(Format.short(Double(start.parameterCount))) parameters, "
          + "\(Format.short(start.trainingFlopsPerToken)) FLOPs a token, "
          + "\(Format.count(start.trainingTokens)) training tokens, "
          + "\(Format.count(start.steps)) steps of \(Format.count(start.tokensPerStep)) tokens")
      note("memory forecast \(start.memory.line)")
      if start.skippedFiles > 0 {
        note("\(start.skippedFiles) files without text were left out")
      }
      if start.skippedRecords > 0 {
        note("\(start.skippedRecords) records that cannot be used were left out")
      }
    case .step(let record): show(record)
    case .evaluated(let evaluation, let step):
      note(
        "step \(step)  validation loss \(Format.fixed(evaluation.loss, 4))  "
          + "\(Format.fixed(evaluation.bitsPerByte, 4)) bits per byte  "
          + "(\(Format.duration(evaluation.seconds)))")
    case .saved(let path, _): note("saved \(path)")
    case .skipped(let record, let reason):
      note("step \(record.step) changed nothing: \(reason)")
    case .rolledBack(let from, let to):
      note("step \(from): back to the checkpoint of step \(to), on with other batches")
    }
  }

  private mutating func show(_ record: StepRecord) {
    smoothed = smoothed.map { 0.9 * $0 + 0.1 * record.tokensPerSecond } ?? record.tokensPerSecond
    let isEdge = record.step == firstStep + 1 || record.step == steps
    let pause = isInteractive ? Self.redraw : Self.interval
    guard isEdge || record.elapsed - shown >= pause else { return }
    shown = record.elapsed
    let left =
      record.elapsed / Double(max(1, record.step - firstStep)) * Double(steps - record.step)
    let line =
      "step \(record.step)/\(steps)  loss \(Format.fixed(record.loss, 4))  "
      + "rate \(Format.rate(record.learningRate))  "
      + "gradient \(Format.fixed(record.gradientNorm, 2))  "
      + "\(Format.count(Int(smoothed ?? 0))) tokens/s  "
      + "\(Format.bytes(record.residentByteCount))  left \(Format.duration(left))"
    if isInteractive {
      Console.error("\r\u{1B}[K" + line.prefix(Console.width - 1), terminator: "")
      lineIsOpen = true
    } else {
      Console.error(line)
    }
  }

  private mutating func note(_ text: String) {
    close()
    Console.error(text)
  }

  /// Ends a line that is being redrawn.
  mutating func close() {
    if lineIsOpen { Console.error("") }
    lineIsOpen = false
  }
}
