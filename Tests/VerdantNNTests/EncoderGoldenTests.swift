import Foundation
import Testing
import Verdant
import VerdantTestKit

/// Training of an encoder and of an encoder–decoder against PyTorch in f64, from
/// `Tools/golden/encoder_training.py`; with `VERDANT_GOLDEN` from another folder.
@Suite struct EncoderGoldenTests {
  @Test(arguments: ["masked-training", "span-training"])
  func trainingEqualsPyTorch(_ name: String) throws {
    let found = try EncoderRun(name).measure()
    #expect(found.missing.isEmpty, "\(found.missing)")
    #expect(found.logits <= 2e-5)
    #expect(found.gradients <= 1e-4)
    #expect(found.losses <= 2e-6)
    #expect(found.last < 0.95 * found.first)
    if ProcessInfo.processInfo.environment["VERDANT_PRINT"] != nil { print(name, found) }
  }

  /// What the tolerances are for: a token that is hidden from the wrong place, and other lengths.
  @Test func otherLengthsAreSeen() throws {
    let found = try EncoderRun("masked-training").measure(lengths: { $0.map { max(1, $0 - 1) } })
    #expect(found.losses > 1e-5)
  }

  /// What the tolerance is for: without the bias of distances the losses lie outside.
  @Test func missingRelativePositionsAreSeen() throws {
    let found = try EncoderRun("span-training").measure(lengths: { $0 }) { name, tensor in
      name.hasSuffix("relativeBias") ? tensor * 0 : tensor
    }
    #expect(found.losses > 1e-4)
  }

  /// T5's buckets, by the formula in double precision where the logarithm is no whole number.
  @Test func bucketsOfDistances() throws {
    var config = Variant.base
    config.embedding.positions = .relative
    config.embedding.relativeHeads = 1
    for index in config.blocks.indices {
      config.blocks[index].mixer = Spec(
        SoftmaxAttention.kind, SoftmaxAttention.Options(heads: 1))
    }
    var model = try Transformer(config, random: RandomSource(seed: 0))
    model.updateParameters { name, parameter in
      guard name == "embedding.relativeBias" else { return }
      parameter.value = Tensor((0..<32).map(Float.init), [32, 1])
    }
    let positions = model.embedding.positions
    let causal = try #require(positions.bias(queries: 300, keys: 300, isCausal: true)).floats
    #expect(causal.count == 599)
    for distance in 0..<300 {
      let found = causal[299 - distance]
      let exact = 16 + log(Double(distance) / 16) / log(8) * 16
      let expected = distance < 16 ? Double(distance) : min(31, exact.rounded(.down))
      #expect(Double(found) == expected || abs(exact - exact.rounded()) < 1e-5, "\(distance)")
      // Later keys are not seen; they share the bucket of no distance.
      #expect(causal[299 + distance] == 0)
    }
    let both = try #require(positions.bias(queries: 2, keys: 40, isCausal: false)).floats
    // Query 0 stands at place 38 of 40: number 39 is its own key.
    #expect(both[39] == 0 && both[38] == 1 && both[40] == 17)
    #expect(both[0] == 12)
  }
}

private struct EncoderErrors: CustomStringConvertible {
  var missing: [String] = []
  var logits = 0.0
  var gradients = 0.0
  var losses = 0.0
  var first = 0.0
  var last = 0.0

  var description: String {
    "logits \(logits), gradients \(gradients), losses \(losses) (\(first) to \(last))"
  }
}

private struct EncoderRun {
  let file: SafetensorsFile
  let config: ModelConfig

  init(_ name: String) throws {
    let folder = ProcessInfo.processInfo.environment["VERDANT_GOLDEN"] ?? goldenFolder
    file = try SafetensorsFile("\(folder)/\(name).safetensors")
    config = name == "masked-training" ? Self.masked : Self.spans
  }

  private static var masked: ModelConfig {
    var config = ModelConfig(
      blocks: 2, width: 32, heads: 4, maximumLength: 48, vocabulary: 259)
    config.architecture = .encoder
    config.objective = .maskedLanguageModel
    config.embedding.norm = NormConfig()
    config.finalNorm.kind = .none
    for index in config.blocks.indices {
      config.blocks[index].arrangement = .postNorm
      config.blocks[index].feedForward = network(.gelu, bias: true)
    }
    return config
  }

