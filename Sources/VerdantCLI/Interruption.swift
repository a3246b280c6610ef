import Synchronization
import Verdant

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

private let received = Atomic<Int32>(0)

/// Remembers the first SIGINT or SIGTERM, so that a run can end in order; the second one ends
/// the process at once.
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
  }

  /// The exit code that the signal asks for; nil when none came.
  static var code: ExitCode? {
    switch received.load(ordering: .relaxed) {
    case 0: nil
    case SIGTERM: .terminated
    default: .interrupted
    }
  }
}
