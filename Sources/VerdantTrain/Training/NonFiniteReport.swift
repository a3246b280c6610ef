import Synchronization
import VerdantBase
import VerdantCore
import VerdantNN

/// Where the numbers of a step stop being finite: the batch runs once more, forward alone, with
/// every layer looked at.
struct NonFiniteReport: CustomStringConvertible {
  /// The first layer whose output is not finite, and what its finite numbers are like.
  private struct Layer {
    let path: String
    let count: Int
    let low: Double
    let high: Double
    let rootMeanSquare: Double
  }

  private let layer: Layer?
  private let parameter: String?

  /// True when a layer or a parameter is to blame.
  var isFound: Bool { layer != nil || parameter != nil }

  /// Runs a batch.
  init(_ model: Transformer, _ batch: Batch, _ context: Context) {
    parameter = model.parameters.first { !sumOfSquares($0.parameter.value).isFinite }?.name
    let found = Mutex<Layer?>(nil)
    var context = context
    context.observer = { path, output in
      found.withLock { found in
        // Queries and their like are of the layer that follows them.
        guard found == nil, !path.contains(".mixer.") else { return }
        let numbers = output.doubles
        let finite = numbers.filter(\.isFinite)
        guard finite.count < numbers.count else { return }
        let squares = finite.reduce(0) { $0 + $1 * $1 }
        found = Layer(
          path: path, count: numbers.count - finite.count, low: finite.min() ?? .nan,
          high: finite.max() ?? .nan,
          rootMeanSquare: (squares / Double(max(1, finite.count))).squareRoot())
      }
    }
    _ = model.loss(batch.input, targets: batch.targets, &context)
    layer = found.withLock { $0 }
  }

  var description: String {
    if let parameter { return "the weights \(parameter) are not finite" }
    guard let layer else { return "every layer is finite, the loss or the gradients are not" }
    return "first in the output of \(layer.path): \(layer.count) numbers, the others from "
      + "\(Float(layer.low)) to \(Float(layer.high)), root mean square \(Float(layer.rootMeanSquare))"
  }
}
