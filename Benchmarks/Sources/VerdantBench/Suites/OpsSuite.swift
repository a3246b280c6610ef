import Verdant

extension Suite {
  /// Single operations, forward and backward.
  static var ops: Suite {
    let products = Precision.allCases.flatMap { precision in
      [(4096, 384, 1536), (2048, 768, 3072)].flatMap { rows, input, output in
        ProductLayout.allCases.map {
          BenchmarkRow.product($0, rows: rows, input: input, output: output, precision)
        }
      }
    }
    return Suite(
      name: "ops", abstract: "products, norms, attention, loss, optimizer step", rounds: 5,
      variants: PeerVariant.eager,
      rows: products + [
        .layerNorm(rows: 16384, width: 768),
        .attention("attention-4x64-t4096", batch: 1, heads: 4, length: 4096, isCausal: false),
        .attention(
          "attention-causal-16x6x64-t256", batch: 16, heads: 6, length: 256, isCausal: true),
        .linearCrossEntropy(rows: 2048, width: 768, vocabulary: 50304),
        .adamW(parameters: 10_000_000),
      ])
  }
}

/// The three products of a linear map.
enum ProductLayout: String, CaseIterable {
  case forward
  case inputGradient = "input-gradient"
  case weightGradient = "weight-gradient"
}

extension BenchmarkRow {
  /// A product of a linear map with `rows` rows.
  static func product(
    _ layout: ProductLayout, rows: Int, input: Int, output: Int, _ precision: Precision
  ) -> BenchmarkRow {
    let operations = 2 * Double(rows) * Double(input) * Double(output)
    let elements = Double(rows * input + rows * output + input * output)
    return BenchmarkRow(
      name: "gemm-\(layout.rawValue)-\(rows)x\(input)x\(output)", precision: precision,
      unit: .gigaflops,
      description: [
        "kind": "gemm", "layout": .string(layout.rawValue), "rows": .integer(rows),
        "input": .integer(input), "output": .integer(output),
      ],
      work: {
        Work(
          operations: operations, bytes: elements * (precision == .f32 ? 4 : 2),
          amount: operations * 1e-9)
      },
      ours: {
        let x = operand("x", [rows, input], precision.dtype)
        let weight = operand("weight", [output, input], precision.dtype)
        let gradient = operand("gradient", [rows, output], precision.dtype)
        let seconds = Stopwatch.median {
          let result =
            switch layout {
            case .forward: matmul(x, weight, transposeB: true)
            case .inputGradient: matmul(gradient, weight)
            case .weightGradient: matmul(gradient, x, transposeA: true)
            }
          require(result.count > 0, "[bench] the product has elements")
        }
        return operations / seconds * 1e-9
      })
  }

  /// Forward and backward of a primitive in milliseconds.
  private static func pass<P: Primitive>(
    _ name: String, _ primitive: P, description: JSONObject, bytes: Double, least: Int = 3,
    shapes: [Shape], output: Shape, _ inputs: @escaping () -> [Tensor]
  ) -> BenchmarkRow {
    BenchmarkRow(
      name: name, precision: .f32, unit: .milliseconds, description: description,
      work: {
        let cost = primitive.cost(shapes, output)
        return Work(operations: cost.backward.reduce(cost.forward, +), bytes: bytes)
      },
      ours: {
        let inputs = inputs()
        let gradient = Tensor.ones(output)
        return 1e3
          * Stopwatch.median(least: least) {
            let (_, saved) = primitive.forward(inputs, saving: true)
            guard let saved else { trap("[bench] \(P.name) saved nothing") }
            _ = primitive.backward(gradient, saved, wanted: inputs.map { $0.dtype != .int32 })
          }
      })
  }

  static func layerNorm(rows: Int, width: Int) -> BenchmarkRow {
    // Read x, write y; read x and the gradient, write dx.
    pass(
      "layer-norm-\(rows)x\(width)", LayerNorm(),
      description: ["kind": "layer-norm", "rows": .integer(rows), "width": .integer(width)],
      bytes: 5 * 4 * Double(rows * width), shapes: [[rows, width], [width], [width]],
      output: [rows, width]
    ) {
      [operand("x", [rows, width]), operand("scale", [width]), operand("bias", [width])]
    }
  }

  /// Heads are 64 wide.
  static func attention(
    _ name: String, batch: Int, heads: Int, length: Int, isCausal: Bool
  ) -> BenchmarkRow {
    let shape: Shape = [batch, length, heads * 64]
    // Read q, k, v, write the output; read all four and the gradient, write three gradients.
    return pass(
      name, Attention(heads: heads, isCausal: isCausal),
      description: [
        "kind": "attention", "batch": .integer(batch), "heads": .integer(heads),
        "length": .integer(length), "causal": .bool(isCausal),
      ],
      bytes: 12 * 4 * Double(shape.elementCount), shapes: [shape, shape, shape], output: shape
    ) {
      ["q", "k", "v"].map { operand($0, shape) }
    }
  }

  static func linearCrossEntropy(rows: Int, width: Int, vocabulary: Int) -> BenchmarkRow {
    // Read both operands, write both gradients.
    pass(
      "linear-cross-entropy-\(rows)x\(width)x\(vocabulary)", LinearCrossEntropy(),
      description: [
        "kind": "linear-cross-entropy", "rows": .integer(rows), "width": .integer(width),
        "vocabulary": .integer(vocabulary),
      ],
      bytes: 8 * Double((rows + vocabulary) * width), least: 2,
      shapes: [[rows, width], [vocabulary, width], [rows]], output: [1]
    ) {
      [
        operand("x", [rows, width]), operand("weight", [vocabulary, width]) * 0.02,
        Tensor(integers: (0..<rows).map { Int32($0 * 7919 % vocabulary) }, [rows]),
      ]
    }
  }

  static func adamW(parameters: Int) -> BenchmarkRow {
    BenchmarkRow(
      name: "adamw-\(parameters / 1_000_000)m", precision: .f32, unit: .milliseconds,
      description: ["kind": "adamw", "parameters": .integer(parameters)],
      // Read weight, gradient and both moments, write all but the gradient; some 15 operations.
      work: { Work(operations: 15 * Double(parameters), bytes: 28 * Double(parameters)) },
      ours: {
        var weights = operand("weights", [parameters])
        let gradient = operand("gradient", [parameters])
        var first = Tensor.zeros([parameters])
        var second = Tensor.zeros([parameters])
        var step = 0
        return 1e3
          * Stopwatch.median {
            step += 1
            AdamWUpdate(
              rate: 1e-3, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, decay: 0.1, step: step
            ).apply(to: &weights, gradient, first: &first, second: &second)
          }
      })
  }
}
