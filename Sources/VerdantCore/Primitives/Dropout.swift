public import VerdantBase

/// Sets elements to zero with probability `rate` and scales the others by `1 / (1 - rate)`
/// (Srivastava et al. 2014). The mask is not stored: the stream's key gives it again.
struct Dropout: Primitive {
  let rate: Float
  let key: UInt64

  static var name: String { "dropout" }

  func forward(_ inputs: [Tensor], saving: Bool) -> (output: Tensor, saved: Bool?) {
    (inputs[0].backend.dropout(inputs[0], rate: rate, key: key), saving)
  }

  func backward(_ gradient: Tensor, _ saved: Bool, wanted: [Bool]) -> [Tensor?] {
    [gradient.backend.dropout(gradient, rate: rate, key: key)]
  }

  func cost(_ inputs: [Shape], _ output: Shape) -> Cost { .elementwise(inputs, output) }

  static var examples: [Example<Dropout>] {
    [
      Example(Dropout(rate: 0.25, key: 7), .normal([9, 31])),
      Example(Dropout(rate: 0.5, key: 9), .normal([0])),
      Example(Dropout(rate: 0.1, key: 11), .normal([130])),
    ]
  }
}

/// Dropout with the mask of a random stream; the identity when `rate` is 0.
public func dropout(_ x: Tensor, rate: Double, _ random: RandomSource) -> Tensor {
  // 0.99999999 is below 1, but not in single precision.
  require(rate >= 0 && Float(rate) < 1, "[dropout] rate \(rate), expected 0 up to below 1")
  return rate == 0 ? x : apply(Dropout(rate: Float(rate), key: random.key), x)
}
