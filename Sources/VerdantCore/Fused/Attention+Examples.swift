extension Attention {
  /// Shapes for checks and benchmarks.
  public static var examples: [Example<Attention>] {
    func example(_ operation: Attention, _ q: Shape, _ k: Shape, hasLengths: Bool = false)
      -> Example<Attention>
    {
      var inputs: [Example<Attention>.Input] = [.normal(q), .normal(k), .normal(k)]
      if hasLengths { inputs.append(.indices([q[0]], limit: k[1] + 1)) }
      if operation.hasBias { inputs.append(.normal([operation.heads, q[1] + k[1] - 1])) }
      return Example(operation, inputs: inputs)
    }
    func shapes(
      _ heads: Int, _ keyHeads: Int, _ causal: Bool, _ q: Shape, _ k: Shape, window: Int? = nil,
      scale: Double? = nil, bias: Bool = false
    ) -> Example<Attention> {
      example(
        Attention(
          heads: heads, keyHeads: keyHeads, isCausal: causal, window: window, scale: scale,
          hasBias: bias), q, k)
    }
    func lengths(
      _ heads: Int, _ causal: Bool, _ q: Shape, window: Int? = nil, bias: Bool = false
    ) -> Example<Attention> {
      example(
        Attention(heads: heads, isCausal: causal, window: window, hasBias: bias), q, q,
        hasLengths: true)
    }
    func keyLengths(
      _ heads: Int, _ keyHeads: Int, _ q: Shape, _ k: Shape, window: Int? = nil,
      bias: Bool = false
    ) -> Example<Attention> {
      example(
        Attention(
          heads: heads, keyHeads: keyHeads, isCausal: false, window: window,
          lengthsLimitKeysOnly: true, hasBias: bias), q, k, hasLengths: true)
    }
    return [
      shapes(1, 1, false, [1, 1, 1], [1, 1, 1]), shapes(2, 2, true, [2, 5, 6], [2, 5, 6]),
      shapes(2, 2, false, [1, 7, 4], [1, 9, 4]), shapes(4, 2, true, [1, 67, 12], [1, 67, 6]),
      shapes(1, 1, true, [1, 3, 5], [1, 8, 5]), shapes(2, 1, true, [2, 130, 16], [2, 300, 8]),
      shapes(1, 1, true, [0, 4, 3], [0, 4, 3]), shapes(2, 1, true, [1, 70, 6], [1, 5, 3]),
      shapes(1, 1, true, [1, 6, 2], [1, 6, 2], window: 1),
      shapes(2, 1, true, [1, 300, 6], [1, 300, 3], window: 70),
      shapes(1, 1, true, [1, 20, 16], [1, 290, 16], window: 33),
      shapes(1, 1, false, [1, 280, 5], [1, 280, 5], window: 17),
      shapes(2, 1, true, [2, 70, 6], [2, 70, 3], scale: 1),
      shapes(1, 1, false, [1, 9, 4], [1, 140, 4], scale: 0.01),
      lengths(2, false, [3, 9, 6]), lengths(1, true, [2, 140, 5]),
      lengths(1, false, [2, 210, 16], window: 40), lengths(1, true, [3, 150, 3], window: 65),
      keyLengths(2, 1, [3, 9, 6], [3, 14, 3]), keyLengths(1, 1, [4, 150, 5], [4, 140, 5]),
      keyLengths(2, 2, [2, 70, 32], [2, 300, 32]), keyLengths(1, 1, [3, 140, 3], [3, 5, 3]),
      keyLengths(1, 1, [2, 100, 4], [2, 210, 4], window: 40),
      shapes(1, 1, false, [1, 1, 1], [1, 1, 1], bias: true),
      shapes(4, 2, true, [3, 67, 12], [3, 67, 6], scale: 1, bias: true),
      shapes(2, 2, false, [2, 130, 16], [2, 300, 16], bias: true),
      shapes(2, 1, true, [2, 130, 16], [2, 300, 8], scale: 0.3, bias: true),
      shapes(2, 1, true, [1, 70, 6], [1, 5, 3], bias: true),
      shapes(2, 1, true, [1, 300, 6], [1, 300, 3], window: 70, bias: true),
      shapes(1, 1, false, [1, 280, 5], [1, 280, 5], window: 17, bias: true),
      shapes(1, 1, true, [0, 4, 3], [0, 4, 3], bias: true),
      lengths(2, false, [3, 9, 6], bias: true), lengths(2, true, [3, 150, 6], bias: true),
      lengths(1, false, [2, 210, 5], window: 40, bias: true),
      keyLengths(2, 1, [3, 150, 6], [3, 140, 3], bias: true),
    ]
  }
}
