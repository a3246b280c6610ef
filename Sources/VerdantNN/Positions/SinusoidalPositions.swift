public import VerdantBase
public import VerdantCore

/// Sines and cosines of falling frequencies, `sin(t · 10000^(-2i / width))` at 2i and the cosine at
/// 2i + 1 (Vaswani et al. 2017, section 3.5).
public struct SinusoidalPositions: PositionEncoding {
  /// The name in configurations.
  public static let kind = "sinusoidal"

  private let width: Int

  /// Throws for an odd width.
  public init(
    _ config: EmbeddingConfig, width: Int, maximumLength: Int, _ make: inout Maker
  ) throws(ConfigError) {
    guard width % 2 == 0 else {
      throw ConfigError(
        .inconsistent, "sinusoidal positions for the width \(width)", place: "embedding.positions",
        rule: "the width is even: a sine and a cosine of each frequency")
    }
    self.width = width
  }

  /// Nothing to show.
  public mutating func visit(_ visitor: inout some Visitor) {}

  /// The sum with the positions' vectors.
  public func added(to x: Tensor, from start: Int) -> Tensor {
    x + table(from: start, length: x.shape[1], on: x.backend)
  }

  /// `[length, width]`: the unit vectors (1, 0) turned by the angles of their positions.
  func table(from start: Int, length: Int, on backend: any Backend) -> Tensor {
    let half = width / 2
    let unit = Tensor((0..<width).map { $0 < half ? 1 : 0 }, [width], on: backend)
    let turned = rotary(
      .zeros([1, length, width], on: backend) + unit, heads: 1, from: start, base: 10_000)
    let parts = turned.reshaped(to: [length, 2, half]).permuted(1, 0, 2)
    return Tensor.concatenated([parts[1..<2], parts[0..<1]]).permuted(1, 2, 0)
      .reshaped(to: [length, width])
  }
}
