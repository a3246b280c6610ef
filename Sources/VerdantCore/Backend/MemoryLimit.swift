internal import CVerdant

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Memory that this process may still take, by one of the things that bound it.
public struct MemoryLimit: Sendable, Equatable {
  /// What bounds it, for messages.
  public let name: String
  /// Bytes that are left.
  public let byteCount: Int
  /// True when reserved addresses count, not only the pages that were written.
  public let countsAddresses: Bool

  /// Makes a limit.
  public init(_ name: String, _ byteCount: Int, countsAddresses: Bool = false) {
    self.name = name
    self.byteCount = max(0, byteCount)
    self.countsAddresses = countsAddresses
  }

  /// The limits of this process: the machine, its control groups, the limits of its shell, and
  /// `VERDANT_MEMORY_LIMIT`.
  public static var all: [MemoryLimit] {
    system(root: "") + resources
      + requested(getenv("VERDANT_MEMORY_LIMIT").map { String(cString: $0) })
  }

  /// What the files of a Linux system say.
  ///
  /// - Parameter root: Stands before the paths of the files.
  static func system(root: String) -> [MemoryLimit] {
    let table = text(root + "/proc/meminfo")
    let available = table.flatMap { number(of: "MemAvailable:", in: $0) }.map { $0 * 1024 }
    let machine = available ?? (root.isEmpty ? Compute.physicalByteCount : 0)
    let groups = (text(root + "/proc/self/cgroup") ?? "").split(separator: "\n")
    return (machine > 0 ? [MemoryLimit("free memory of the machine", machine)] : [])
      + groups.flatMap { group(String($0), root: root) }
  }

  /// The limits of one line of `/proc/self/cgroup`, and of the groups around that group.
  private static func group(_ line: String, root: String) -> [MemoryLimit] {
    let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3 else { return [] }
    let isUnified = parts[1].isEmpty
    guard isUnified || parts[1].split(separator: ",").contains("memory") else { return [] }
    let base = root + (isUnified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory")
    let names = isUnified ? ("memory.max", "memory.current") : firstVersionNames
    var folders = [base]
    for part in parts[2].split(separator: "/") {
      folders.append(folders[folders.count - 1] + "/\(part)")
    }
    return folders.compactMap { folder in
      // "max" is no number; version 1 says so by a number beyond any memory.
      guard let limit = text("\(folder)/\(names.0)").flatMap(leadingNumber), limit < 1 << 60,
        let used = text("\(folder)/\(names.1)").flatMap(leadingNumber)
      else { return nil }
      // The cache of files gives way to memory that is asked for.
      let cache =
        text("\(folder)/memory.stat").flatMap {
          number(of: isUnified ? "inactive_file" : "total_inactive_file", in: $0)
        } ?? 0
      return MemoryLimit("limit of the control group", limit - used + min(cache, used))
    }
  }

  private static let firstVersionNames = ("memory.limit_in_bytes", "memory.usage_in_bytes")

  /// What `ulimit` leaves.
  private static var resources: [MemoryLimit] {
    let sizes = (text("/proc/self/statm") ?? "").split(separator: " ").map { Int($0) ?? 0 }
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    func left(_ name: String, _ limit: rlimit?, used: Int?) -> [MemoryLimit] {
      guard let limit, limit.rlim_cur < 1 << 60 else { return [] }
      let used = (used ?? 0) * page
      return [MemoryLimit(name, Int(limit.rlim_cur) - used, countsAddresses: true)]
    }
    // Fields of statm: all addresses first, those for data sixth.
    return left(
      "limit of addresses (ulimit -v)", resource(RLIMIT_AS), used: sizes.first)
      + left(
        "limit of data (ulimit -d)", resource(RLIMIT_DATA),
        used: sizes.count > 5 ? sizes[5] : nil)
  }

  #if canImport(Darwin)
  private static func resource(_ which: Int32) -> rlimit? {
    var limit = rlimit()
    return getrlimit(which, &limit) == 0 ? limit : nil
  }
  #else
  private static func resource(_ which: __rlimit_resource) -> rlimit? {
    var limit = rlimit()
    return getrlimit(__rlimit_resource_t(which.rawValue), &limit) == 0 ? limit : nil
  }
  #endif

  /// A limit that the user asks for: bytes of the whole process.
  static func requested(_ value: String?) -> [MemoryLimit] {
    guard let value, let bytes = Int(value), bytes >= 0 else { return [] }
    return [MemoryLimit("VERDANT_MEMORY_LIMIT", bytes - Compute.residentByteCount)]
  }

  private static func leadingNumber(_ text: String) -> Int? { Int(text.prefix { $0.isNumber }) }

  /// The number behind a word at the start of a line.
  private static func number(of word: String, in text: String) -> Int? {
    for line in text.split(separator: "\n") where line.hasPrefix(word) {
      let rest = line.dropFirst(word.count).drop { $0 == " " }
      return Int(rest.prefix { $0.isNumber })
    }
    return nil
  }

  /// A small file of the system, whose size is not known before it is read.
  private static func text(_ path: String) -> String? {
    guard let file = fopen(path, "re") else { return nil }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes[..<count], as: UTF8.self)
  }
}
