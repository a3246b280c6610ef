import Foundation
import Testing

@testable import VerdantCore
@testable import Verdant

/// The simulation against the pool of the CPU, and the limits of made-up systems.
@Suite struct MemorySimulationTests {
  private func step(on backend: any Backend) {
    func draw(_ shape: Shape, _ seed: UInt64) -> Tensor {
      .random(shape, .normal(deviation: 0.1), RandomSource(seed: seed), on: backend)
    }
    let targets = Tensor(integers: (0..<140).map { Int32($0) }, [2, 70], on: backend)
    let inputs = [
      draw([2, 70, 32], 1), draw([96, 32], 2), .ones([32], on: backend), draw([300, 32], 3),
    ]
    _ = valueAndGradients(of: inputs) { inputs in
      let qkv = affine(layerNorm(inputs[0], scale: inputs[2]), inputs[1], activation: .silu)
      let parts = qkv.reshaped(to: [140, 3, 32]).permuted(1, 0, 2)
      let all = (0..<3).map { parts[$0..<$0 + 1].reshaped(to: [2, 70, 32]) }
      let mixed = apply(Attention(heads: 2, isCausal: true), all[0], all[1], all[2])
      let dropped = dropout(mixed, rate: 0.5, RandomSource(seed: 4))
      let loss = linearCrossEntropy(dropped + inputs[0], inputs[3], targets: targets)
      // A gradient that is not 1 takes further tensors.
      return loss / 2.0 + (inputs[0] * inputs[0]).sum(over: 0, 1).total()
    }
  }

  private func gatedStep(isNarrow: Bool, on backend: any Backend) {
    func draw(_ shape: Shape, _ seed: UInt64) -> Tensor {
      .random(shape, .normal(deviation: 0.1), RandomSource(seed: seed), on: backend)
    }
    let targets = Tensor(integers: (0..<140).map { Int32($0) }, [2, 70], on: backend)
    let lengths = Tensor(integers: [70, 41], [2], on: backend)
    let inputs = [draw([2, 70, 32], 1), draw([32, 32], 2), .ones([32], on: backend)]
    _ = valueAndGradients(of: inputs + [draw([300, 32], 3)]) { inputs in
      let normal = rmsNorm(inputs[0], scale: inputs[2], isNarrow: isNarrow)
      let projected = affine(normal, inputs[1])
      let turned = rotary(projected, heads: 2)
      let attention = Attention(heads: 2, isCausal: false, window: 9)
      let mixed = apply(attention, turned, turned, projected, lengths)
      let gated = gatedUnit(mixed, projected, .silu)
      let sum = affine(gated, inputs[1], adding: inputs[0])
      return linearCrossEntropy(sum, inputs[3], targets: targets, smoothing: 0.1)
    }
  }

  private func biasedStep(on backend: any Backend) {
    func draw(_ shape: Shape, _ seed: UInt64) -> Tensor {
      .random(shape, .normal(deviation: 0.1), RandomSource(seed: seed), on: backend)
    }
    let lengths = Tensor(integers: [90, 41], [2], on: backend)
    let targets = Tensor(integers: (0..<140).map { Int32($0) }, [2, 70], on: backend)
    let inputs = [draw([2, 70, 32], 1), draw([2, 90, 16], 2), draw([2, 90, 16], 3)]
    _ = valueAndGradients(of: inputs + [draw([4, 159], 4), draw([300, 32], 5)]) { inputs in
      let attention = Attention(
        heads: 4, keyHeads: 2, isCausal: false, lengthsLimitKeysOnly: true, hasBias: true)
      let mixed = apply(attention, inputs[0], inputs[1], inputs[2], lengths, inputs[3])
      return linearCrossEntropy(mixed, inputs[4], targets: targets)
    }
  }

