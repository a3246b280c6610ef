import Testing
import Verdant
import VerdantTestKit

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

@Suite struct TensorTests {
  @Test func shapes() {
    let shape: Shape = [2, 3, 4]
    #expect(shape.elementCount == 24 && shape.rows == 6 && shape.columns == 4)
    #expect(shape.strides == [12, 4, 1] && shape.description == "[2, 3, 4]")
    #expect(shape.withColumns(7) == [2, 3, 7] && shape != [2, 3] && Shape([]) == [])
    let scalar: Shape = []
    #expect(scalar.elementCount == 1 && scalar.rows == 1 && scalar.columns == 1)
    #expect(scalar.strides == [] && Shape([0, 3]).elementCount == 0)
    #expect(Set([[1, 2], [1, 2], [2, 1]] as [Shape]).count == 2)
  }

  @Test func broadcastShapes() {
    #expect(Shape.broadcast([2, 3], [3]) == [2, 3])
    #expect(Shape.broadcast([2, 1, 3], [4, 1]) == [2, 4, 3])
    #expect(Shape.broadcast([], [5]) == [5])
    #expect(Shape.broadcast([1], [0]) == [0])
    #expect(Shape.broadcast([2], [3]) == nil && Shape.broadcast([0], [2]) == nil)
  }

  @Test func broadcastEqualsReference() {
    let pairs: [(Shape, Shape)] = [
      ([3], [3]), ([1], [5]), ([5], [1]), ([4, 1], [1, 5]), ([2, 1, 3, 1], [1, 4, 1, 5]),
      ([2, 3, 4], [3, 1]), ([2, 3, 4], [1, 1, 4]), ([7, 1, 1], [7, 2, 3]), ([], [3]), ([], []),
      ([8192], [1]), ([1], [8192]), ([12288], [12288]), ([2, 5000], [2, 1]), ([0, 3], [1]),
      ([2, 0, 3], [3]), ([1, 1, 1, 1, 1, 1, 1, 2], [3, 1]), ([3, 1, 5], [3, 4, 1]),
    ]
    let reference = ReferenceBackend.shared
    for (left, right) in pairs {
      let a = sampleNumbers(left.elementCount, seed: 1)
      let b = sampleNumbers(right.elementCount, seed: 2, positive: true)
      for op in BinaryOperation.allCases {
        let found = CPUBackend.shared.binary(
          op,
          Tensor(a.map(Float.init), left),
          Tensor(b.map(Float.init), right)
        )
        let expected = reference.binary(
          op,
          reference.tensor(doubles: a, left),
          reference.tensor(doubles: b, right)
        )
        #expect(found.shape == expected.shape)
        let difference = Tolerance(relative: 0x1p-23).difference(found.doubles, expected.doubles)
        #expect(difference == nil, "\(op) of \(left) and \(right)")
      }
    }
  }

  @Test func reductionsEqualReference() {
    let shapes: [(Shape, [Int])] = [
      ([5], [0]), ([3, 40_000], [1]), ([40_000, 3], [0]), ([3, 4, 5], [0, 1, 2]),
      ([3, 4, 5], [1]), ([3, 4, 5], []), ([2, 0, 3], [1]), ([0], [0]), ([1, 1], [0]),
      ([2, 3, 17, 5], [0, 2]),
    ]
    let reference = ReferenceBackend.shared
    for (shape, axes) in shapes {
      let x = sampleNumbers(shape.elementCount, seed: 8)
      for op in Reduction.allCases {
        let found = CPUBackend.shared.reduce(op, Tensor(x.map(Float.init), shape), over: axes)
        let expected = reference.reduce(op, reference.tensor(doubles: x, shape), over: axes)
        #expect(found.shape == expected.shape)
        let difference = Tolerance.float32.difference(found.doubles, expected.doubles)
        #expect(difference == nil, "\(op) of \(shape) over \(axes)")
      }
    }
  }

