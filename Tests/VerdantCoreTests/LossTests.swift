import Testing
import Verdant
import VerdantTestKit

@Suite struct LossTests {
  // Logits are x · identity.
  private func loss(_ logits: [Float], classes: Int, targets: [Int32])
    -> (value: Double, rows: [[Float]])
  {
    let x = Tensor(logits, [targets.count, classes])
    var identity = [Float](repeating: 0, count: classes * classes)
    for index in 0..<classes { identity[index * classes + index] = 1 }
    let results = valueAndGradients(of: [x]) {
      linearCrossEntropy(
        $0[0],
        Tensor(identity, [classes, classes]),
        targets: Tensor(integers: targets, [targets.count])
      )
    }
    let flat = results.gradients[0].floats
    let rows = targets.indices.map { Array(flat[$0 * classes..<($0 + 1) * classes]) }
    return (results.value.scalar, rows)
  }

  @Test func hugeLogits() {
    let (value, rows) = loss(
      [1e4, -1e4, 0, -1e4, 1e4, 1e4, 0, 0, 0],
      classes: 3,
      targets: [0, 0, 2]
    )
    // 0, 2e4 + log 2, log 3.
    let expected = (2e4 + 0.6931471805599453 + 1.0986122886681098) / 3
    #expect(abs(value - expected) < 1e-6 * expected)
    for row in rows { #expect(abs(row.reduce(0, +)) < 1e-6 && row.allSatisfy { $0.isFinite }) }
    #expect(rows[0] == [0, 0, 0])
  }

  @Test func equalLogits() {
    let (value, rows) = loss([Float](repeating: 7, count: 10), classes: 5, targets: [1, 4])
    #expect(abs(value - 1.6094379124341003) < 1e-6)
    #expect(abs(rows[0][1] - -0.4) < 1e-6 && abs(rows[0][0] - 0.1) < 1e-6)
  }

  @Test func oneClass() {
    let (value, rows) = loss([-1e4, 3], classes: 1, targets: [0, 0])
    #expect(value == 0)
    #expect(rows == [[0], [0]])
  }

  @Test func allTargetsIgnored() {
    let (value, rows) = loss([1, 2, 3, 4], classes: 2, targets: [-1, -100])
    #expect(value == 0)
    #expect(rows == [[0, 0], [0, 0]])
  }

  @Test func ignoredTargetsDoNotCount() {
    let (all, _) = loss([1, 2, 5, 6], classes: 2, targets: [0, 1])
    let (some, rows) = loss([1, 2, 9, -9, 5, 6], classes: 2, targets: [0, -1, 1])
    #expect(abs(all - some) < 1e-7)
    #expect(rows[1] == [0, 0])
  }

  // Several chunks of rows, an odd rest, and targets of every kind.
  @Test func chunksEqualReference() {
    let (rows, width, classes) = (150, 3, 40_000)
    let x = sampleNumbers(rows * width, seed: 1)
    let weight = sampleNumbers(classes * width, seed: 2)
    let targets = (0..<rows).map { Int32($0 % 5 == 0 ? -1 : $0 * 260) }
    func run(_ x: Tensor, _ weight: Tensor, _ ids: Tensor) -> [[Double]] {
      let results = valueAndGradients(of: [x, weight]) {
        linearCrossEntropy($0[0], $0[1], targets: ids) * 3
      }
      return [results.value.doubles] + results.gradients.map(\.doubles)
    }
    let found = run(
      Tensor(x.map(Float.init), [rows, width]),
      Tensor(weight.map(Float.init), [classes, width]),
      Tensor(integers: targets, [rows])
    )
    let reference = ReferenceBackend.shared
    let chunk = 30
    var expected = [[0.0], [], [Double](repeating: 0, count: weight.count)]
    let counted = Double(targets.filter { $0 >= 0 }.count)
    // The definition holds all logits: in parts, weighted by their counted rows.
    for start in stride(from: 0, to: rows, by: chunk) {
      let part = Array(targets[start..<start + chunk])
      let share = Double(part.filter { $0 >= 0 }.count) / counted
      let results = run(
        reference.tensor(
          doubles: Array(x[start * width..<(start + chunk) * width]),
          [chunk, width]
        ),
        reference.tensor(doubles: weight, [classes, width]),
        Tensor(integers: part, [chunk], on: reference)
      )
      expected[0][0] += results[0][0] * share
      expected[1] += results[1].map { $0 * share }
      for (index, value) in results[2].enumerated() { expected[2][index] += value * share }
    }
    for (a, b) in zip(found, expected) { #expect(Tolerance.float32.difference(a, b) == nil) }
  }
}
