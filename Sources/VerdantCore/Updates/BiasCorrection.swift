/// `1 - betaⁿ`, by which the running mean of `n` values that began at zero is divided (Kingma and
/// Ba 2015, section 3).
///
/// Of the rounded decay that the kernels use: 1 - 0.999 loses its last digits in single precision,
/// and the first steps would be wrong by as much.
func biasCorrection(_ beta: Double, _ step: Int) -> Float {
  var power = 1.0
  var factor = Double(Float(beta))
  var rest = step
  while rest > 0 {
    if rest & 1 == 1 { power *= factor }
    factor *= factor
    rest >>= 1
  }
  return Float(1 - power)
}
