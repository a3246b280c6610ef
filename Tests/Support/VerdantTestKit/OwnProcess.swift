import Foundation

/// Runs the body of a test in a process of its own, where it may change what belongs to the
/// process: kernels, threads, counters.
///
/// The test program is started again for this one test and waited for. Exit tests would do the
/// same, but their monitor waits for children that others started.
public enum OwnProcess {
  /// The child reported issues or died.
  public struct Failure: Error, CustomStringConvertible {
    /// The wait status and the end of the output.
    public let description: String
  }

  private static let mark = "VERDANT_OWN_PROCESS"
  /// A child that hangs is ended by the system after so many seconds.
  private static let limit: UInt32 = 120

  /// Runs `body` alone in a new process.
  ///
  /// - Parameter test: The calling test, which has no arguments.
  public static func perform(test: String = #function, _ body: () throws -> Void) throws {
    #if os(Linux)
    if ProcessInfo.processInfo.environment[mark] == test {
      alarm(limit)
      return try body()
    }
    let name = test.prefix { $0 != "(" }
    try run(["--testing-library", "swift-testing", "--filter", "/\(name)\\("], test)
    #else
    try body()
    #endif
  }

  #if os(Linux)
  private static func run(_ arguments: [String], _ test: String) throws {
    let log = FileManager.default.temporaryDirectory
      .appendingPathComponent("verdant-child-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: log) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 1, log.path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)

    var environment = ProcessInfo.processInfo.environment
    environment[mark] = test
    let program = "/proc/self/exe"
    var words = ([program] + arguments).map { strdup($0) } + [nil]
    var settings = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for word in words + settings { free(word) } }
    var child: pid_t = 0
    guard posix_spawn(&child, program, &actions, nil, &words, &settings) == 0 else {
      throw Failure(description: "cannot start \(program)")
    }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 && errno == EINTR {}
    let output = (try? String(contentsOf: log, encoding: .utf8)) ?? ""
    // A filter that finds nothing ends well, too.
    if status == 0 && output.contains("with 1 test ") { return }
    throw Failure(description: "wait status \(status): \(output.suffix(3000))")
  }
  #endif
}
