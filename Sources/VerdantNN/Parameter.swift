public import VerdantCore

/// A tensor that training may change, with its role.
public struct Parameter: Sendable {
  /// What a parameter is for: decay, counting and freezing go by role, never by name.
  public enum Role: String, Sendable, CaseIterable {
    /// A matrix of a linear map.
    case weight
    /// Added to an output.
    case bias
    /// Multiplies a normalized value.
    case scale
    /// A table of rows.
    case embedding
    /// Kept with the model, never trained.
    case buffer
  }

  /// The numbers.
  public var value: Tensor
  /// What they are for.
  public let role: Role
  /// False for frozen parameters: no gradient is computed.
  public var isTrainable: Bool

  /// Makes a parameter; buffers are not trainable.
  public init(_ value: Tensor, _ role: Role) {
    self.value = value
    self.role = role
    isTrainable = role != .buffer
  }
}
