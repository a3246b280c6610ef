import VerdantBase
internal import CVerdant

extension CPUBackend {
  /// `op(x)` by element.
  public func unary(_ op: UnaryOperation, _ x: Tensor) -> Tensor {
    let result = empty(x.shape)
    vd_unary(op.kernel, x.count, x.f32, result.f32)
    return result
  }

  /// `op(a, b)` by element; missing and length-1 axes are repeated.
  public func binary(_ op: BinaryOperation, _ a: Tensor, _ b: Tensor) -> Tensor {
    let plan = BroadcastPlan(a.shape, b.shape)
    let result = empty(plan.shape)
    plan.forEachSlice { at, left, right in
      vd_binary(
        op.kernel,
        plan.rows,
        plan.columns,
        a.f32 + left,
        plan.a.row,
        plan.a.column,
        b.f32 + right,
        plan.b.row,
        plan.b.column,
        result.f32 + at
      )
    }
    return result
  }

  /// Reduces the given axes, which stay with length 1.
  public func reduce(_ op: Reduction, _ x: Tensor, over axes: [Int]) -> Tensor {
    var result = x
    for axis in axes.sorted(by: >) {
      var shape = result.shape
      let outer = shape.prefix(axis).reduce(1, *)
      let inner = shape.dropFirst(axis + 1).reduce(1, *)
      let middle = shape[axis]
      shape[axis] = 1
      let next = empty(shape)
      withExtendedLifetime(result) {
        vd_reduce(op.kernel, outer, middle, inner, result.f32, next.f32)
      }
      result = next
    }
    return result
  }

  /// `a · b` over the last two axes; leading axes are equal, or absent in one operand.
  public func matmul(_ a: Tensor, _ b: Tensor, _ form: MatMulForm) -> Tensor {
    let shape = form.shape(a.shape, b.shape)
    if b.shape.rank == 2 && (a.shape.rank == 2 || !form.transposeA) {
      if a.dtype == b.dtype { return product(a, b, form) }
    }
    if a.dtype == .bfloat16 || b.dtype == .bfloat16 {
      return matmul(cast(a, to: .float32), cast(b, to: .float32), form)
    }
    let result = empty(shape)
    let (m, k) = form.size(a.shape, transposed: form.transposeA)
    let n = shape.columns
    let lda = a.shape.columns
    let ldb = b.shape.columns
    let stepA = a.shape.rank == 2 ? 0 : m * k
    let stepB = b.shape.rank == 2 ? 0 : k * n
    for batch in 0..<shape.dropLast(2).reduce(1, *) {
      vd_gemm_f32(
        form.transposeA, form.transposeB, m, n, k, 1, a.f32 + batch * stepA, lda,
        b.f32 + batch * stepB, ldb, 0, result.f32 + batch * m * n, n)
    }
    return result
  }

  /// Rows by rows: `a` [.., K] or `[K, M]` by a matrix, with a result of either form.
  func product(_ a: Tensor, _ b: Tensor, _ form: MatMulForm, _ result: DType = .float32) -> Tensor {
    let (rows, columns) = (a.shape.rows, a.shape.columns)
    let (m, k) = form.transposeA ? (columns, rows) : (rows, columns)
    let n = form.transposeB ? b.shape.rows : b.shape.columns
    let shape: Shape = form.transposeA ? [m, n] : a.shape.withColumns(n)
    let output = empty(shape, result)
    guard a.dtype == .bfloat16 else {
      vd_gemm_f32(
        form.transposeA, form.transposeB, m, n, k, 1, a.f32, columns, b.f32, b.shape.columns, 0,
        output.f32, n)
      return output
    }
    vd_gemm_bf16(
      form.transposeA, form.transposeB, m, n, k, a.bf16, columns, b.bf16, b.shape.columns, false,
      output.kernelType, output.unsafeAddress, n)
    return output
  }

  /// The axes in another order.
  public func permute(_ x: Tensor, _ order: [Int]) -> Tensor {
    let result = empty(Shape(order.map { x.shape[$0] }))
    let strides = x.shape.strides
    vd_permute(
      order.count, result.shape.map { $0 }, order.map { strides[$0] }, x.f32, result.f32)
    return result
  }

  /// Rows of a table, by index.
  public func gatherRows(_ table: Tensor, _ indices: Tensor) -> Tensor {
    checkIndices(indices, below: table.shape[0], "gather")
    let result = empty(Shape(Array(indices.shape) + [table.shape[1]]))
    vd_gather_rows(indices.count, table.shape[1], table.f32, indices.i32, result.f32)
    return result
  }

  /// Adds rows to those of a table that nobody else shares, by index.
  public func scatterAddRows(_ rows: Tensor, _ indices: Tensor, into table: Tensor) {
    checkIndices(indices, below: table.shape[0], "scatter")
    vd_scatter_add_rows(
      indices.count, rows.shape.columns, rows.f32, indices.i32, table.f32)
  }

  /// Tensors one after the other along axis 0.
  public func concatenate(_ parts: [Tensor]) -> Tensor {
    var shape = parts[0].shape
    shape[0] = parts.reduce(0) { $0 + $1.shape[0] }
    let result = empty(shape, parts[0].dtype)
    var at = result.unsafeAddress
    for part in parts {
      at.copyMemory(from: part.unsafeAddress, byteCount: part.byteCount)
      at += part.byteCount
    }
    return result
  }

  /// Elements kept with probability `1 - rate` and scaled by its inverse.
  public func dropout(_ x: Tensor, rate: Float, key: UInt64) -> Tensor {
    let result = empty(x.shape)
    vd_dropout(key, rate, x.count, x.f32, result.f32)
    return result
  }

  func checkIndices(_ indices: Tensor, below count: Int, _ operation: String) {
    indices.withUnsafeElements(as: Int32.self) { values in
      for value in values {
        require(
          value >= 0 && value < count,
          "[\(operation)] index \(value) in a table of \(count) rows"
        )
      }
    }
  }
}

extension UnaryOperation {
  var kernel: vd_unary_op {
    switch self {
    case .negate: VD_NEGATE
    case .exp: VD_EXP
    case .log: VD_LOG
    case .squareRoot: VD_SQRT
    case .reciprocal: VD_RECIPROCAL
    case .tanh: VD_TANH
    case .step: VD_STEP
    }
  }
}

extension BinaryOperation {
  var kernel: vd_binary_op {
    switch self {
    case .add: VD_ADD
    case .subtract: VD_SUBTRACT
    case .multiply: VD_MULTIPLY
    case .divide: VD_DIVIDE
    case .maximum: VD_MAXIMUM
    case .equal: VD_EQUAL
    }
  }
}

extension Reduction {
  var kernel: vd_reduction {
    switch self {
    case .sum: VD_SUM
    case .maximum: VD_MAX
    }
  }
}
