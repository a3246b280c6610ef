public import Verdant
import VerdantCore

/// Checks that hold for every primitive, on all its examples; what is wrong comes back as values.
public enum CheckPrimitive {
  /// The backward rule against central differences, in f64.
  public static func gradients<P: Primitive>(of type: P.Type) -> [Finding] {
    forEachExample(of: type) { example, values in
      let reference = ReferenceBackend.shared
      let found = Evaluation(example.primitive, values, on: reference).gradients
      let differentiable = values.indices.filter { values[$0].isDifferentiable }
      return zip(differentiable, found).compactMap { input, gradient in
        let expected = centralDifferences(example.primitive, values, input)
        return Tolerance.centralDifferences.difference(gradient, expected)
          .map { "gradient \(input): \($0)" }
      }
    }
  }

  /// A backend against the definition in f64: output and gradients.
  public static func values<P: Primitive>(
    of type: P.Type,
    on backend: any Backend = CPUBackend.shared,
    tolerance: Tolerance = .float32
  ) -> [Finding] {
    forEachExample(of: type) { example, values in
      let found = Evaluation(example.primitive, values, on: backend)
      let expected = Evaluation(example.primitive, values, on: ReferenceBackend.shared)
      return zip(found.parts, expected.parts).compactMap { found, expected in
        tolerance.difference(found.values, expected.values).map { "\(found.name): \($0)" }
      }
    }
  }

  /// Buffers full of NaN between guard zones: same bits, nothing infinite, no zone touched.
  public static func memory<P: Primitive>(of type: P.Type) -> [Finding] {
    forEachExample(of: type) { example, values in
      let poisoned = CPUBackend(poisonsMemory: true)
      let found = Evaluation(example.primitive, values, on: poisoned)
      let expected = Evaluation(example.primitive, values, on: CPUBackend.shared)
      var problems = differentBits(found, expected)
      for part in found.parts where !part.values.allSatisfy(\.isFinite) {
        problems.append("\(part.name) is not finite")
      }
      if poisoned.overrunCount > 0 {
        problems.append("\(poisoned.overrunCount) blocks were written outside")
      }
      return problems
    }
  }

  /// One thread against two: same bits. Changes the thread count of the process for a while.
  public static func threads<P: Primitive>(of type: P.Type) -> [Finding] {
    let before = Compute.threadCount
    defer { Compute.threadCount = before }
    return forEachExample(of: type) { example, values in
      let results = [1, 2].map { count in
        Compute.threadCount = count
        return Evaluation(example.primitive, values, on: CPUBackend.shared)
      }
      return differentBits(results[0], results[1])
    }
  }

  private static func forEachExample<P: Primitive>(
    of type: P.Type,
    _ check: (Example<P>, [InputValues]) -> [String]
  ) -> [Finding] {
    P.examples.enumerated().flatMap { index, example in
      check(example, example.values(seed: UInt64(index))).map {
        Finding(example.subject(index), $0)
      }
    }
  }

  private static func differentBits(_ a: Evaluation, _ b: Evaluation) -> [String] {
    zip(a.parts, b.parts).compactMap { a, b in
      a.values.map(\.bitPattern) == b.values.map(\.bitPattern) ? nil : "\(a.name) has other bits"
    }
  }

  private static func centralDifferences<P: Primitive>(
    _ primitive: P,
    _ values: [InputValues],
    _ input: Int
  ) -> [Double] {
    guard case .numbers(let numbers, let shape) = values[input] else { return [] }
    let step = 1e-5
    return numbers.indices.map { index in
      func value(_ change: Double) -> Double {
        var moved = numbers
        moved[index] += change
        var all = values
        all[input] = .numbers(moved, shape)
        return Evaluation.value(primitive, all, on: ReferenceBackend.shared)
      }
      return (value(step) - value(-step)) / (2 * step)
    }
  }
}

/// A primitive of the catalog as a test argument.
public struct CheckedPrimitive: Sendable, CustomStringConvertible {
  /// The type.
  public let type: any Primitive.Type

  /// The basis.
  public static var basis: [CheckedPrimitive] {
    PrimitiveCatalog.basis.map { CheckedPrimitive(type: $0) }
  }
  /// The basis and the fused operations.
  public static var all: [CheckedPrimitive] {
    basis + PrimitiveCatalog.fused.map { CheckedPrimitive(type: $0) }
  }

  /// The name.
  public var description: String { type.name }

  /// Runs a check for the type.
  public func check(_ body: (any Primitive.Type) -> [Finding]) -> [Finding] { body(type) }
}
