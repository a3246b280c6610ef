import Foundation
import Testing
import Verdant
import VerdantTestKit

/// Training against PyTorch in f64, from `Tools/golden/gpt_training.py`.
@Suite struct GoldenTests {
  static let files = ["gpt-training", "gpt-training-low-rank"]

  @Test(arguments: files)
  func trainingEqualsPyTorch(_ name: String) throws { try expectGolden(name) }

  /// What the tolerances are for: the losses of a run without weight decay lie outside.
  @Test func aMissingWeightDecayIsSeen() throws {
    var options = AdamW.Options()
    options.weightDecay = 0
    for name in Self.files {
      let losses = try GoldenRun(name).measure(AdamW(options)).losses
      #expect(losses > 2e-6)
    }
  }

  @Test func trainingByOtherKernelsEqualsPyTorch() throws {
    try OwnProcess.perform {
      Compute.useProductLibrary(false)
      #expect(Compute.productProvider == "built-in")
      for set in Compute.instructionSets {
        #expect(Compute.select(instructionSet: set))
        for name in Self.files { try expectGolden(name) }
      }
    }
  }
}

private func expectGolden(_ name: String) throws {
  let run = try GoldenRun(name)
  let found = try run.measure()
  #expect(found.missing.isEmpty)
  #expect(found.logits <= 1e-5)
  for (name, error) in found.gradients { #expect(error <= 1e-4, "gradient of \(name)") }
  #expect(found.keyBias < 1e-6)
  #expect(found.losses <= 1e-6)
  #expect(found.norms <= 1e-5)
  if ProcessInfo.processInfo.environment["VERDANT_PRINT"] != nil { print(name, found) }
}

/// The largest errors of one golden run.
private struct GoldenErrors: CustomStringConvertible {
  var missing: [String] = []
  var logits = 0.0
  var gradients: [(name: String, error: Double)] = []
  var keyBias = 0.0
  var losses = 0.0
  var norms = 0.0

  var description: String {
    let worst = gradients.max { $0.error < $1.error }
    return "logits \(logits) gradient \(worst?.error ?? 0) (\(worst?.name ?? "")), "
      + "key bias \(keyBias), losses \(losses), norms \(norms) by \(Compute.productProvider)"
  }
}

private struct GoldenRun {
  let file: SafetensorsFile
  let structures: [StructureRule]

  init(_ name: String) throws {
    file = try SafetensorsFile("\(goldenFolder)/\(name).safetensors")
    structures =
      name.hasSuffix("low-rank")
      ? [
        StructureRule(
          match: "blocks.1.feedForward.*", Spec(LowRank.kind, LowRank.Options(rank: 8)))
      ] : []
  }

  func numbers(_ name: String) throws -> [Double] { try file.tensor(named: name).doubles }

  func model(_ missing: inout [String]) throws -> Transformer {
    let config = ModelConfig(
      blocks: 2, width: 32, heads: 4, maximumLength: 16, structures: structures)
    var model = try Transformer(config, random: RandomSource(seed: 0))
    var absent = Set(file.entries.map(\.name).filter { $0.hasPrefix("initial.") })
    var notFound: [String] = []
    model.updateParameters { name, parameter in
      let key = "initial.\(name)"
      guard let tensor = try? file.tensor(named: key), tensor.shape == parameter.value.shape
      else {
        notFound.append(name)
        return
      }
      absent.remove(key)
      parameter.value = tensor
    }
    missing = notFound + absent.sorted()
    return model
  }

  func measure(_ optimizer: AdamW = AdamW()) throws -> GoldenErrors {
    var errors = GoldenErrors()
    var model = try model(&errors.missing)
    let tokens = try file.tensor(named: "tokens")
    let targets = try file.tensor(named: "targets")
    let losses = try numbers("losses")
    let norms = try numbers("gradient_norms")
    let rows: Shape = [tokens.shape[1], tokens.shape[2]]
    var optimizer = optimizer
    var context = Context(.training)
    for step in 0..<losses.count {
      let input = tokens[step..<step + 1].reshaped(to: rows)
      let target = targets[step..<step + 1].reshaped(to: rows)
      if step == 0 {
        errors.logits = largestDifference(try numbers("logits"), model(input, &context).doubles)
      }
      let (loss, gradients) = valueAndGradients(of: model, &context) { model, context in
        model.loss(input, targets: target, &context)
      }
      if step == 0 { try compare(gradients, model, &errors) }
      let norm = gradients.norm
      errors.losses = max(errors.losses, abs(loss - losses[step]) / losses[step])
      errors.norms = max(errors.norms, abs(norm - norms[step]) / norms[step])
      optimizer.update(
        &model, gradients, rate: 1e-3, gradientScale: min(1, 1 / (norm + 1e-6)))
    }
    return errors
  }

  private func compare(_ gradients: Gradients, _ model: Transformer, _ errors: inout GoldenErrors)
    throws
  {
    for (name, _) in model.parameters {
      guard let gradient = gradients[name] else {
        errors.missing.append("gradient \(name)")
        continue
      }
      let expected = try numbers("gradient.\(name)")
      if name.hasSuffix("mixer.key.bias") {
        // A bias of the keys shifts all scores of a row alike: its true gradient is zero.
        errors.keyBias = max(errors.keyBias, gradient.doubles.map(abs).max() ?? 0)
      } else {
        errors.gradients.append((name, relativeError(gradient.doubles, expected)))
      }
    }
  }
}