  @Test(arguments: 0..<4)
  func takesTheBlocksOfTheCPU(_ work: Int) {
    let memory = MemorySimulation()
    let (shapes, cpu) = (ShapeBackend(memory: memory), CPUBackend())
    func step(on backend: any Backend) {
      switch work {
      case 0: self.step(on: backend)
      case 3: biasedStep(on: backend)
      default: gatedStep(isNarrow: work == 2, on: backend)
      }
    }
    for _ in 0..<3 {
      step(on: shapes)
      step(on: cpu)
      #expect(memory.use.liveByteCount == 0)
      #expect(memory.use.blockByteCount == cpu.pooledByteCount)
    }
    #expect(memory.use.peakLiveByteCount <= memory.use.poolByteCount)
    #expect(memory.use.callerScratchByteCount > 0 && memory.use.threadScratchByteCount > 0)
  }

  @Test func sharedTensorsAreCopiedBeforeTheyAreWritten() {
    let memory = MemorySimulation()
    let copied = CopyCounter.shared.byteCount
    var a = Tensor.zeros([1000], on: ShapeBackend(memory: memory))
    a.withUnsafeMutableElements(as: Float.self) { #expect($0.baseAddress == nil && $0.isEmpty) }
    #expect(memory.use.liveByteCount == 4000)
    let b = a
    a.withUnsafeMutableElements(as: Float.self) { _ in }
    #expect(memory.use.liveByteCount == 8000)
    #expect(b.count == a.count && CopyCounter.shared.byteCount == copied)
  }

  @Test func aFilledNumberIsKnownUntilItChanges() {
    let backend = ShapeBackend()
    var x = backend.fill(3, [1], .float32)
    #expect(x.scalar == 3)
    x.withUnsafeMutableElements(as: Float.self) { _ in }
    #expect(x.scalar.isNaN && (x + x).scalar.isNaN && sumOfSquares(x).isNaN)
  }

  private func system(_ files: [String: String], _ body: (String) -> Void) throws {
    let root = FileManager.default.temporaryDirectory
      .appendingPathComponent("verdant-system-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: root) }
    for (path, text) in files {
      let file = root.appendingPathComponent(path)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }
    body(root.path)
  }

  private let table = "MemTotal:  100 kB\nMemFree: 1 kB\nMemAvailable:      64 kB\n"

  @Test func theMachine() throws {
    try system(["proc/meminfo": table]) { root in
      #expect(MemoryLimit.system(root: root).map(\.byteCount) == [64 << 10])
    }
    for text in ["", "MemAvailable: many kB\n", "nothing"] {
      try system(["proc/meminfo": text]) { #expect(MemoryLimit.system(root: $0).isEmpty) }
    }
    #expect(MemoryLimit.all.contains { $0.byteCount > 1 << 24 && !$0.countsAddresses })
  }

  @Test func unifiedGroups() throws {
    try system([
      "proc/meminfo": table, "proc/self/cgroup": "0::/outer/inner\n",
      "sys/fs/cgroup/outer/memory.max": "9000\n", "sys/fs/cgroup/outer/memory.current": "8000\n",
      "sys/fs/cgroup/outer/memory.stat": "anon 1\ninactive_file 500\n",
      "sys/fs/cgroup/outer/inner/memory.max": "max\n",
      "sys/fs/cgroup/outer/inner/memory.current": "8000\n",
    ]) { #expect(MemoryLimit.system(root: $0).map(\.byteCount) == [64 << 10, 1500]) }
  }

  @Test func groupsOfTheFirstVersion() throws {
    let folder = "sys/fs/cgroup/memory"
    try system([
      "proc/self/cgroup": "5:cpu,cpuacct:/a\n4:memory:/a/b\n0::/\nnonsense\n",
      "\(folder)/memory.limit_in_bytes": "9223372036854771712\n",
      "\(folder)/memory.usage_in_bytes": "5\n", "\(folder)/a/memory.limit_in_bytes": "700\n",
      "\(folder)/a/memory.usage_in_bytes": "900\n",
    ]) { #expect(MemoryLimit.system(root: $0).map(\.byteCount) == [0]) }
  }

  @Test func theUsersOwnLimit() {
    #expect(MemoryLimit.requested(nil).isEmpty && MemoryLimit.requested("2 GB").isEmpty)
    #expect(MemoryLimit.requested("1").map(\.byteCount) == [0])
  }
}
