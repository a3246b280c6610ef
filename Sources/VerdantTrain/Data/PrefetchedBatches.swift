import Foundation
public import VerdantBase

/// Prepares the next batches of a source on a thread of its own while the current one is computed.
///
/// The rows are those of the source, in the same order. A request that does not follow the last one
/// begins anew at its place. The thread begins with the first request and ends with the last copy
/// of this value; an error of the source reaches the request that would have got its rows.
public final class PrefetchedBatches: BatchSource {
  private let producer: Producer

  /// Decorates a source.
  ///
  /// - Parameter depth: Batches that are prepared at most, at least one.
  public init(_ source: any BatchSource, depth: Int = 2) {
    producer = Producer(source, depth: max(1, depth))
  }

  deinit { producer.stop() }

  /// The samples of an epoch.
  public var sampleCount: Int { producer.source.sampleCount }

  /// The rows that begin at a global sample number.
  ///
  /// - Throws: ``DataError`` of the source.
  public func rows(from sample: Int, count: Int) throws(DataError) -> TokenRows {
    try producer.take(Request(sample: sample, count: count))
  }
}

/// What a batch is asked for by.
private struct Request: Equatable {
  var sample: Int
  var count: Int

  /// What is probably asked for next.
  var next: Request { Request(sample: sample + count, count: count) }
}

/// The bounded queue between the two threads.
///
/// `@unchecked Sendable`: every variable is read and written under the condition's lock alone.
private final class Producer: @unchecked Sendable {
  let source: any BatchSource
  private let depth: Int
  private let condition = NSCondition()
  /// One request at a time: another one would begin anew what this one waits for.
  private let turn = NSLock()
  /// Rows in the order of their requests.
  private var ready: [Result<TokenRows, DataError>] = []
  /// What the first of `ready` answers, or will answer.
  private var first: Request?
  /// What the thread makes next.
  private var upcoming: Request?
  /// Tells rows that were begun before the place changed.
  private var generation = 0
  private var hasFailed = false
  private var isRunning = false
  private var isStopped = false

  init(_ source: any BatchSource, depth: Int) {
    self.source = source
    self.depth = depth
  }

  func take(_ request: Request) throws(DataError) -> TokenRows {
    turn.lock()
    defer { turn.unlock() }
    condition.lock()
    if request != first || (hasFailed && ready.isEmpty) { restart(request) }
    startThread()
    while ready.isEmpty { condition.wait() }
    let result = ready.removeFirst()
    first = request.next
    condition.broadcast()
    condition.unlock()
    return try result.get()
  }

  /// Stops the thread and waits for its end.
  func stop() {
    condition.lock()
    isStopped = true
    condition.broadcast()
    while isRunning { condition.wait() }
    condition.unlock()
  }

  private func restart(_ request: Request) {
    generation += 1
    ready = []
    hasFailed = false
    first = request
    upcoming = request
    condition.broadcast()
  }

  private func startThread() {
    guard !isRunning else { return }
    isRunning = true
    let thread = Thread { [self] in produce() }
    thread.name = "verdant batches"
    thread.start()
  }

  private func produce() {
    condition.lock()
    while !isStopped {
      guard let request = upcoming, ready.count < depth, !hasFailed else {
        condition.wait()
        continue
      }
      let mine = generation
      upcoming = request.next
      condition.unlock()
      let result = Result { () throws(DataError) in
        try source.rows(from: request.sample, count: request.count)
      }
      condition.lock()
      guard mine == generation else { continue }
      ready.append(result)
      if case .failure = result { hasFailed = true }
      condition.broadcast()
    }
    isRunning = false
    condition.broadcast()
    condition.unlock()
  }
}
