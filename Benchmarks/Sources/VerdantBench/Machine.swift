import Foundation
import Verdant

/// The description of the machine in a results file.
enum Machine {
  static func json(limits: JSONValue, peers: JSONValue?) -> JSONValue {
    [
      "cpu": .string(Compute.processorName), "cores": .integer(Compute.coreCount),
      "threads": .integer(Compute.threadCount),
      "memory_bytes": .integer(Compute.physicalByteCount), "isa": .string(Compute.instructionSet),
      "provider": .string(Compute.productProvider), "os": .string(system),
      "verdant": .string(RunFolder.version), "peers": peers ?? .null, "limits": limits,
    ]
  }

  /// The day, in coordinated universal time.
  static var today: String { Date().formatted(.iso8601.year().month().day()) }

  private static var system: String {
    let release = (try? String(contentsOfFile: "/etc/os-release", encoding: .utf8)) ?? ""
    for line in release.split(separator: "\n") where line.hasPrefix("PRETTY_NAME=") {
      return line.dropFirst("PRETTY_NAME=".count).replacingOccurrences(of: "\"", with: "")
    }
    return ProcessInfo.processInfo.operatingSystemVersionString
  }
}
