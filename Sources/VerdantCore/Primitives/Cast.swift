/// The same numbers in another form, f32 or bf16.
struct Cast: Primitive {
  let dtype: DType

  static var name: String { "cast" }
  static var readsBFloat16: Bool { true }

  func forward(_ inputs: [Tensor], saving: Bool) -> (output: Tensor, saved: DType?) {
    (inputs[0].backend.cast(inputs[0], to: dtype), saving ? inputs[0].dtype : nil)
  }

  func backward(_ gradient: Tensor, _ saved: DType, wanted: [Bool]) -> [Tensor?] {
    [gradient.backend.cast(gradient, to: saved)]
  }

  func cost(_ inputs: [Shape], _ output: Shape) -> Cost { .elementwise(inputs, output) }

  // Rounding has no derivative: its checks are its own.
  static var examples: [Example<Cast>] { [] }
}

extension Tensor {
  /// The same numbers in another form, f32 or bf16; its gradient has this tensor's form.
  public func cast(to dtype: DType) -> Tensor {
    self.dtype == dtype ? self : apply(Cast(dtype: dtype), self)
  }
}
