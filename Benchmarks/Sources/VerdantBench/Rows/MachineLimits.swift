import Verdant

/// What the machine reaches at its best, on all threads.
struct MachineLimits {
  /// GFLOP/s of the fastest large f32 product.
  let float32: Double
  /// GFLOP/s of the fastest large bf16 product; nil where the hardware has none.
  let bfloat16: Double?
  /// GB/s of reading 1 GiB, or of a sum of large tensors where that moves more.
  let readGigabytes: Double

  /// Measures, in about 15 seconds.
  static func measured() -> MachineLimits {
    let single = products(.float32)
    let half = Compute.hasBFloat16Products ? products(.bfloat16) : nil
    return MachineLimits(float32: single, bfloat16: half, readGigabytes: max(read(), sum()))
  }

  /// GFLOP/s of the reference product, which shows whether the machine is steady.
  static func reference() -> Double {
    let size = 2048
    let (a, b) = operands(size, .float32)
    let seconds = Stopwatch.median(seconds: 0.6) {
      require(matmul(a, b, transposeB: true).count > 0, "[bench] the product has elements")
    }
    return operations(size) / seconds * 1e-9
  }

  private static func products(_ dtype: DType) -> Double {
    var best = 0.0
    for size in [2048, 3072, 4096] {
      let (a, b) = operands(size, dtype)
      let seconds = Stopwatch.best(seconds: 2) {
        require(matmul(a, b, transposeB: true).count > 0, "[bench] the product has elements")
      }
      best = max(best, operations(size) / seconds * 1e-9)
    }
    return best
  }

  private static func read() -> Double {
    Tensor.ones([1 << 28]).withUnsafeElements(as: Float.self) { elements in
      let bytes = UnsafeRawBufferPointer(elements)
      let seconds = Stopwatch.best(seconds: 2) {
        require(Compute.readSum(bytes) > 0, "[bench] the sum of ones is positive")
      }
      return Double(bytes.count) / seconds * 1e-9
    }
  }

  /// Several streams can reach more than one: reading two large blocks, writing a third.
  private static func sum() -> Double {
    let count = 1 << 26
    let (a, b) = (Tensor.ones([count]), Tensor.ones([count]))
    let seconds = Stopwatch.best(seconds: 2) {
      require((a + b).count == count, "[bench] the sum has its elements")
    }
    return 12 * Double(count) / seconds * 1e-9
  }

  private static func operations(_ size: Int) -> Double {
    2 * Double(size) * Double(size) * Double(size)
  }

  private static func operands(_ size: Int, _ dtype: DType) -> (Tensor, Tensor) {
    (operand("a", [size, size], dtype), operand("b", [size, size], dtype))
  }

  /// The shortest time that the machine allows for some work.
  func leastSeconds(_ work: Work, _ precision: Precision) -> Double {
    let peak = precision == .bf16 ? bfloat16 ?? float32 : float32
    return max(work.operations / (peak * 1e9), work.bytes / (readGigabytes * 1e9))
  }
}

extension MachineLimits {
  init?(_ json: JSONValue) {
    guard let single = json["f32_gflops"]?.doubleValue,
      let read = json["read_gb_per_s"]?.doubleValue
    else { return nil }
    self.init(float32: single, bfloat16: json["bf16_gflops"]?.doubleValue, readGigabytes: read)
  }

  var json: JSONValue {
    [
      "f32_gflops": .number(rounded(float32)),
      "bf16_gflops": bfloat16.map { .number(rounded($0)) } ?? .null,
      "read_gb_per_s": .number(rounded(readGigabytes)),
    ]
  }
}

/// Normal numbers that depend on the name alone.
func operand(_ name: String, _ shape: Shape, _ dtype: DType = .float32) -> Tensor {
  let numbers = Tensor.random(
    shape, .normal(deviation: 1), RandomSource(seed: 1).stream(name))
  return CPUBackend.shared.cast(numbers, to: dtype)
}
