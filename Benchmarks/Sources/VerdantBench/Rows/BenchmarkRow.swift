import ArgumentParser
import Verdant

/// The numbers that a row calculates with.
enum Precision: String, CaseIterable, ExpressibleByArgument {
  case f32, bf16

  var dtype: DType { self == .f32 ? .float32 : .bfloat16 }
}

/// What a row's figure counts.
enum Unit: String {
  case milliseconds = "ms"
  case gigaflops = "GFLOP/s"
  case tokens = "tokens/s"
  case megabytes = "MB/s"

  /// Above 1 where ours is better.
  func ratio(ours: Double, peer: Double) -> Double {
    self == .milliseconds ? peer / ours : ours / peer
  }

  /// True when the first figure is the better one.
  func isBetter(_ one: Double, than other: Double) -> Bool {
    ratio(ours: one, peer: other) > 1
  }
}

/// The work behind one unit of a row: what the machine's limit is counted from.
struct Work {
  /// Floating-point operations.
  var operations: Double
  /// Bytes that have to be read or written at least once.
  var bytes: Double
  /// What the figure counts in this work: tokens, or operations in GFLOP; 1 for a time.
  var amount = 1.0
}

/// One row of a suite: a workload that we and the peer run.
struct BenchmarkRow {
  let name: String
  let precision: Precision
  let unit: Unit
  /// The workload for the peer's program; `precision` is added.
  let description: JSONObject
  /// Replaces members of `description` in the short trials of the peer's variants.
  var trial: JSONObject = [:]
  let work: () throws -> Work
  /// Runs our side and returns the figure; nil where the library lacks what it needs.
  let ours: (() throws -> Double)?

  var key: String { "\(name) \(precision.rawValue)" }

  /// What the peer's program reads.
  func peerDescription(_ variant: PeerVariant, trial isTrial: Bool) -> JSONValue {
    var object = description
    object["precision"] = .string(precision.rawValue)
    object["compile"] = .bool(variant.isCompiled)
    if isTrial { for (key, value) in trial { object[key] = value } }
    return .object(object)
  }

  /// The part of the machine's limit that a figure reaches.
  func limitShare(of figure: Double, _ limits: MachineLimits) throws -> Double {
    let work = try work()
    let least = limits.leastSeconds(work, precision)
    let seconds =
      unit == .milliseconds ? figure * 1e-3 : work.amount / figure
    return least / seconds
  }
}
