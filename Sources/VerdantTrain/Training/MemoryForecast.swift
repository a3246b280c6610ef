public import VerdantBase
public import VerdantCore
public import VerdantNN

/// The memory that a training run will have at its peak, by what takes it: two optimizer steps and
/// an evaluation, run on shapes before anything is taken. In bytes.
public struct MemoryForecast: Sendable, Equatable {
  /// The parameters.
  public let weights: Int
  /// One gradient for each parameter that is trained.
  public let gradients: Int
  /// The optimizer's state.
  public let optimizer: Int
  /// Every other tensor at the moment when most live.
  public let activations: Int
  /// What the memory pool holds beyond that: rounding, and free blocks of sizes that the peak
  /// does not use.
  public let pool: Int
  /// Scratch space of the threads.
  public let scratch: Int
  /// The texts and their tokens.
  public let data: Int
  /// The process itself.
  public let process: Int
  /// What building the model or reading the text takes for a while beyond all of this.
  public let preparation: Int
  /// What the process had when the forecast was made.
  let resident: Int
  private let addresses: Int

  /// All of it.
  public var total: Int {
    weights + gradients + optimizer + activations + pool + scratch + data + process + preparation
  }

  // Measured: code that is read from disk, oneDNN's generated code, its buffers for each thread, and
  // the runtime's own blocks, all of which come with the first step.
  private static let processGrowth = 12 << 20
  private static let growthForThread = 3 << 20
  // glibc reserves so many addresses for the blocks of a thread; a stack has 8 MiB.
  private static let addressesForThread = 72 << 20

  /// Runs the work of a model on shapes.
  ///
  /// - Parameters:
  ///   - settings: Batch, accumulation and optimizer.
  ///   - lengths: Tokens of a sequence, and of what the decoder of an encoder–decoder reads; nil
  ///     for the longest.
  ///   - teacher: Whom the model learns from.
  ///   - dataByteCount: Bytes of the text files.
  ///   - tokensAreBytes: False for tokenizers whose tokens are longer.
  ///   - evaluates: True when the model is evaluated, too.
  public init(
    _ config: ModelConfig, _ settings: TrainingSettings, lengths: RowLengths? = nil,
    teacher: (config: ModelConfig, settings: DistillationSettings)? = nil,
    dataByteCount: Int = 0, tokensAreBytes: Bool = true, evaluates: Bool = true
  ) throws(ConfigError) {
    let lengths = lengths ?? RowLengths(input: config.maximumLength, target: nil)
    let memory = MemorySimulation()
    let backend = ShapeBackend(memory: memory)
    var model = try Transformer(config, random: RandomSource(seed: 0), on: backend)
    weights = memory.use.liveByteCount
    gradients = model.parameters.reduce(0) {
      $0 + ($1.parameter.isTrainable ? $1.parameter.value.byteCount : 0)
    }
    func batch(_ rows: Int) -> Batch {
      let example = config.example(
        rows: rows, length: lengths.input, targetLength: lengths.target, on: backend)
      return Batch(
        example.input, targets: example.targets, targetCount: example.targets.count)
    }
    let distillation = try teacher.map { teacher throws(ConfigError) in
      try Distillation(
        Transformer(teacher.config, random: RandomSource(seed: 0), on: backend),
        teacher.settings, student: config)
    }
    var optimizer = try settings.makeOptimizer()
    // All micro-batches after the second do what the second does.
    var short = settings
    short.accumulation = min(2, settings.accumulation)
    let work = StepWork(
      settings: short, steps: 2, random: RandomSource(seed: 0), distillation: distillation)
    for step in 1...2 {
      _ = work.run(step, &model, &optimizer, batch: { _ in batch(settings.batch) }) { _ in true }
    }
    self.optimizer = memory.use.liveByteCount - weights
    if evaluates {
      // The last batch of an evaluation is smaller, by how much the data decides.
      var context = Context(.inference)
      for rows in [settings.batch, (settings.batch + 1) / 2] {
        let batch = batch(rows)
        _ = model.loss(batch.input, targets: batch.targets, &context)
      }
    }
    let use = memory.use
    activations = max(0, use.peakLiveByteCount - weights - gradients - self.optimizer)
    let tensors = weights + gradients + self.optimizer + activations
    pool = max(0, use.poolByteCount - tensors)
    let threads = Compute.threadCount
    scratch = use.callerScratchByteCount + threads * use.threadScratchByteCount
    // A token takes four bytes; a byte-pair token stands for about four.
    let bytes = min(dataByteCount, Int.max / 64)
    data = tokensAreBytes ? 5 * bytes : 2 * bytes
    resident = max(0, Compute.residentByteCount - CPUBackend.shared.pooledByteCount)
    process = resident + Self.processGrowth + threads * Self.growthForThread
    // The text exists once more while its parts are separated.
    let building = min(try MemoryNeed(config).building, 0x1p50)
    let later = tensors + pool + scratch
    preparation = max(0, weights + max(bytes, Int(building)) - later)
    addresses = use.addressSpaceByteCount + scratch + data + threads * Self.addressesForThread
  }

  /// The most that each limit leaves of what the process will have, the smallest first.
  func violated(_ limits: [MemoryLimit]) -> MemoryLimit? {
    limits.filter { ($0.countsAddresses ? addresses : total - resident) > $0.byteCount }
      .min { $0.byteCount < $1.byteCount }
  }

  /// The bytes by category, by the names of `metrics.jsonl`; `memory_bytes` is all of it.
  public var json: JSONObject {
    [
      "memory_bytes": .integer(total), "memory_weights_bytes": .integer(weights),
      "memory_gradients_bytes": .integer(gradients),
      "memory_optimizer_bytes": .integer(optimizer),
      "memory_activations_bytes": .integer(activations), "memory_pool_bytes": .integer(pool),
      "memory_scratch_bytes": .integer(scratch), "memory_data_bytes": .integer(data),
      "memory_process_bytes": .integer(process),
      "memory_preparation_bytes": .integer(preparation),
    ]
  }
}
