import Synchronization
public import VerdantBase

#if canImport(Darwin)
internal import Darwin
#elseif canImport(Musl)
internal import Musl
#else
internal import Glibc
#endif

/// What a program does when another one cuts off a file that it has mapped: the lost pages raise
/// SIGBUS, and no value could stand for what they held.
public enum LostPages {
  /// From now on ends the process with the status of ``FileError/Kind/changed`` and one line on
  /// standard error that names the file. For files that are mapped after the call.
  ///
  /// Any other SIGBUS ends the process as it would without this.
  ///
  /// - Parameter render: Makes the line, without its end. It is called when a file is mapped.
  public static func endProcess(
    saying render: @escaping @Sendable (ErrorReport) -> String = { $0.description }
  ) {
    renderer.withLock { $0 = render }
    var action = sigaction()
    action.sa_flags = SA_SIGINFO
    #if canImport(Darwin)
    action.__sigaction_u.__sa_sigaction = handleLostPage
    #elseif canImport(Musl)
    action.__sa_handler.sa_sigaction = handleLostPage
    #else
    action.__sigaction_handler.sa_sigaction = handleLostPage
    #endif
    _ = sigaction(SIGBUS, &action, nil)
  }

  /// Remembers a mapping; nil when nobody listens or too many are remembered.
  static func add(_ base: UnsafeMutableRawPointer, _ count: Int, _ path: String) -> Int? {
    guard let render = renderer.withLock({ $0 }) else { return nil }
    let error = FileError(
      .changed, "the file became shorter while it was read", file: path,
      rule: "it had \(count) bytes")
    let line = Array((render(error.report) + "\n").utf8)
    for index in 0..<mostRegions
    where regions[index].start.compareExchange(
      expected: 0, desired: claimed, ordering: .acquiring
    ).exchanged {
      let text = UnsafeMutablePointer<UInt8>.allocate(capacity: line.count)
      text.initialize(from: line, count: line.count)
      regions[index].line.store(UInt(bitPattern: text), ordering: .relaxed)
      regions[index].lineCount.store(line.count, ordering: .relaxed)
      regions[index].count.store(UInt(count), ordering: .relaxed)
      regions[index].start.store(UInt(bitPattern: base), ordering: .releasing)
      return index
    }
    return nil
  }

  /// Forgets a mapping that ends.
  static func remove(_ index: Int?) {
    guard let index else { return }
    regions[index].start.store(claimed, ordering: .sequentiallyConsistent)
    let text = UnsafeMutablePointer<UInt8>(bitPattern: regions[index].line.load(ordering: .relaxed))
    text?.deallocate()
    regions[index].start.store(0, ordering: .releasing)
  }
}

/// A mapping, with the line to print when it loses pages: all that a signal handler may need.
private struct Region: ~Copyable {
  let start = Atomic<UInt>(0)
  let count = Atomic<UInt>(0)
  let line = Atomic<UInt>(0)
  let lineCount = Atomic<Int>(0)
}

private let mostRegions = 256
/// No address of a page.
private let claimed: UInt = 1

private nonisolated(unsafe) let regions: UnsafeMutablePointer<Region> = {
  let regions = UnsafeMutablePointer<Region>.allocate(capacity: mostRegions)
  for index in 0..<mostRegions { (regions + index).initialize(to: Region()) }
  return regions
}()

private let renderer = Mutex<(@Sendable (ErrorReport) -> String)?>(nil)

/// Only calls that a signal handler may make. The thread that lost the page has mapped it before,
/// so that the table is there and its entry is complete.
private func handleLostPage(
  _ number: CInt, _ info: UnsafeMutablePointer<siginfo_t>?, _ context: UnsafeMutableRawPointer?
) {
  #if canImport(Darwin)
  let address = UInt(bitPattern: info?.pointee.si_addr)
  #elseif canImport(Musl)
  let address = UInt(bitPattern: info?.pointee.__si_fields.__sigfault.si_addr)
  #else
  let address = UInt(bitPattern: info?.pointee._sifields._sigfault.si_addr)
  #endif
  for index in 0..<mostRegions {
    let start = regions[index].start.load(ordering: .acquiring)
    guard start > claimed, address >= start,
      address - start < regions[index].count.load(ordering: .relaxed)
    else { continue }
    let text = UnsafeRawPointer(bitPattern: regions[index].line.load(ordering: .relaxed))
    _ = write(STDERR_FILENO, text, regions[index].lineCount.load(ordering: .relaxed))
    _exit(ExitCode.ioError.rawValue)
  }
  // The instruction runs again and ends the process as it would have.
  signal(SIGBUS, SIG_DFL)
}
