public import VerdantBase
public import VerdantCore

/// Transforms each token by itself: `[..., width]` → the same shape.
public protocol FeedForward: Module {
  /// The network's settings.
  associatedtype Options: Knobs
  /// The name in configurations.
  static var kind: String { get }
  /// Builds the network; throws when the options do not fit the width.
  init(_ options: Options, width: Int, _ make: inout Maker) throws(ConfigError)
  /// The settings.
  var options: Options { get }
  /// Transforms tokens, and adds them to `residual` `[..., width]` (f32) when there is one.
  func callAsFunction(_ x: Tensor, adding residual: Tensor?, _ context: inout Context) -> Tensor
  /// Settings for checks, that fit a width of 8.
  static var examples: [Options] { get }
}

extension FeedForward {
  /// Transforms tokens.
  public func callAsFunction(_ x: Tensor, _ context: inout Context) -> Tensor {
    self(x, adding: nil, &context)
  }
}
