import Testing
import Verdant

@Suite struct StructureTests {
  static let sizes = [
    LinearSize(input: 8, output: 8, hasBias: true), LinearSize(input: 8, output: 24, hasBias: true),
    LinearSize(input: 24, output: 8, hasBias: false),
    LinearSize(input: 8, output: 9, hasBias: true, gain: 0.5),
  ]

  @Test(arguments: sizes)
  func callEqualsProductWithMatrix(_ size: LinearSize) throws {
    for type in Catalog.linearMaps { try check(type, size) }

    func check<L: LinearMap>(_ type: L.Type, _ size: LinearSize) throws {
      for options in L.examples {
        var make = Maker(random: RandomSource(seed: 4))
        var map = try L(options, size, &make)
        map.updateParameters { name, parameter in
          if name == "bias" { parameter.value = normal(parameter.value.shape, 9) }
        }
        #expect(map.options == options)
        #expect(map.size == size)
        #expect(map.matrix().shape == [size.output, size.input])
        let x = normal([2, 3, size.input], 5)
        let bias = map.parameters.first { $0.name == "bias" }?.parameter.value
        #expect((bias != nil) == size.hasBias)
        for activation in [Activation.none, .gelu] {
          var context = Context(.inference)
          let found = map(x, activation: activation, &context)
          let expected = affine(x, map.matrix(), bias: bias, activation: activation)
          #expect(largestDifference(found.doubles, expected.doubles) < 1e-5, "\(L.kind)")
        }
      }
    }
  }

  @Test func denseFitIsExact() throws {
    let matrix = normal([5, 7], 1)
    let bias = normal([5], 2)
    var make = Maker(random: RandomSource(seed: 0))
    let map = try Dense.fitted(to: matrix, bias: bias, NoOptions(), &make)
    #expect(map.matrix().floats == matrix.floats)
    #expect(map.bias?.value.floats == bias.floats)
    #expect(map.size == LinearSize(input: 7, output: 5, hasBias: true))
  }

  @Test(arguments: [[7, 5], [5, 7], [6, 6], [1, 9], [9, 1]])
  func lowRankFitIsTheBestOfItsRank(_ lengths: [Int]) throws {
    let matrix = normal(Shape(lengths), 3)
    let values = singularValueDecomposition(matrix).values.doubles
    for rank in 1...values.count {
      var make = Maker(random: RandomSource(seed: 0))
      let map = try LowRank.fitted(to: matrix, bias: nil, LowRank.Options(rank: rank), &make)
      let error = zip(map.matrix().doubles, matrix.doubles)
        .reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
      let expected = values[rank...].reduce(0) { $0 + $1 * $1 }.squareRoot()
      #expect(abs(error - expected) < 1e-5, "rank \(rank)")
      expectBalanced(map, values: Array(values[..<rank]))
    }
  }

  /// V Vᵀ = Uᵀ U = the singular values of the product.
  private func expectBalanced(_ map: LowRank, values: [Double]) {
    let rank = values.count
    let grams = [
      matmul(map.down.value, map.down.value, transposeB: true),
      matmul(map.up.value, map.up.value, transposeA: true),
    ]
    for gram in grams {
      #expect(gram.shape == [rank, rank])
      for (index, number) in gram.doubles.enumerated() {
        let expected = index / rank == index % rank ? values[index / rank] : 0
        #expect(abs(number - expected) < 1e-5)
      }
    }
  }

  @Test(arguments: sizes)
  func spectralBeginKeepsTheLargestValuesOfADenseDraw(_ size: LinearSize) throws {
    for rank in [1, 5, 8] {
      var make = Maker(random: RandomSource(seed: 11))
      let draw = make.inside("part") { make in
        Initializer.normal(
          deviation: Initializer.linearDeviation(inputs: size.input) * size.gain
        ).tensor(
          [size.output, size.input], make.stream.stream("spectral"), on: CPUBackend.shared)
      }
      let map = try make.inside("part") { make in
        try LowRank(LowRank.Options(rank: rank), size, &make)
      }
      let values = Array(singularValueDecomposition(draw).values.doubles[..<rank])
      expectBalanced(map, values: values)
      let product = singularValueDecomposition(map.matrix()).values.doubles
      #expect(largestDifference(Array(product[..<rank]), values) < 1e-5)
      #expect(product[rank...].allSatisfy { $0 < 1e-5 })
      #expect(map.bias.map { $0.value.floats.allSatisfy { $0 == 0 } } ?? !size.hasBias)
    }
  }

  @Test func initialDeviations() throws {
    var make = Maker(random: RandomSource(seed: 2))
    let wide = try Dense(
      NoOptions(), LinearSize(input: 1024, output: 64, hasBias: false), &make)
    #expect(abs(deviation(wide.weight.value) - 0.02) < 3e-4)
    let narrow = try Dense(
      NoOptions(), LinearSize(input: 64, output: 512, hasBias: false, gain: 0.5), &make)
    #expect(abs(deviation(narrow.weight.value) - 0.5 / (3.0 * 64).squareRoot()) < 1e-3)
  }

  private func deviation(_ x: Tensor) -> Double {
    (x.doubles.reduce(0) { $0 + $1 * $1 } / Double(x.count)).squareRoot()
  }

  @Test func rankFromRatio() {
    let size = LinearSize(input: 768, output: 3072, hasBias: true)
    #expect(LowRank.Options(ratio: 0.625).rank(for: size) == 384)
    #expect(LowRank.Options(ratio: 0.3125).rank(for: size) == 192)
    #expect(LowRank.Options(ratio: 1).rank(for: size) == 608)
    let small = LinearSize(input: 8, output: 8, hasBias: true)
    #expect(LowRank.Options(ratio: 0.001).rank(for: small) == 1)
    #expect(LowRank.Options(ratio: 1).rank(for: small) == 4)
    #expect(LowRank.Options(rank: 3).rank(for: small) == 3)
  }

