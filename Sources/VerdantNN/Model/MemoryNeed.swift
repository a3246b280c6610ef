public import VerdantBase
import VerdantCore

/// Memory that a model needs at least, known before any of it is taken.
///
/// A lower bound: what is refused could not have run. Sums are in double precision, which has no
/// overflow.
public struct MemoryNeed: Sendable {
  /// Bytes of the parameters.
  public let parameters: Double
  /// Bytes that the initial weights take for a while: a structured map begins with a dense draw
  /// and its factors.
  public let building: Double
  /// Numbers in the parameters.
  public let parameterCount: Int
  private let activationsPerToken: Double

  /// Counts from shapes alone.
  public init(_ config: ModelConfig) throws(ConfigError) {
    let model = try Transformer(config, random: RandomSource(seed: 0), on: ShapeBackend())
    parameters = model.parameters.reduce(0.0) { $0 + Double($1.parameter.value.byteCount) }
    parameterCount = model.parameterCount
    var draws = LargestDraw()
    var copy = model
    copy.visit(&draws)
    building = draws.bytes
    // Of each block the input and what enters the feed-forward network are kept.
    activationsPerToken = 4 * Double(config.width) * Double(2 * config.usedOrder.count + 1)
  }

  /// Bytes of training: weights, gradients, what the optimizer keeps, and the activations of a
  /// micro-batch.
  ///
  /// - Parameter tensorsPerParameter: Tensors of a parameter's size that the optimizer keeps.
  public func training(batch: Int, length: Int, tensorsPerParameter: Int = 2) -> Double {
    Double(2 + tensorsPerParameter) * parameters + Double(batch) * Double(length)
      * activationsPerToken
  }

  /// Throws when the machine has not that much memory at all.
  ///
  /// - Parameters:
  ///   - bytes: The need.
  ///   - what: Whose need, for the error.
  ///   - advice: What to do.
  public static func check(_ bytes: Double, for what: String, advice: String? = nil)
    throws(ConfigError)
  {
    let available = Compute.physicalByteCount
    guard available > 0, bytes > Double(available) else { return }
    throw ConfigError(
      .insufficientResources, "\(what) needs at least \(gigabytes(bytes)) GB of memory",
      rule: "this machine has \(gigabytes(Double(available))) GB", advice: advice)
  }

  private static func gigabytes(_ bytes: Double) -> Double { (bytes / 1e8).rounded() / 10 }
}

/// Finds the largest dense draw behind a structured map.
private struct LargestDraw: Visitor {
  var path = PartPath()
  var bytes = 0.0

  mutating func parameter(_ name: String, _ parameter: inout Parameter) {}
  mutating func linear(_ name: String, _ part: inout any LinearMap) {
    guard !(part is Dense) else { return }
    // The draw in single precision, a copy and one side of factors in double precision.
    bytes = max(bytes, Double(part.size.input) * Double(part.size.output) * 20)
  }
}
