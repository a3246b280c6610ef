import Testing
import Verdant
import VerdantTestKit

@Suite struct ModelTests {
  @Test(arguments: Variant.all)
  func decodingStepByStepEqualsTheWhole(_ variant: Variant) throws {
    let model = try variant.model()
    let ids = tokenIds(24, below: 13, seed: 5)
    let whole = model.logits(ids, batch: 2)
    for pieces in [Array(repeating: 1, count: 12), [12], [1, 3, 2, 5, 1], [7, 5]] {
      var context = Context(.inference)
      var state = try model.initialState(batch: 2)
      var read = 0
      for piece in pieces {
        let new = (0..<2).flatMap { ids[$0 * 12 + read..<$0 * 12 + read + piece] }
        let logits = model.step(Tensor(integers: new, [2, piece]), &state, &context)
        read += piece
        for row in 0..<2 {
          let start = (row * 12 + read - 1) * 13
          let error = largestDifference(
            Array(logits.doubles[row * 13..<(row + 1) * 13]), Array(whole[start..<start + 13]))
          #expect(error < 1e-5, "\(pieces), row \(row), after \(read)")
        }
      }
    }
  }

  @Test(arguments: Variant.all)
  func futureTokensChangeNothing(_ variant: Variant) throws {
    let model = try variant.model()
    let ids = tokenIds(12, below: 13, seed: 6)
    let before = model.logits(ids)
    for changed in 1..<12 {
      var other = ids
      for place in changed..<12 { other[place] = (other[place] + 5) % 13 }
      let after = model.logits(other)
      #expect(Array(before[..<(changed * 13)]) == Array(after[..<(changed * 13)]))
      #expect(Array(before[(changed * 13)...]) != Array(after[(changed * 13)...]))
    }
  }

  @Test(arguments: Variant.all)
  func rowsOfABatchAreIndependent(_ variant: Variant) throws {
    let model = try variant.model()
    let ids = tokenIds(36, below: 13, seed: 8)
    let together = model.logits(ids, batch: 3)
    for row in 0..<3 {
      let alone = model.logits(Array(ids[row * 12..<(row + 1) * 12]))
      let part = Array(together[row * 156..<(row + 1) * 156])
      #expect(largestDifference(alone, part) < 1e-5)
    }
  }

  /// The whole model on the f64 backend of the test kit: the definitions against the kernels.
  @Test(arguments: Variant.all)
  func equalsDefinitionInDoublePrecision(_ variant: Variant) throws {
    let model = try variant.model()
    let reference = ReferenceBackend.shared
    var definition = model
    definition.updateParameters { _, parameter in
      parameter.value = reference.tensor(
        doubles: parameter.value.doubles, parameter.value.shape)
    }
    let ids = tokenIds(24, below: 13, seed: 9)
    let targets = ids.map { $0 % 5 == 0 ? -1 : ($0 + 3) % 13 }
    let parts = [(model, CPUBackend.shared as any Backend), (definition, reference)].map {
      model, backend in
      var context = Context(.training)
      return valueAndGradients(of: model, &context) { model, context in
        model.loss(
          Tensor(integers: ids, [2, 12], on: backend),
          targets: Tensor(integers: targets, [2, 12], on: backend), &context)
      }
    }
    #expect(abs(parts[0].value - parts[1].value) < 1e-6)
    #expect(parts[0].gradients.names == parts[1].gradients.names)
    for name in parts[0].gradients.names {
      let found = try #require(parts[0].gradients[name]).doubles
      let expected = try #require(parts[1].gradients[name]).doubles
      #expect(largestDifference(found, expected) < 1e-6, "gradient of \(name)")
    }
  }

  @Test func auxiliaryLossesAreAdded() throws {
    let model = try Variant.base.build()
    let ids = Tensor(integers: tokenIds(12, below: 13, seed: 1), [1, 12])
    var context = Context(.training)
    let plain = model.loss(ids, targets: ids, &context).scalar
    context.auxiliary.append((name: "test", loss: .full([1], 0.5)))
    #expect(abs(model.loss(ids, targets: ids, &context).scalar - plain - 0.5) < 1e-6)
  }

  @Test func frozenParametersHaveNoGradientAndStay() throws {
    var model = try Variant.base.build()
    model.updateParameters { name, parameter in
      if name.hasPrefix("blocks.0") { parameter.isTrainable = false }
    }
    let before = model.parameters
    let ids = Tensor(integers: tokenIds(12, below: 13, seed: 1), [1, 12])
    var context = Context(.training)
    let (_, gradients) = valueAndGradients(of: model, &context) { model, context in
      model.loss(ids, targets: ids, &context)
    }
    var optimizer = AdamW()
    optimizer.update(&model, gradients, rate: 0.01, gradientScale: 1)
    for (old, new) in zip(before, model.parameters) {
      let isFrozen = old.name.hasPrefix("blocks.0")
      #expect((gradients[old.name] == nil) == isFrozen, "\(old.name)")
      #expect((old.parameter.value.floats == new.parameter.value.floats) == isFrozen)
    }
  }

  @Test func dropoutChangesTrainingOnly() throws {
    var config = Variant.base
    config.embedding.dropout = 0.5
    let model = try config.build()
    let ids = Tensor(integers: tokenIds(12, below: 13, seed: 1), [1, 12])
    func logits(_ mode: Context.Mode, _ seed: UInt64) -> [Float] {
      var context = Context(mode, random: RandomSource(seed: seed))
      return model(ids, &context).floats
    }
    #expect(logits(.inference, 1) == logits(.inference, 2))
    #expect(logits(.training, 1) == logits(.training, 1))
    #expect(logits(.training, 1) != logits(.training, 2))
    #expect(logits(.training, 1) != logits(.inference, 1))
  }

  @Test func gradientsAddByName() {
    var a = Gradients()
    a["x"] = .full([2], 1)
    var b = Gradients()
    b["x"] = .full([2], 2)
    b["y"] = .full([3], 4)
    a.add(b)
    #expect(a.names == ["x", "y"])
    #expect(a["x"]?.floats == [3, 3])
    #expect(abs(a.norm - (18.0 + 48).squareRoot()) < 1e-12)
    a["x"] = nil
    #expect(a.names == ["y"])
  }
}

extension ModelConfig {
  func build(seed: UInt64 = 7) throws -> Transformer {
    try Transformer(self, random: RandomSource(seed: seed))
  }
}
