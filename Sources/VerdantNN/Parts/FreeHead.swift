public import VerdantBase
public import VerdantCore

/// An output map of its own, beside the token vectors: logits are products with its rows.
public struct FreeHead: Module {
  /// A row for each token, `[vocabulary, width]`.
  public var weight: Parameter

  /// Normal initial rows with deviation 0.02, as token vectors have.
  public init(vocabulary: Int, width: Int, _ make: inout Maker) {
    weight = make.parameter(
      "weight", [vocabulary, width], .normal(deviation: 0.02), .embedding)
  }

  /// Shows the rows.
  public mutating func visit(_ visitor: inout some Visitor) {
    visitor.parameter("weight", &weight)
  }
}