  @Test func rankBeyondTheWidthIsRefused() throws {
    var make = Maker(random: RandomSource(seed: 2))
    let size = LinearSize(input: 8, output: 24, hasBias: true)
    let error = #expect(throws: ConfigError.self) {
      try make.inside("blocks") { make in try LowRank(LowRank.Options(rank: 9), size, &make) }
    }
    #expect(error?.kind == .inconsistent)
    #expect(error?.report.place == "blocks")
    #expect(error?.report.rule?.contains("8") == true)
    #expect(throws: ConfigError.self) {
      try LowRank.fitted(
        to: .zeros([3, 4]), bias: nil, LowRank.Options(rank: 4), &make)
    }
  }
}

@Suite struct SingularValueTests {
  static let methods = Compute.hasFactorizationLibrary ? [true, false] : [false]
  static let shapes: [[Int]] = [
    [5, 3], [3, 5], [6, 6], [1, 7], [7, 1], [1, 1], [40, 17], [17, 40],
  ]

  private func expectDecomposition(_ matrix: Tensor, _ usesLibrary: Bool) -> [Double] {
    let parts = singularValueDecomposition(matrix, usesLibrary: usesLibrary)
    let k = min(matrix.shape[0], matrix.shape[1])
    #expect(parts.left.shape == [k, matrix.shape[0]])
    #expect(parts.right.shape == [k, matrix.shape[1]])
    let values = parts.values.doubles
    let scale = max(1, values.first ?? 1)
    #expect(values.allSatisfy { $0 >= 0 })
    #expect(zip(values, values.dropFirst()).allSatisfy { $0 >= $1 })
    let product = matmul(
      parts.left * parts.values.reshaped(to: [k, 1]), parts.right, transposeA: true)
    #expect(largestDifference(product.doubles, matrix.doubles) < 2e-6 * scale)
    for vectors in [parts.left, parts.right] {
      let gram = matmul(vectors, vectors, transposeB: true).doubles
      let unit = (0..<k * k).map { $0 / k == $0 % k ? 1.0 : 0 }
      #expect(largestDifference(gram, unit) < 2e-6)
    }
    for row in 0..<k {
      let vector = parts.left[row..<row + 1].doubles
      let largest = vector.map(abs).max() ?? 0
      #expect(vector.contains { $0 > 0 && $0 >= largest * (1 - 1e-6) })
    }
    return values
  }

  @Test(arguments: shapes, methods)
  func randomMatrices(_ lengths: [Int], _ usesLibrary: Bool) {
    _ = expectDecomposition(normal(Shape(lengths), 1), usesLibrary)
  }

  @Test(arguments: shapes)
  func bothMethodsAgree(_ lengths: [Int]) {
    let matrix = normal(Shape(lengths), 2)
    let parts = [true, false].map { singularValueDecomposition(matrix, usesLibrary: $0) }
    #expect(largestDifference(parts[0].values.doubles, parts[1].values.doubles) < 1e-5)
    #expect(largestDifference(parts[0].left.doubles, parts[1].left.doubles) < 1e-4)
    #expect(largestDifference(parts[0].right.doubles, parts[1].right.doubles) < 1e-4)
  }

  @Test(arguments: methods)
  func zeroMatrices(_ usesLibrary: Bool) {
    for lengths in Self.shapes {
      let values = expectDecomposition(.zeros(Shape(lengths)), usesLibrary)
      #expect(values.allSatisfy { $0 == 0 })
    }
  }

  @Test(arguments: methods)
  func rankDeficientMatrices(_ usesLibrary: Bool) {
    for lengths in [[9, 6], [6, 9], [8, 8]] {
      let matrix = matmul(normal([lengths[0], 2], 3), normal([2, lengths[1]], 4))
      let values = expectDecomposition(matrix, usesLibrary)
      #expect(values[1] > 0.1 && values[2] < 1e-5)
    }
    // Equal columns, and columns of zeros between others.
    let equal = Tensor([1, 1, 0, 2, 2, 0, 3, 3, 0, 4, 4, 0], [4, 3])
    let values = expectDecomposition(equal, usesLibrary)
    #expect(abs(values[0] - 60.0.squareRoot()) < 1e-5 && values[1] < 1e-6)
  }

  @Test(arguments: methods)
  func knownValues(_ usesLibrary: Bool) {
    let diagonal = Tensor([0, -3, 0, 2, 0, 0, 0, 0, 0.5], [3, 3])
    #expect(
      largestDifference(expectDecomposition(diagonal, usesLibrary), [3, 2, 0.5]) < 1e-6)
    // Far apart in size: the small ones keep their digits in double precision.
    let graded = Tensor([1e6, 0, 0, 0, 1, 0, 0, 0, 1e-3], [3, 3])
    let values = singularValueDecomposition(graded, usesLibrary: usesLibrary).values.doubles
    #expect(relativeError(values, [1e6, 1, Double(Float(1e-3))]) < 1e-9)
    #expect(abs(values[2] / 1e-3 - 1) < 1e-6)
  }

  @Test(arguments: methods)
  func emptyMatrices(_ usesLibrary: Bool) {
    let parts = singularValueDecomposition(.zeros([0, 4]), usesLibrary: usesLibrary)
    #expect(parts.values.shape == [0] && parts.right.shape == [0, 4])
  }
}
