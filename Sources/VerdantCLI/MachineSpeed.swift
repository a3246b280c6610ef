import Verdant

/// What the machine reaches, measured with this package's own operations on all threads.
struct MachineSpeed {
  /// GFLOP/s of a large f32 product.
  let float32: Double
  /// GFLOP/s of a large bf16 product; nil where the hardware has none.
  let bfloat16: Double?
  /// GB/s of reading 1 GiB.
  let readGigabytes: Double

  /// About 20 seconds; medians over rounds.
  static func measured(progress: (String) -> Void) -> MachineSpeed {
    progress("measuring f32 products …")
    let single = ProductBenchmark.float32(seconds: 7)
    progress("measuring bf16 products …")
    let half = ProductBenchmark.bfloat16(seconds: 7)
    progress("measuring reads of memory …")
    return MachineSpeed(float32: single, bfloat16: half, readGigabytes: read(seconds: 5))
  }

  private static func read(seconds: Double) -> Double {
    let count = 1 << 28
    let block = Tensor.ones([count])
    return block.withUnsafeElements(as: Float.self) { elements in
      let bytes = UnsafeRawBufferPointer(elements)
      return rounds(seconds) {
        let sum = Compute.readSum(bytes)
        require(sum > 0, "[doctor] the sum of ones is positive")
        return Double(bytes.count) * 1e-9
      }
    }
  }

  /// The median of work per second over rounds of a function that returns its work.
  static func rounds(_ seconds: Double, _ work: () -> Double) -> Double {
    _ = work()
    let end = monotonicSeconds() + seconds
    var rates: [Double] = []
    repeat {
      let began = monotonicSeconds()
      let done = work()
      rates.append(done / (monotonicSeconds() - began))
    } while monotonicSeconds() < end
    return median(rates)
  }

  var json: JSONValue {
    [
      "f32_gflops": .number(float32), "bf16_gflops": bfloat16.map { .number($0) } ?? .null,
      "read_gb_per_s": .number(readGigabytes),
    ]
  }
}

/// Times large products.
private enum ProductBenchmark {
  private static let size = 2048

  static func float32(seconds: Double) -> Double {
    let a = operand("a")
    let b = operand("b")
    return MachineSpeed.rounds(seconds) {
      let product = matmul(a, b, transposeB: true)
      require(product.shape == [size, size], "[doctor] the product has its shape")
      return work
    }
  }

  static func bfloat16(seconds: Double) -> Double? {
    guard Compute.hasBFloat16Products else { return nil }
    let a = CPUBackend.shared.cast(operand("a"), to: .bfloat16)
    let b = CPUBackend.shared.cast(operand("b"), to: .bfloat16)
    return MachineSpeed.rounds(seconds) {
      let product = matmul(a, b, transposeB: true)
      require(product.dtype == .float32, "[doctor] bf16 products accumulate in f32")
      return work
    }
  }

  private static var work: Double { 2 * Double(size) * Double(size) * Double(size) * 1e-9 }

  private static func operand(_ name: String) -> Tensor {
    .random([size, size], .uniform(low: -1, high: 1), RandomSource(seed: 1).stream(name))
  }
}
