import Synchronization
import Verdant

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

private let received = Atomic<Int32>(0)
private let saveIsWanted = Atomic<Bool>(false)

/// Remembers the first SIGINT or SIGTERM, so that a run can end in order; the second one ends
/// the process at once. SIGUSR1 asks for a checkpoint.
enum Interruption {
  /// Starts to listen.
  static func listen() {
    // The parent may have started us with these signals blocked.
    var mine = sigset_t()
    sigemptyset(&mine)
    sigaddset(&mine, SIGINT)
    sigaddset(&mine, SIGTERM)
    pthread_sigmask(SIG_UNBLOCK, &mine, nil)
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        if received.exchange(number, ordering: .relaxed) != 0 { _exit(128 + number) }
      }
    }
    signal(SIGUSR1) { _ in saveIsWanted.store(true, ordering: .relaxed) }
  }

  /// True once after each SIGUSR1.
  static func takeSaveRequest() -> Bool { saveIsWanted.exchange(false, ordering: .relaxed) }

  /// The exit code that the signal asks for; nil when none came.
  static var code: ExitCode? {
    switch received.load(ordering: .relaxed) {
    case 0: nil
    case SIGTERM: .terminated
    default: .interrupted
    }
  }
}