  @Test func slicesAndReshapesShareMemory() {
    let x = Tensor((0..<24).map(Float.init), [4, 3, 2])
    let middle = x[1..<3]
    #expect(middle.storage === x.storage && middle.shape == [2, 3, 2])
    #expect(middle.floats == (6..<18).map(Float.init))
    #expect(middle[1..<2].reshaped(to: [6]).floats == (12..<18).map(Float.init))
    #expect((middle[1..<2] * 2).floats == (12..<18).map { Float($0) * 2 })
    #expect(x[4..<4].count == 0 && x[0..<4].floats == x.floats)
  }

  @Test func permutations() {
    let shape: Shape = [2, 3, 4, 5]
    let x = Tensor((0..<120).map(Float.init), shape)
    let y = x.permuted(3, 1, 0, 2)
    #expect(y.shape == [5, 3, 2, 4])
    var expected: [Float] = []
    for a in 0..<5 {
      for b in 0..<3 {
        for c in 0..<2 { for d in 0..<4 { expected.append(Float(c * 60 + b * 20 + d * 5 + a)) } }
      }
    }
    #expect(y.floats == expected)
    #expect(y.permuted(2, 1, 3, 0).floats == x.floats)
    let deep = Tensor((0..<256).map(Float.init), [2, 2, 2, 2, 2, 2, 2, 2])
    let turned = deep.permuted(7, 6, 5, 4, 3, 2, 1, 0)
    #expect(
      turned.floats[1] == 128 && turned.permuted(7, 6, 5, 4, 3, 2, 1, 0).floats == deep.floats
    )
    #expect(CPUBackend.shared.permute(Tensor([5], []), []).floats == [5])
  }

  @Test func concatenationOfIntegersAndEmptyParts() {
    let ids = Tensor.concatenated([
      Tensor(integers: [1, 2], [2]), Tensor(integers: [], [0]), Tensor(integers: [3], [1]),
    ])
    #expect(ids.integers == [1, 2, 3] && ids.dtype == .int32)
    #expect(Tensor.concatenated([.ones([0, 2]), .ones([0, 2])]).shape == [0, 2])
  }

  @Test func gatherAndScatterOrder() {
    let table = Tensor((0..<10).map(Float.init), [5, 2])
    let ids = Tensor(integers: [4, 0, 4], [3])
    #expect(gatherRows(table, ids).floats == [8, 9, 0, 1, 8, 9])
    let sums = CPUBackend.shared.scatterAddRows(Tensor([1, 2, 3, 4, 5, 6], [3, 2]), ids, count: 5)
    #expect(sums.floats == [3, 4, 0, 0, 0, 0, 0, 0, 6, 8])
  }

  // Offsets beyond 2³¹ elements; the file of zeros behind the block takes no memory.
  @Test func offsetsHave64Bits() {
    let count = (1 << 31) + 16
    let bytes = count * 4
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | 0x4000  // MAP_NORESERVE
    guard let base = mmap(nil, bytes, PROT_READ | PROT_WRITE, flags, -1, 0), base != MAP_FAILED
    else { return }
    let storage = Storage(
      backend: CPUBackend.shared,
      dtype: .float32,
      count: count,
      unsafeBase: base
    ) { munmap($0, bytes) }
    let last = base.assumingMemoryBound(to: Float.self) + (count - 2)
    last[0] = 3
    last[1] = 4
    let x = Tensor(storage, shape: [count])
    #expect(x[count - 3..<count].total().scalar == 7)
    let rows = x.reshaped(to: [count / 16, 16])[count / 16 - 1..<count / 16]
    #expect((rows * rows).total().scalar == 25)
    let picked = gatherRows(
      x.reshaped(to: [count / 16, 16]),
      Tensor(integers: [Int32(count / 16 - 1)], [1])
    )
    #expect(picked.total().scalar == 7)
  }
}
