import Synchronization
import VerdantBase
import VerdantCore
import VerdantNN

/// The loss of a student that has a teacher: `(1 - share) · cross-entropy + share · T² · KL(teacher ‖
/// student)` of logits divided by the temperature T (Hinton et al. 2015), and terms between layers.
/// The teacher runs without dropout and is not changed.
struct Distillation: Sendable {
  let teacher: Transformer
  let settings: DistillationSettings
  private let layers: [(student: Use, teacher: Use)]
  private let relationHeads: Int

  /// Pairs a teacher with a student.
  ///
  /// - Throws: ``ConfigError`` when their outputs, or what the terms compare, do not fit.
  init(_ teacher: Transformer, _ settings: DistillationSettings, student: ModelConfig)
    throws(ConfigError)
  {
    self.teacher = teacher
    self.settings = settings
    let own = teacher.config
    func fail(_ what: String, _ place: String, _ rule: String) -> ConfigError {
      ConfigError(.inconsistent, what, place: "distillation.\(place)", rule: rule)
    }
    guard own.objective == student.objective, own.architecture == student.architecture else {
      throw fail(
        "a teacher with '\(own.architecture.rawValue)' and '\(own.objective.rawValue)'", "teacher",
        "'\(student.architecture.rawValue)' and '\(student.objective.rawValue)', as the student")
    }
    let outputs = { (config: ModelConfig) in config.classification?.classes ?? config.vocabulary }
    guard outputs(own) == outputs(student) else {
      throw fail(
        "the teacher has \(outputs(own)) outputs", "teacher",
        "\(outputs(student)), as the student: both choose among the same")
    }
    guard own.input == student.input, own.patches == student.patches else {
      throw fail("a teacher that reads other pieces", "teacher", "the input of the student")
    }
    guard own.vocabulary >= student.vocabulary else {
      throw fail(
        "the teacher knows \(own.vocabulary) tokens", "teacher",
        "at least the student's \(student.vocabulary)")
    }
    let poolsFirst = { (config: ModelConfig) in config.classification?.pooling == .first }
    guard poolsFirst(own) == poolsFirst(student) else {
      throw fail(
        "a teacher \(poolsFirst(own) ? "with" : "without") a start token", "teacher",
        "the pooling 'cls' in both models or in none")
    }
    guard own.maximumLength >= student.maximumLength else {
      throw fail(
        "the teacher reads \(own.maximumLength) tokens", "teacher",
        "at least the student's \(student.maximumLength)")
    }
    guard settings.hidden == 0 || own.width == student.width else {
      throw fail(
        "hidden vectors of width \(own.width) and \(student.width)", "hidden",
        "the same width, or 'relations', which need none")
    }
    // Student layer l learns from teacher layer ceil(l · L_t / L_s), both from 1.
    let (deep, shallow) = (own.usedOrder.count, student.usedOrder.count)
    layers = (1...max(1, shallow)).map { layer in
      (
        Use(student, place: layer - 1),
        Use(own, place: min(deep, (layer * deep + shallow - 1) / shallow) - 1)
      )
    }
    relationHeads = settings.relationHeads ?? Self.heads(student)
    guard settings.relations == 0 else {
      for config in [own, student] where config.width % relationHeads != 0 {
        throw fail(
          "\(relationHeads) heads for a width of \(config.width)", "relation_heads",
          "they divide the widths of teacher and student")
      }
      for config in [own, student] {
        let last = config.blocks[config.usedOrder[config.usedOrder.count - 1]]
        guard last.mixer.kind == SoftmaxAttention.kind, Self.hasEqualHeads(last) else {
          throw fail(
            "a last layer without queries, keys and values of the model's width", "relations",
            "softmax attention with as many key heads as heads")
        }
      }
      return
    }
  }

  private static func heads(_ config: ModelConfig) -> Int {
    config.blocks.last?.mixer.options["heads"]?.intValue ?? 1
  }

  private static func hasEqualHeads(_ block: BlockConfig) -> Bool {
    let options = block.mixer.options
    let keys = options["key_heads"]?.intValue
    return (keys == nil || keys == options["heads"]?.intValue)
      && options["head_width"]?.intValue == nil
  }

  /// The loss of a batch.
  func loss(_ student: Transformer, _ batch: Batch, _ context: inout Context) -> Tensor {
    let before = context.observer
    let looks = settings.hidden > 0 || settings.relations > 0
    let (seenOfStudent, seenOfTeacher) = (
      Seen(looks ? layers.map(\.student) : []), Seen(looks ? layers.map(\.teacher) : [])
    )
    context.observer = { path, output in
      before?(path, output)
      seenOfStudent.add(path, output)
    }
    let own = student.outputs(batch.input, targets: batch.targets, &context)
    context.observer = before
    var quiet = Context(.inference, precision: context.precision)
    quiet.observer = { path, output in seenOfTeacher.add(path, output) }
    let given = teacher.outputs(batch.input, targets: batch.targets, &quiet)
    let hard = student.loss(of: own, &context)
    let soft = divergence(given, teacher, own, student)
    var total = hard * (1 - settings.share) + soft * settings.share
    if settings.hidden > 0 {
      total = total + hiddenDistance(seenOfTeacher, seenOfStudent, batch) * settings.hidden
    }
    if settings.relations > 0 {
      total = total + relations(seenOfTeacher, seenOfStudent, batch) * settings.relations
    }
    return total
  }

