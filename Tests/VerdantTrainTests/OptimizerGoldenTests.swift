import Foundation
import Testing
import Verdant
import VerdantTestKit

/// Optimizers against PyTorch in f64, from `Tools/golden/optimizers.py`.
@Suite struct OptimizerGoldenTests {
  @Test func stepsEqualPyTorch() throws {
    for (name, optimizer) in cases { try expectGolden(name, optimizer) }
    #expect(
      Set(cases.map { type(of: $0.optimizer).kind }) == Set(Catalog.optimizers.map { $0.kind }))
  }

  @Test func stepsByOtherKernelsEqualPyTorch() throws {
    try OwnProcess.perform {
      Compute.useProductLibrary(false)
      for set in Compute.instructionSets {
        #expect(Compute.select(instructionSet: set))
        for (name, optimizer) in cases { try expectGolden(name, optimizer) }
      }
    }
  }

  /// What the tolerance is for: each option, changed a little, is outside of it.
  @Test func aWrongOptionIsSeen() throws {
    let wrong: [(String, any Optimizer)] = [
      (
        "sgd",
        SGD(
          .with {
            $0.momentum = 0.91; $0.weightDecay = 0.1
          })
      ),
      ("sgd", SGD(.with { $0.weightDecay = 0.11 })),
      (
        "sgd",
        SGD(
          .with {
            $0.weightDecay = 0.1; $0.nesterov = true
          })
      ),
      (
        "sgd",
        SGD(
          .with {
            $0.weightDecay = 0.1; $0.decoupled = true
          })
      ),
      ("muon", Muon(.with { $0.momentum = 0.94 })), ("muon", Muon(.with { $0.iterations = 6 })),
      ("muon", Muon(.with { $0.nesterov = false })), ("muon", Muon(.with { $0.scale = .original })),
      ("muon", Muon(.with { $0.weightDecay = 0.09 })),
      ("muon", Muon(.with { $0.adamWRate = 0.99 })), ("muon", Muon(.with { $0.beta2 = 0.96 })),
      ("lamb", LAMB(.with { $0.beta2 = 0.998 })), ("lamb", LAMB(.with { $0.weightDecay = 0 })),
      ("lamb", LAMB(.with { $0.largestRatio = 0.3 })),
    ]
    for (name, optimizer) in wrong {
      #expect(try largestError(name, optimizer) > 3 * tolerance, "\(name) \(optimizer.options)")
    }
  }

  @Test func stateIsListedByNameAndSlot() throws {
    func slots(_ optimizer: any Optimizer) throws -> [String] {
      var optimizer = optimizer
      var problem = Problem(try SafetensorsFile(golden))
      let gradients = problem.gradients()
      optimizer.update(&problem, gradients, rate: 0.1, gradientScale: 1)
      #expect(optimizer.state.steps == 1)
      for entry in optimizer.state.entries {
        #expect(optimizer.state[entry.name, entry.slot]?.floats == entry.tensor.floats)
        #expect(gradients[entry.name]?.shape == entry.tensor.shape)
      }
      return optimizer.state.entries.map { "\($0.name).\($0.slot)" }
    }
    let names = ["bias", "scale", "table", "tall", "wide"]
    let moments = names.flatMap { ["\($0).first", "\($0).second"] }
    #expect(try slots(AdamW()) == moments)
    #expect(try slots(LAMB()) == moments)
    #expect(try slots(SGD()) == names.map { "\($0).velocity" })
    #expect(try slots(SGD(.with { $0.momentum = 0 })) == [])
    #expect(try slots(Muon()) == Array(moments.prefix(6)) + ["tall.mean", "wide.mean"])
  }
}

private let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().appendingPathComponent("Golden/optimizers.safetensors").path

/// Of numbers of about one, after twelve steps in single precision.
private let tolerance = 1e-5

/// The cases of the script, by name.
private let cases: [(name: String, optimizer: any Optimizer)] = [
  ("sgd", SGD(.with { $0.weightDecay = 0.1 })),
  (
    "sgd-plain",
    SGD(
      .with {
        $0.momentum = 0; $0.weightDecay = 0.1
      })
  ),
  (
    "sgd-nesterov",
    SGD(
      .with {
        $0.momentum = 0.8; $0.nesterov = true; $0.weightDecay = 0.1
      })
  ),
  (
    "sgd-decoupled",
    SGD(
      .with {
        $0.weightDecay = 0.1; $0.decoupled = true
      })
  ),
  ("adamw", AdamW()),
  ("muon", Muon()),
  (
    "muon-original",
    Muon(
      .with {
        $0.adamWRate = 0.3; $0.scale = .original
      })
  ),
  (
    "muon-heavy-ball",
    Muon(
      .with {
        $0.nesterov = false; $0.iterations = 4; $0.scale = .original
      })
  ),
  ("lamb", LAMB()),
  (
    "lamb-limited",
    LAMB(
      .with {
        $0.beta2 = 0.98; $0.epsilon = 1e-5; $0.weightDecay = 0.1; $0.largestRatio = 0.2
      })
  ),
]

extension Knobs {
  /// The defaults with changes.
  fileprivate static func with(_ change: (inout Self) -> Void) -> Self {
    var options = Self()
    change(&options)
    return options
  }
}

private func expectGolden(_ name: String, _ optimizer: any Optimizer) throws {
  let error = try largestError(name, optimizer)
  #expect(error <= tolerance, "\(name)")
  if ProcessInfo.processInfo.environment["VERDANT_PRINT"] != nil { print(name, error) }
}

/// The largest difference to the script's parameters after any step.
private func largestError(_ name: String, _ optimizer: any Optimizer) throws -> Double {
  let file = try SafetensorsFile(golden)
  let rates = try file.tensor(named: "rates").doubles
  #expect(rates.count >= 10)
  var problem = Problem(file)
  var optimizer = optimizer
  var largest = 0.0
  for (step, rate) in rates.enumerated() {
    optimizer.update(&problem, problem.gradients(), rate: rate, gradientScale: 0.5)
    for (parameterName, parameter) in problem.parameters {
      let expected = try file.tensor(named: "\(name).\(parameterName)")[step..<step + 1].doubles
      let found = parameter.value.doubles
      #expect(found.count == expected.count)
      for (a, b) in zip(found, expected) {
        largest = max(largest, abs(a - b).isNaN ? .infinity : abs(a - b))
      }
    }
  }
  return largest
}

/// Parameters of every role whose loss is `Σ curvature · (value - target)² / 2`.
private struct Problem: Module {
  private var values: [(name: String, parameter: Parameter)] = []
  private var targets: [String: Tensor] = [:]
  private var curvatures: [String: Tensor] = [:]

  init(_ file: SafetensorsFile) {
    let roles: [(String, Parameter.Role)] = [
      ("tall", .weight), ("wide", .weight), ("table", .embedding), ("scale", .scale),
      ("bias", .bias),
    ]
    for (name, role) in roles {
      guard let initial = try? file.tensor(named: "initial.\(name)") else { continue }
      values.append((name, Parameter(initial, role)))
      targets[name] = try? file.tensor(named: "target.\(name)")
      curvatures[name] = try? file.tensor(named: "curvature.\(name)")
    }
  }

  mutating func visit(_ visitor: inout some Visitor) {
    for index in values.indices {
      visitor.parameter(values[index].name, &values[index].parameter)
    }
  }

  func gradients() -> Gradients {
    var gradients = Gradients()
    for (name, parameter) in values {
      guard let target = targets[name], let curvature = curvatures[name] else { continue }
      gradients[name] = curvature * (parameter.value - target)
    }
    return gradients
  }
}
