/// The product of two matrices, or of equally many pairs of matrices.
struct MatMul: Primitive {
  let form: MatMulForm

  static var name: String { "matmul" }
  // The product is f32 whatever the form of the operands.
  static var readsBFloat16: Bool { true }

  func forward(_ inputs: [Tensor], saving: Bool) -> (output: Tensor, saved: [Tensor]?) {
    (inputs[0].backend.matmul(inputs[0], inputs[1], form), saving ? inputs : nil)
  }

  // With P = op(A) op(B): dop(A) = dP op(B)ᵀ and dop(B) = op(A)ᵀ dP; a transposed operand
  // receives the transposed product.
  func backward(_ gradient: Tensor, _ saved: [Tensor], wanted: [Bool]) -> [Tensor?] {
    let (a, b) = (saved[0], saved[1])
    let backend = a.backend
    func product(_ x: Tensor, _ transposeX: Bool, _ y: Tensor, _ transposeY: Bool) -> Tensor {
      backend.matmul(x, y, MatMulForm(transposeA: transposeX, transposeB: transposeY))
    }
    let da =
      !wanted[0]
      ? nil
      : form.transposeA
        ? product(b, form.transposeB, gradient, true)
        : product(gradient, false, b, !form.transposeB)
    let db =
      !wanted[1]
      ? nil
      : form.transposeB
        ? product(gradient, true, a, form.transposeA)
        : product(a, !form.transposeA, gradient, false)
    return [da.map { restored($0, like: a) }, db.map { restored($0, like: b) }]
  }

  private func restored(_ product: Tensor, like operand: Tensor) -> Tensor {
    let sum = product.summedOverLeading(to: operand.shape)
    return operand.dtype == .bfloat16 ? operand.backend.cast(sum, to: .bfloat16) : sum
  }

  func cost(_ inputs: [Shape], _ output: Shape) -> Cost {
    let (_, depth) = form.size(inputs[0], transposed: form.transposeA)
    let operations = 2 * Double(output.elementCount) * Double(depth)
    let elements = inputs[0].elementCount + inputs[1].elementCount + output.elementCount
    return Cost(
      forward: operations, backward: [operations, operations], bytes: 4 * Double(elements))
  }

  static var examples: [Example<MatMul>] {
    let forms = [false, true].flatMap { a in [false, true].map { (a, $0) } }
    return forms.flatMap { a, b in
      let form = MatMul(form: MatMulForm(transposeA: a, transposeB: b))
      func pair(_ m: Int, _ k: Int, _ n: Int, _ lead: [Int] = []) -> Example<MatMul> {
        Example(
          form,
          .normal(Shape(lead + (a ? [k, m] : [m, k]))),
          .normal(Shape(lead + (b ? [n, k] : [k, n])))
        )
      }
      return [pair(3, 5, 4), pair(1, 1, 1), pair(2, 3, 2, [3]), pair(17, 33, 21)]
    } + [
      Example(MatMul(form: MatMulForm()), .normal([2, 3, 4]), .normal([4, 5])),
      Example(MatMul(form: MatMulForm()), .normal([0, 4]), .normal([4, 5])),
      Example(MatMul(form: MatMulForm()), .normal([3, 0]), .normal([0, 2])),
    ]
  }
}

extension Tensor {
  /// Sums the leading axes of a stack of products whose operand was one matrix.
  fileprivate func summedOverLeading(to shape: Shape) -> Tensor {
    if self.shape == shape { return self }
    let leading = Array(0..<(self.shape.rank - 2))
    return backend.reduce(.sum, self, over: leading).reshaped(to: shape)
  }
}

/// The matrix product of `a` and `b` over their last two axes.
///
/// - Parameters:
///   - a: `[..., M, K]`, or `[..., K, M]` with `transposeA`.
///   - b: `[..., K, N]`, or `[..., N, K]` with `transposeB`. Leading axes are equal, or absent in
///     one operand.
/// - Returns: `[..., M, N]`.
public func matmul(
  _ a: Tensor,
  _ b: Tensor,
  transposeA: Bool = false,
  transposeB: Bool = false
) -> Tensor {
  apply(MatMul(form: MatMulForm(transposeA: transposeA, transposeB: transposeB)), a, b)
}
