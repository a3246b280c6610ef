/// Every primitive, for checks, benchmarks and docs. A new one adds its line here.
public enum PrimitiveCatalog {
  /// The basis that every backend has.
  public static let basis: [any Primitive.Type] = [
    Unary.self, Binary.self, Reduce.self, MatMul.self, Reshape.self, Permute.self, Slice.self,
    Concatenate.self, GatherRows.self, Dropout.self, Cast.self,
  ]
  /// Operations with a kernel and a definition.
  public static let fused: [any FusedPrimitive.Type] = [
    Affine.self, LayerNorm.self, RMSNorm.self, GatedUnit.self, Rotary.self, Attention.self,
    LinearCrossEntropy.self,
  ]
}