  private static var spans: ModelConfig {
    var config = ModelConfig(
      blocks: 2, width: 32, heads: 4, maximumLength: 48, vocabulary: 359)
    config.architecture = .encoderDecoder
    config.objective = .spanCorruption
    config.embedding.positions = .relative
    config.embedding.relativeHeads = 4
    config.embedding.relativeBuckets = 16
    config.embedding.relativeDistance = 20
    config.logitScale = 1 / 32.0.squareRoot()
    config.finalNorm = NormConfig(.rmsNorm)
    var mixer = SoftmaxAttention.Options(heads: 4)
    mixer.scale = 1
    mixer.bias = false
    var cross = CrossAttention.Options(heads: 4)
    cross.scale = 1
    cross.bias = false
    for index in config.blocks.indices {
      config.blocks[index].norm = NormConfig(.rmsNorm)
      config.blocks[index].mixer = Spec(SoftmaxAttention.kind, mixer)
      config.blocks[index].feedForward = network(.relu, bias: false)
    }
    config.encoderBlocks = config.blocks
    for index in config.blocks.indices { config.blocks[index].crossAttention = cross }
    return config
  }

  private static func network(_ activation: Activation, bias: Bool) -> Spec {
    var options = MLP.Options()
    options.hidden = 96
    options.activation = activation
    options.bias = bias
    return Spec(MLP.kind, options)
  }

  /// The errors of 20 steps.
  ///
  /// - Parameters:
  ///   - lengths: Changes the lengths.
  ///   - change: Changes initial values.
  func measure(
    lengths: ([Int32]) -> [Int32] = { $0 }, _ change: (String, Tensor) -> Tensor = { $1 }
  ) throws -> EncoderErrors {
    var errors = EncoderErrors()
    var model = try Transformer(config, random: RandomSource(seed: 0))
    var absent = Set(file.entries.map(\.name).filter { $0.hasPrefix("initial.") })
    model.updateParameters { name, parameter in
      guard let tensor = try? file.tensor(named: "initial.\(name)"),
        tensor.shape == parameter.value.shape
      else {
        errors.missing.append(name)
        return
      }
      absent.remove("initial.\(name)")
      parameter.value = change(name, tensor)
    }
    errors.missing += absent.sorted()
    let losses = try file.tensor(named: "losses").doubles
    var optimizer = AdamW()
    var context = Context(.training)
    for step in 0..<losses.count {
      func rows(_ name: String) throws -> Tensor? {
        guard file.header[name] != nil else { return nil }
        let all = try file.tensor(named: name)
        return all[step..<step + 1].reshaped(to: Shape(Array(all.shape).dropFirst()))
      }
      let input = ModelInput(
        try #require(try rows("tokens")),
        lengths: try rows("lengths").map { Tensor(integers: lengths($0.integers), $0.shape) },
        decoder: try rows("decoder"))
      let targets = try #require(try rows("targets"))
      if step == 0 { errors.logits = try logitError(model, input, &context) }
      let (loss, gradients) = valueAndGradients(of: model, &context) { model, context in
        model.loss(input, targets: targets, &context)
      }
      if step == 0 { errors.gradients = try gradientError(gradients, &errors) }
      errors.losses = max(errors.losses, abs(loss - losses[step]) / losses[step])
      if step == 0 { errors.first = loss }
      errors.last = loss
      optimizer.update(
        &model, gradients, rate: 3e-3, gradientScale: min(1, 1 / (gradients.norm + 1e-6)))
    }
    return errors
  }

  /// The largest difference of logits at tokens that exist.
  private func logitError(_ model: Transformer, _ input: ModelInput, _ context: inout Context)
    throws -> Double
  {
    let found = model(input, &context)
    let expected = try file.tensor(named: "logits").doubles
    let (length, classes) = (found.shape[1], found.shape[2])
    let ends = input.lengths?.integers.map(Int.init)
    return zip(found.doubles, expected).enumerated().reduce(0) { worst, pair in
      let row = pair.offset / classes
      if let ends, row % length >= ends[row / length] { return worst }
      return max(worst, abs(pair.element.0 - pair.element.1))
    }
  }

  /// The largest relative error of a gradient tensor; those of key biases are 0 in truth.
  private func gradientError(_ gradients: Gradients, _ errors: inout EncoderErrors) throws
    -> Double
  {
    var worst = 0.0
    for entry in file.entries where entry.name.hasPrefix("gradient.") {
      let name = String(entry.name.dropFirst("gradient.".count))
      guard let found = gradients[name] else {
        errors.missing.append("gradient of \(name)")
        continue
      }
      guard !name.hasSuffix("key.bias") else { continue }
      worst = max(
        worst, relativeError(found.doubles, try file.tensor(named: entry.name).doubles))
    }
    return worst
  }
}
