import Foundation
import Verdant

/// What one process measured.
struct Figure {
  let value: Double
  let peakBytes: Int

  init(value: Double, peakBytes: Int) {
    self.value = value
    self.peakBytes = peakBytes
  }

  init(_ json: JSONValue) throws {
    guard let value = json["value"]?.doubleValue, value > 0,
      let peak = json["peak_bytes"]?.intValue
    else { throw ChildProcess.Failure(text: "the process reported no figure: \(json)") }
    self.init(value: value, peakBytes: peak)
  }

  var json: JSONValue { ["value": .number(value), "peak_bytes": .integer(peakBytes)] }
}

/// Runs programs whose last line of output is a JSON object.
enum ChildProcess {
  struct Failure: Error, CustomStringConvertible {
    let text: String
    var description: String { text }
  }

  /// The program that runs now, for a subcommand of it.
  static func own(_ arguments: [String]) throws -> JSONValue {
    guard let path = Bundle.main.executablePath else {
      throw Failure(text: "the path of this program is unknown")
    }
    return try json(path, arguments)
  }

  static func json(_ program: String, _ arguments: [String], environment: [String: String] = [:])
    throws -> JSONValue
  {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let output = Pipe()
    // A file, so that a long message cannot fill a pipe while nobody reads it.
    let errors = FileManager.default.temporaryDirectory
      .appendingPathComponent("verdant-bench-\(UUID().uuidString)")
    _ = FileManager.default.createFile(atPath: errors.path, contents: nil)
    defer { try? FileManager.default.removeItem(at: errors) }
    process.standardOutput = output
    process.standardError = try FileHandle(forWritingTo: errors)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let data = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    guard process.terminationReason == .exit, process.terminationStatus == 0 else {
      let message = (try? String(contentsOf: errors, encoding: .utf8)) ?? ""
      throw Failure(
        text: "\(program) ended with \(process.terminationStatus): \(message.suffix(600))")
    }
    let lines = String(decoding: data, as: UTF8.self).split(separator: "\n")
    guard let last = lines.last else { throw Failure(text: "\(program) printed nothing") }
    return try JSONValue(parsing: String(last))
  }
}

/// A line on standard output at once, also where that is a file.
func show(_ text: String) {
  FileHandle.standardOutput.write(Data((text + "\n").utf8))
}

/// A line on standard error: progress and complaints.
func note(_ text: String) {
  FileHandle.standardError.write(Data((text + "\n").utf8))
}
