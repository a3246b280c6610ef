import VerdantBase

/// The same elements in another shape; shares memory.
struct Reshape: Primitive {
  let shape: Shape

  static var name: String { "reshape" }
  static var readsBFloat16: Bool { true }

  func forward(_ inputs: [Tensor], saving: Bool) -> (output: Tensor, saved: Shape?) {
    (inputs[0].viewed(as: shape, from: 0), saving ? inputs[0].shape : nil)
  }

  func backward(_ gradient: Tensor, _ saved: Shape, wanted: [Bool]) -> [Tensor?] {
    [gradient.viewed(as: saved, from: 0)]
  }

  func cost(_ inputs: [Shape], _ output: Shape) -> Cost { .free(inputs.count) }

  static var examples: [Example<Reshape>] {
    [
      Example(Reshape(shape: [6]), .normal([2, 3])),
      Example(Reshape(shape: [2, 0]), .normal([0, 5])),
    ]
  }
}

/// The axes in another order: result axis `i` is input axis `order[i]`.
struct Permute: Primitive {
  let order: [Int]

  static var name: String { "permute" }

  func forward(_ inputs: [Tensor], saving: Bool) -> (output: Tensor, saved: [Int]?) {
    var inverse = [Int](repeating: 0, count: order.count)
    for (to, from) in order.enumerated() { inverse[from] = to }
    return (inputs[0].backend.permute(inputs[0], order), saving ? inverse : nil)
  }

  func backward(_ gradient: Tensor, _ saved: [Int], wanted: [Bool]) -> [Tensor?] {
    [gradient.backend.permute(gradient, saved)]
  }

  func cost(_ inputs: [Shape], _ output: Shape) -> Cost { .movement(inputs, output) }

  static var examples: [Example<Permute>] {
    [
      Example(Permute(order: [1, 0]), .normal([3, 5])),
      Example(Permute(order: [0, 2, 1, 3]), .normal([2, 3, 4, 5])),
      Example(Permute(order: [2, 0, 1]), .normal([1, 4, 3])),
      Example(Permute(order: [0]), .normal([3])),
      Example(Permute(order: [1, 0]), .normal([0, 3])),
    ]
  }
}

/// Consecutive entries along axis 0; shares memory.
struct Slice: Primitive {
  let range: Range<Int>

  static var name: String { "slice" }

  func forward(_ inputs: [Tensor], saving: Bool) -> (output: Tensor, saved: Shape?) {
    let x = inputs[0]
    var shape = x.shape
    shape[0] = range.count
    let entry = x.shape.dropFirst().reduce(1, *)
    return (x.viewed(as: shape, from: range.lowerBound * entry), saving ? x.shape : nil)
  }

  func backward(_ gradient: Tensor, _ saved: Shape, wanted: [Bool]) -> [Tensor?] {
    func zeros(_ count: Int) -> Tensor {
      var shape = saved
      shape[0] = count
      return .zeros(shape, on: gradient.backend)
    }
    return [
      gradient.backend.concatenate([
        zeros(range.lowerBound), gradient, zeros(saved[0] - range.upperBound),
      ])
    ]
  }

  func cost(_ inputs: [Shape], _ output: Shape) -> Cost { .free(inputs.count) }

  static var examples: [Example<Slice>] {
    [
      Example(Slice(range: 1..<3), .normal([5, 2])), Example(Slice(range: 0..<4), .normal([4])),
      Example(Slice(range: 2..<2), .normal([3, 2])),
    ]
  }
}

/// Tensors one after the other along axis 0.
struct Concatenate: Primitive {
  static var name: String { "concatenate" }

  func forward(_ inputs: [Tensor], saving: Bool) -> (output: Tensor, saved: [Int]?) {
    (inputs[0].backend.concatenate(inputs), saving ? inputs.map { $0.shape[0] } : nil)
  }

  func backward(_ gradient: Tensor, _ saved: [Int], wanted: [Bool]) -> [Tensor?] {
    var start = 0
    return saved.map { length in
      defer { start += length }
      return gradient[start..<start + length]
    }
  }

  func cost(_ inputs: [Shape], _ output: Shape) -> Cost { .movement(inputs, output) }

  static var examples: [Example<Concatenate>] {
    [
      Example(Concatenate(), .normal([2, 3]), .normal([1, 3])),
      Example(Concatenate(), .normal([0, 3]), .normal([4, 3]), .normal([1, 3])),
    ]
  }
}

extension Cost {
  /// The cost of an operation that touches no element.
  static func free(_ inputs: Int) -> Cost {
    Cost(forward: 0, backward: [Double](repeating: 0, count: inputs), bytes: 0)
  }
}

extension Tensor {
  fileprivate func viewed(as shape: Shape, from start: Int) -> Tensor {
    Tensor(storage: storage, shape: shape, offset: offset + start, trace: nil)
  }

  /// The same elements in another shape; shares memory.
  public func reshaped(to shape: Shape) -> Tensor {
    require(
      shape.elementCount == count,
      "[reshape] \(self.shape) has \(count) elements, \(shape) has \(shape.elementCount)"
    )
    return shape == self.shape ? self : apply(Reshape(shape: shape), self)
  }

  /// The axes in another order: result axis `i` is this tensor's axis `order[i]`.
  public func permuted(_ order: Int...) -> Tensor {
    require(order.sorted() == Array(shape.indices), "[permute] order \(order) of \(shape)")
    return apply(Permute(order: order), self)
  }

  /// Consecutive entries along axis 0; shares memory.
  public subscript(range: Range<Int>) -> Tensor {
    require(
      shape.rank > 0 && range.lowerBound >= 0 && range.upperBound <= shape[0],
      "[slice] \(range) of \(shape)"
    )
    return apply(Slice(range: range), self)
  }

  /// Tensors of equal trailing axes, one after the other along axis 0.
  public static func concatenated(_ parts: [Tensor]) -> Tensor {
    require(
      parts.allSatisfy { part in
        part.shape.rank > 0 && part.dtype == parts[0].dtype
          && part.shape.dropFirst().elementsEqual(parts[0].shape.dropFirst())
      },
      "[concatenate] \(parts.map { "\($0.dtype) \($0.shape)" }); equal types and trailing axes "
        + "expected"
    )
    return apply(Concatenate(), to: parts)
  }
}
