import VerdantBase
internal import CVerdant

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Rotary positions (Su et al. 2021), half-split as in Llama: in each head the pair
/// `(x[i], x[i + headWidth / 2])` turns by the angle `position · base^(-2i / headWidth)`, so that a
/// product of two tokens depends on the distance of their positions alone.
/// Input and output: `[batch, length, heads · headWidth]`.
public struct Rotary: FusedPrimitive {
  /// Heads beside each other in a token.
  public let heads: Int
  /// The position of the first token.
  public let start: Int
  /// The base of the angles; a larger one turns more slowly.
  public let base: Double
  /// How the angles change for long sequences; nil for not at all.
  public let scaling: RotaryScaling?

  /// Makes the operation.
  public init(
    heads: Int, start: Int = 0, base: Double = 10_000, scaling: RotaryScaling? = nil
  ) {
    require(
      heads > 0 && start >= 0 && base > 0 && base.isFinite,
      "[rotary] \(heads) heads from position \(start) with base \(base)")
    self.heads = heads
    self.start = start
    self.base = base
    self.scaling = scaling
  }

  /// The angle of one position for each pair, of tokens `[batch, length, …]`.
  func frequencies(_ x: Shape) -> [Double] {
    (scaling ?? RotaryScaling()).frequencies(
      base: base, pairs: x[2] / (2 * heads), length: start + x[1])
  }

  /// The name in errors and profiles.
  public static var name: String { "rotary" }
  /// True: angles and products are f32, the output has the form of the input.
  public static var readsBFloat16: Bool { true }

  private func check(_ x: Tensor) {
    require(
      x.shape.rank == 3 && x.shape[2] % (2 * heads) == 0,
      "[rotary] shape \(x.shape) for \(heads) heads; [batch, length, heads · an even width] expected"
    )
  }

  private static func kernels(_ x: Tensor) -> any RotaryKernels {
    guard let kernels = x.backend as? any RotaryKernels else {
      trap("[rotary] the backend \(x.backend.name) has no kernel")
    }
    return kernels
  }

  /// Turns by the angles.
  public func forward(_ inputs: [Tensor], saving: Bool) -> (output: Tensor, saved: DType?) {
    check(inputs[0])
    let output = Self.kernels(inputs[0]).rotated(self, inputs[0], backward: false)
    return (output, saving ? inputs[0].dtype : nil)
  }

  /// Turns back: the inverse of a rotation is its transpose.
  public func backward(_ gradient: Tensor, _ saved: DType, wanted: [Bool]) -> [Tensor?] {
    [Self.kernels(gradient).rotated(self, gradient.cast(to: saved), backward: true)]
  }

  /// The definition.
  public func reference(_ inputs: [Tensor]) -> Tensor {
    let x = inputs[0]
    check(x)
    let (batch, length, half) = (x.shape[0], x.shape[1], x.shape[2] / (2 * heads))
    let frequencies = frequencies(x.shape)
    let angles = (0..<length).flatMap { row in frequencies.map { Double(start + row) * $0 } }
    func table(_ function: (Double) -> Double) -> Tensor {
      Tensor(angles.map { Float(function($0)) }, [length, 1, half], on: x.backend)
    }
    let (cosine, sine) = (table { cos($0) }, table { sin($0) })
    let halves = x.reshaped(to: [batch * length * heads, 2, half]).permuted(1, 0, 2)
    func part(_ index: Int) -> Tensor {
      halves[index..<index + 1].reshaped(to: [batch, length, heads, half])
    }
    let turned = [part(0) * cosine - part(1) * sine, part(1) * cosine + part(0) * sine]
      .map { $0.reshaped(to: [1, batch * length * heads, half]) }
    return Tensor.concatenated(turned).permuted(1, 0, 2).reshaped(to: x.shape)
  }

  /// True where a kernel exists.
  public static func runs(on backend: any Backend) -> Bool { backend is any RotaryKernels }

  /// Work: three operations an element, both ways.
  public func cost(_ inputs: [Shape], _ output: Shape) -> Cost {
    .elementwise(inputs, output, 3)
  }

  /// Shapes for checks and benchmarks.
  public static var examples: [Example<Rotary>] {
    RotaryScaling.Kind.allCases.map { kind in
      let scaling = RotaryScaling(kind, factor: 4, originalLength: 40)
      return Example(
        Rotary(heads: 2, start: 5, base: 500, scaling: scaling), .normal([1, 70, 20]))
    } + [
      Example(Rotary(heads: 1), .normal([1, 1, 2])),
      Example(Rotary(heads: 3), .normal([2, 5, 12])),
      Example(Rotary(heads: 2, start: 60, base: 500), .normal([2, 70, 20])),
      Example(Rotary(heads: 1, start: 1000), .normal([1, 3, 1100])),
      Example(Rotary(heads: 2), .normal([0, 4, 8])),
      Example(Rotary(heads: 2), .normal([2, 0, 8])),
    ]
  }
}

/// The kernel of ``Rotary``.
public protocol RotaryKernels: Backend {
  /// `x` turned by the angles of its positions, or turned back.
  func rotated(_ operation: Rotary, _ x: Tensor, backward: Bool) -> Tensor
}

/// Rotary positions of queries or keys.
///
/// - Parameters:
///   - x: `[batch, length, heads · headWidth]`.
///   - start: The position of the first token.
///   - base: The base of the angles.
///   - scaling: How the angles change for long sequences; nil for not at all.
public func rotary(
  _ x: Tensor, heads: Int, from start: Int = 0, base: Double = 10_000,
  scaling: RotaryScaling? = nil
) -> Tensor {
  apply(Rotary(heads: heads, start: start, base: base, scaling: scaling), x)
}

extension CPUBackend: RotaryKernels {
  /// `x` turned by the angles of its positions, or turned back.
  public func rotated(_ operation: Rotary, _ x: Tensor, backward: Bool) -> Tensor {
    let result = empty(x.shape, x.dtype)
    var shape = vd_rotary_shape(
      batch: x.shape[0], length: x.shape[1], heads: operation.heads,
      head_width: x.shape[2] / operation.heads, start: operation.start, base: operation.base,
      frequencies: nil, backward: backward, type: x.kernelType)
    guard operation.scaling != nil else {
      vd_rotary(&shape, x.unsafeAddress, result.unsafeAddress)
      return result
    }
    operation.frequencies(x.shape).withUnsafeBufferPointer { frequencies in
      shape.frequencies = frequencies.baseAddress
      vd_rotary(&shape, x.unsafeAddress, result.unsafeAddress)
    }
    return result
  }
}

extension ShapeBackend: RotaryKernels {
  /// A shape.
  public func rotated(_ operation: Rotary, _ x: Tensor, backward: Bool) -> Tensor {
    empty(x.shape, x.dtype)
  }
}
