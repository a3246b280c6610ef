import Foundation

/// Runs the built program as a user would.
enum Program {
  struct Outcome {
    let code: Int32
    let output: String
    let errors: String
  }

  /// The package's folder.
  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// The folder of the built products: the tests stand beside them.
  static let products = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent()

  static let path = products.appendingPathComponent("verdant").path

  /// Runs the program and waits for its end.
  static func run(
    _ arguments: [String], environment: [String: String] = [:], output: FileHandle? = nil,
    in folder: URL? = nil
  ) throws -> Outcome {
    try run(path, arguments, environment: environment, output: output, in: folder)
  }

  static func run(
    _ program: String, _ arguments: [String], environment: [String: String] = [:],
    output: FileHandle? = nil, in folder: URL? = nil
  ) throws -> Outcome {
    let scratch = try Folder()
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.currentDirectoryURL = folder ?? root
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    // Files, not pipes: nothing can fill up and wait.
    let (out, errors) = (scratch.file("out"), scratch.file("errors"))
    for file in [out, errors] { _ = FileManager.default.createFile(atPath: file, contents: nil) }
    process.standardOutput = try output ?? FileHandle(forWritingTo: URL(fileURLWithPath: out))
    process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errors))
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    let reason = process.terminationReason == .exit ? 0 : Int32(1000)
    return Outcome(
      code: process.terminationStatus + reason,
      output: try String(contentsOfFile: out, encoding: .utf8),
      errors: try String(contentsOfFile: errors, encoding: .utf8))
  }
}

/// A temporary folder that goes with its owner.
final class Folder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory
      .appendingPathComponent("verdant-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func file(_ name: String) -> String { url.appendingPathComponent(name).path }

  /// Writes a file and returns its path.
  func write(_ name: String, _ content: some Sequence<UInt8>) throws -> String {
    try Data(content).write(to: url.appendingPathComponent(name))
    return file(name)
  }

  func write(_ name: String, _ text: String) throws -> String { try write(name, text.utf8) }
}

/// A text with enough structure for a loss to fall.
let sampleText = (0..<400).map { "line \($0): the quick brown fox jumps over \($0 % 7) dogs\n" }
  .joined()

/// Options that make any recipe small enough for a test.
let tiny = [
  "model.layers=2", "model.width=32", "model.heads=2", "model.context=32", "training.batch=4",
  "training.flops=null", "training.steps=6",
].flatMap { ["--set", $0] }