  /// `T² · KL`, the mean over the rows that count.
  private func divergence(
    _ given: ModelOutputs, _ teacher: Transformer, _ own: ModelOutputs, _ student: Transformer
  ) -> Tensor {
    let temperature = settings.temperature
    if own.areLogits {
      let counted = own.targets.integers
      let count = counted.reduce(0) { $0 + ($1 < 0 ? 0 : 1) }
      return divergenceSum(given.vectors, own.vectors, counted, temperature)
        / Double(max(1, count))
    }
    let (x, t) = (own.vectors, given.vectors)
    let rows = x.shape.rows
    let (flat, taught) = (
      x.reshaped(to: [rows, x.shape.columns]), t.reshaped(to: [rows, t.shape.columns])
    )
    let (weight, taughtWeight) = (student.outputWeight, teacher.outputWeight)
    let bias = own.bias.map { [$0] } ?? []
    let counted = own.targets.integers
    // Logits of a vocabulary exist for a piece of the rows at a time, and again in the backward pass.
    let piece = max(16, (1 << 22) / max(1, weight.shape[0]))
    var sum: Tensor?
    for start in stride(from: 0, to: rows, by: piece) {
      let end = min(rows, start + piece)
      let mask = counted.isEmpty ? [] : Array(counted[start..<end])
      let taughtPart = taught[start..<end].detached()
      let part = checkpointed([flat[start..<end], weight] + bias) { inputs in
        let logits = affine(
          inputs[0], inputs[1], bias: inputs.count > 2 ? inputs[2] : nil, isWide: true)
        let targets = affine(taughtPart, taughtWeight, bias: given.bias, isWide: true)
        return divergenceSum(targets, logits, mask, temperature)
      }
      sum = sum.map { $0 + part } ?? part
    }
    let count = counted.reduce(0) { $0 + ($1 < 0 ? 0 : 1) }
    return (sum ?? .zeros([1], on: x.backend)) / Double(max(1, count))
  }

  /// The mean over layers and existing tokens of `1 - cos` (Sanh et al. 2019).
  private func hiddenDistance(_ given: Seen, _ own: Seen, _ batch: Batch) -> Tensor {
    var sum: Tensor?
    for layer in layers {
      let (a, b) = (given.block(layer.teacher), own.block(layer.student))
      let product = (a * b).sum(over: 2)
      let norms =
        squareRoot((a * a).sum(over: 2) + 1e-12) * squareRoot((b * b).sum(over: 2) + 1e-12)
      let distance = masked(product / norms * -1 + 1, batch)
      sum = sum.map { $0 + distance } ?? distance
    }
    return (sum ?? .zeros([1])) / Double(layers.count)
  }

  /// The mean of `[batch, length, 1]` over the tokens that exist.
  private func masked(_ x: Tensor, _ batch: Batch) -> Tensor {
    let (rows, length) = (x.shape[0], x.shape[1])
    guard let lengths = batch.input.lengths?.integers, lengths.count == rows,
      batch.input.decoder == nil
    else { return x.total() / Double(x.count) }
    let exists = lengths.flatMap { end in (0..<length).map { $0 < Int(end) ? Float(1) : 0 } }
    let count = lengths.reduce(0) { $0 + Int($1) }
    return (x * Tensor(exists, [rows, length, 1], on: x.backend)).total() / Double(max(1, count))
  }

  /// The divergence of the last layer's attentions and relations of values (Wang et al. 2020), with
  /// heads that need not be those of either model (Wang et al. 2021).
  private func relations(_ given: Seen, _ own: Seen, _ batch: Batch) -> Tensor {
    guard let last = layers.last else { return .zeros([1]) }
    let shape = own.part(last.student, "query").shape
    let mask = RelationMask(
      isCausal: teacher.config.isCausal,
      lengths: batch.input.decoder == nil ? batch.input.lengths?.integers.map(Int.init) : nil,
      batch: shape[0], length: shape[1], on: batch.input.tokens.backend)
    func log(_ seen: Seen, _ use: Use, _ a: String, _ b: String) -> Tensor {
      mask.logRelation(seen.part(use, a), seen.part(use, b), heads: relationHeads)
    }
    let pairs = [("query", "key"), ("value", "value")]
    var sum: Tensor?
    for (a, b) in pairs {
      let taught = log(given, last.teacher, a, b).detached()
      let learnt = log(own, last.student, a, b)
      let mean = mask.mean(
        (exp(taught) * (taught - learnt)).sum(over: 3), heads: relationHeads)
      sum = sum.map { $0 + mean } ?? mean
    }
    return sum ?? .zeros([1])
  }
}

/// `T² · Σ KL` of rows of logits; those with a negative entry of `counted` are left out.
private func divergenceSum(
  _ given: Tensor, _ own: Tensor, _ counted: [Int32], _ temperature: Double
) -> Tensor {
  let taught = logSoftmax(given / temperature).detached()
  let learnt = logSoftmax(own / temperature)
  let rows = (exp(taught) * (taught - learnt)).sum(over: 1)
  let mask = Tensor(
    counted.isEmpty
      ? [Float](repeating: 1, count: rows.shape[0]) : counted.map { $0 < 0 ? 0 : 1 },
    rows.shape, on: own.backend)
  return (rows * mask).total() * (temperature * temperature)
}

/// The logarithm of the softmax of rows `[rows, columns]`.
private func logSoftmax(_ x: Tensor) -> Tensor {
  let shifted = x - x.maximum(over: 1).detached()
  return shifted - log(exp(shifted).sum(over: 1))
}
