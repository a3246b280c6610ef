import Foundation
import Testing
import Verdant

/// The folder of golden files.
let goldenFolder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().appendingPathComponent("Golden").path

/// The largest difference of two lists of numbers.
func largestDifference(_ a: [Double], _ b: [Double]) -> Double {
  guard a.count == b.count else { return .infinity }
  return zip(a, b).reduce(0) { max($0, ($1.0 - $1.1).isNaN ? .infinity : abs($1.0 - $1.1)) }
}

/// The norm of the difference over the norm of what is expected.
func relativeError(_ found: [Double], _ expected: [Double]) -> Double {
  guard found.count == expected.count else { return .infinity }
  let norm = expected.reduce(0) { $0 + $1 * $1 }.squareRoot()
  let error = zip(found, expected).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
  if norm == 0 { return error }
  return error.isNaN ? .infinity : error / norm
}

/// Numbers from a normal distribution.
func normal(_ shape: Shape, _ seed: UInt64, deviation: Double = 1) -> Tensor {
  .random(shape, .normal(deviation: deviation), RandomSource(seed: seed))
}

/// Token ids below a limit.
func tokenIds(_ count: Int, below limit: Int, seed: UInt64) -> [Int32] {
  let source = RandomSource(seed: seed)
  return (0..<count).map { Int32(source.uniform(at: UInt64($0)) * Double(limit)) }
}

/// A part of the catalog with one of its example settings.
struct Variant: Sendable, CustomStringConvertible {
  let description: String
  let config: ModelConfig

  /// A model of width 8 with two blocks.
  static var base: ModelConfig {
    ModelConfig(blocks: 2, width: 8, heads: 2, maximumLength: 12, vocabulary: 13)
  }

  /// Every mixer, feed-forward network and structure with each of its example settings.
  static var all: [Variant] {
    var list = [Variant(description: "base", config: base)]
    for type in Catalog.mixers {
      for spec in specs(type) {
        var config = base
        for index in config.blocks.indices { config.blocks[index].mixer = spec }
        list.append(Variant(description: "mixer \(spec.text)", config: config))
      }
    }
    for type in Catalog.feedForwards {
      for spec in specs(type) {
        var config = base
        for index in config.blocks.indices { config.blocks[index].feedForward = spec }
        list.append(Variant(description: "feed-forward \(spec.text)", config: config))
      }
    }
    for type in Catalog.linearMaps {
      for spec in structureSpecs(type) {
        var config = base
        config.structures = [StructureRule(match: "**", spec)]
        list.append(Variant(description: "structure \(spec.text)", config: config))
      }
    }
    var noPositions = base
    noPositions.embedding.positions = .none
    noPositions.finalNorm.bias = false
    list.append(Variant(description: "no positions, no bias", config: noPositions))
    for (name, change) in changes {
      var config = base
      change(&config)
      list.append(Variant(description: name, config: config))
    }
    return list
  }

  /// Options of whole models, each as a change of the base.
  private static var changes: [(String, (inout ModelConfig) -> Void)] {
    var list: [(String, (inout ModelConfig) -> Void)] = []
    func add(_ name: String, _ change: @escaping (inout ModelConfig) -> Void) {
      list.append((name, change))
    }
    for name in NormConfig.Kind.known {
      let kind = NormConfig.Kind(known: name)
      add("norm \(name)") { config in
        for index in config.blocks.indices { config.blocks[index].norm.kind = kind }
        config.finalNorm.kind = kind
      }
    }
    for arrangement in BlockConfig.Arrangement.allCases {
      add("arrangement \(arrangement.rawValue)") { config in
        for index in config.blocks.indices { config.blocks[index].arrangement = arrangement }
      }
    }
    for name in EmbeddingConfig.Positions.known {
      add("positions \(name)") { config in
        config.embedding.positions = .init(known: name)
        config.embedding.relativeHeads = 2
        config.embedding.relativeBuckets = 6
        config.embedding.relativeDistance = 8
      }
    }
    add("free head") { $0.head = .free }
    add("embedding norm, kinds of texts") { config in
      config.embedding.norm = NormConfig(.rmsNorm)
      config.embedding.segments = 2
    }
    add("logit scale") { $0.logitScale = 0.4 }
    add("head with a map and a bias") { config in
      config.headTransform = HeadTransform.Options()
      config.headBias = true
    }
    for kind in RotaryScaling.Kind.allCases {
      add("rotary scaling \(kind.rawValue)") { config in
        config.embedding.positions = .rotary
        config.embedding.rotaryScaling = RotaryScaling(kind, factor: 3, originalLength: 12)
      }
    }
    add("embedding scale") { $0.embedding.scale = 2.5 }
    add("rotary, grouped, window") { config in
      config.embedding.positions = .rotary
      config.embedding.rotaryBase = 500
      let options = SoftmaxAttention.Options(heads: 4, keyHeads: 2, window: 5)
      for index in config.blocks.indices {
        config.blocks[index].mixer = Spec(SoftmaxAttention.kind, options)
      }
    }
    return list
  }

  private static func specs<M: TokenMixer>(_ type: M.Type) -> [Spec] {
    M.examples.map { Spec(M.kind, $0) }
  }
  private static func specs<F: FeedForward>(_ type: F.Type) -> [Spec] {
    F.examples.map { Spec(F.kind, $0) }
  }
  private static func structureSpecs<L: LinearMap>(_ type: L.Type) -> [Spec] {
    L.examples.map { Spec(L.kind, $0) }
  }

  func model(seed: UInt64 = 7) throws -> Transformer {
    var model = try Transformer(config, random: RandomSource(seed: seed))
    // Biases and scales leave 0 and 1, where a missing term or factor would go unnoticed.
    model.updateParameters { name, parameter in
      guard parameter.role == .bias || parameter.role == .scale else { return }
      let noise = Tensor.random(
        parameter.value.shape, .normal(deviation: 0.2), RandomSource(seed: 3).stream(name))
      parameter.value = parameter.value + noise
    }
    return model
  }
}

extension Spec {
  var text: String { (try? json.serialized()) ?? kind }
}

extension Transformer {
  /// Logits of whole sequences.
  func logits(_ ids: [Int32], batch: Int = 1) -> [Double] {
    var context = Context(.inference)
    return self(Tensor(integers: ids, [batch, ids.count / batch]), &context).doubles
  }
}
