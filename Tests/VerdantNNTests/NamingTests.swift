import Testing
import Verdant

@Suite struct NamingTests {
  @Test func initialValuesDependOnSeedAndNameOnly() throws {
    func maps(_ names: [String], seed: UInt64) throws -> [String: [Float]] {
      var make = Maker(
        random: RandomSource(seed: seed),
        structures: [StructureRule(match: "l", Spec(LowRank.kind, LowRank.Options(rank: 2)))])
      var result: [String: [Float]] = [:]
      for name in names {
        let map = try make.linear(name, 8, 8)
        result[name] = map.matrix().floats
      }
      return result
    }
    let first = try maps(["a", "b", "l"], seed: 1)
    #expect(try maps(["l", "b", "x", "a"], seed: 1).filter { $0.key != "x" } == first)
    #expect(first["a"] != first["b"])
    let other = try maps(["a", "b", "l"], seed: 2)
    for name in first.keys { #expect(first[name] != other[name]) }
  }

  @Test func equalNamesOfDifferentModelsBeginAlike() throws {
    let small = try Variant.base.build()
    var wider = Variant.base
    wider.vocabulary = 29
    wider.structures = [
      StructureRule(match: "blocks.1.**", Spec(LowRank.kind, LowRank.Options(rank: 2)))
    ]
    let large = try wider.build()
    let names = Dictionary(
      uniqueKeysWithValues: large.parameters.map { ($0.name, $0.parameter.value.floats) })
    for (name, parameter) in small.parameters
    where name.hasPrefix("blocks.0") || name == "embedding.positions" {
      #expect(names[name] == parameter.value.floats, "\(name)")
    }
  }

  @Test func namesOfOtherParts() throws {
    func names(_ change: (inout ModelConfig) -> Void) throws -> [String] {
      var config = ModelConfig(blocks: 1, width: 8, heads: 2, maximumLength: 12, vocabulary: 13)
      change(&config)
      return try config.build().parameters.map(\.name)
    }
    let llama = try names {
      $0.embedding.positions = .rotary
      $0.head = .free
      $0.finalNorm = NormConfig(.rmsNorm)
      $0.blocks[0].norm = NormConfig(.rmsNorm)
      var attention = SoftmaxAttention.Options(heads: 2)
      attention.bias = false
      var network = GatedMLP.Options()
      network.bias = false
      $0.blocks[0].mixer = Spec(SoftmaxAttention.kind, attention)
      $0.blocks[0].feedForward = Spec(GatedMLP.kind, network)
    }
    #expect(
      llama == [
        "embedding.tokens", "blocks.0.mixerNorm.scale", "blocks.0.mixer.query.weight",
        "blocks.0.mixer.key.weight", "blocks.0.mixer.value.weight",
        "blocks.0.mixer.output.weight", "blocks.0.feedForwardNorm.scale",
        "blocks.0.feedForward.gate.weight", "blocks.0.feedForward.up.weight",
        "blocks.0.feedForward.down.weight", "finalNorm.scale", "head.weight",
      ])
    let parallel = try names { $0.blocks[0].arrangement = .parallel }
    #expect(!parallel.contains { $0.contains("feedForwardNorm") })
    #expect(parallel.contains("blocks.0.mixerNorm.bias"))
  }

  @Test func noTwoRandomParametersAreEqual() throws {
    var seen: [[Float]: String] = [:]
    for (name, parameter) in try Variant.base.build().parameters
    where parameter.role == .weight || parameter.role == .embedding {
      let start = Array(parameter.value.floats.prefix(8)).map { $0 / 8 }
      #expect(seen.updateValue(name, forKey: start) == nil, "\(name)")
    }
  }

  @Test(arguments: Variant.all)
  func visitShowsEveryStoredParameter(_ variant: Variant) throws {
    let model = try variant.model()
    let names = model.parameters.map(\.name)
    #expect(Set(names).count == names.count)
    let shown = model.parameters.map { Address($0.parameter.value) }
    let stored = storedParameters(model).map { Address($0.value) }
    #expect(Set(shown) == Set(stored))
    #expect(shown.count == stored.count)
    #expect(model.parameterCount == storedParameters(model).reduce(0) { $0 + $1.value.count })
  }

  @Test(arguments: Variant.all)
  func updateReachesEveryStoredParameter(_ variant: Variant) throws {
    var model = try variant.model()
    let marker = Tensor.zeros([1])
    model.updateParameters { _, parameter in parameter.value = marker }
    for parameter in storedParameters(model) {
      #expect(Address(parameter.value) == Address(marker))
    }
  }

  @Test func rolesOfParameters() throws {
    let model = try Variant.base.build()
    var roles: [String: Parameter.Role] = [:]
    for (name, parameter) in model.parameters {
      let last = String(name.split(separator: ".").suffix(2).joined(separator: "."))
      roles[last] = parameter.role
    }
    #expect(roles["embedding.tokens"] == .embedding)
    #expect(roles["embedding.positions"] == .embedding)
    #expect(roles["query.weight"] == .weight)
    #expect(roles["query.bias"] == .bias)
    #expect(roles["finalNorm.scale"] == .scale)
    #expect(roles["finalNorm.bias"] == .bias)
  }
}

private struct Address: Hashable {
  let storage: ObjectIdentifier
  let count: Int
  init(_ tensor: Tensor) {
    storage = ObjectIdentifier(tensor.storage)
    count = tensor.count
  }
}

/// Every parameter that a value holds, found by reflection and not by `visit`.
private func storedParameters(_ value: Any) -> [Parameter] {
  if let parameter = value as? Parameter { return [parameter] }
  return Mirror(reflecting: value).children.flatMap { storedParameters($0.value) }
}
