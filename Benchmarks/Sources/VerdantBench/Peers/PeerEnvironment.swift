import ArgumentParser
import Foundation
import Verdant

/// The program of `Benchmarks/peers` that runs rows, and the package that it measures.
struct PeerProgram {
  let file: String
  let package: String
}

/// The Python environment that the peers run in.
struct PeerEnvironment {
  private let python: String
  private let vendorCheck: String?
  private let program: String
  private let package: String
  /// Version by name.
  let versions: JSONValue

  /// Finds `Benchmarks/.venv`, or the folder that VERDANT_PEERS names.
  ///
  /// - Throws: An exit with code 69, after a message, where there is none.
  init(root: String, _ peer: PeerProgram) throws {
    let named = ProcessInfo.processInfo.environment["VERDANT_PEERS"]
    let folder = named ?? "\(root)/Benchmarks/.venv"
    python = "\(folder)/bin/python"
    program = "\(root)/Benchmarks/peers/\(peer.file)"
    package = peer.package
    let library = "\(folder)/mkl_vendor_check.so"
    vendorCheck = FileManager.default.fileExists(atPath: library) ? library : nil
    guard FileManager.default.isExecutableFile(atPath: python) else {
      note(
        "there are no peers in \(folder): run `scripts/bench --setup-peers`, or measure ours "
          + "alone with --no-peers")
      throw ArgumentParser.ExitCode(69)
    }
    versions = try ChildProcess.json(python, [program, #"{"kind": "versions"}"#])
  }

  func has(_ variant: PeerVariant) -> Bool { variant.hasVendorCheck || vendorCheck != nil }

  func name(_ variant: PeerVariant) -> String {
    let version = versions[package]?.stringValue.map { " \($0)" } ?? ""
    return package == "PyTorch" ? "PyTorch\(version) (\(variant.name))" : package + version
  }

  /// One row in a process of its own.
  func run(_ row: BenchmarkRow, _ variant: PeerVariant, trial: Bool = false) throws -> Figure {
    var environment: [String: String] = [:]
    if !variant.hasVendorCheck { environment["LD_PRELOAD"] = vendorCheck }
    return try Figure(
      ChildProcess.json(
        python, [program, row.peerDescription(variant, trial: trial).serialized()],
        environment: environment))
  }
}
