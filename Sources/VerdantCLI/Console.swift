import Verdant

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Writes to the terminal: results to standard output, everything else to standard error.
enum Console {
  /// True when standard error is a terminal that can redraw a line.
  static var isInteractive: Bool {
    isatty(STDERR_FILENO) == 1 && environment("TERM") != "dumb"
  }

  /// True when colour is wanted (no-color.org).
  static var hasColor: Bool { isInteractive && (environment("NO_COLOR") ?? "").isEmpty }

  /// The terminal's width in columns.
  static var width: Int {
    var size = winsize()
    return ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
      ? Int(size.ws_col) : 80
  }

  /// A line on standard output.
  ///
  /// - Throws: ``FileError`` when it cannot be written.
  static func result(_ text: String, terminator: String = "\n") throws(FileError) {
    try writeFully(Array((text + terminator).utf8), to: STDOUT_FILENO, named: "standard output")
  }

  /// A value as one line of JSON on standard output.
  static func result(_ json: JSONValue) throws { try result(json.serialized()) }

  /// A line on standard error.
  static func error(_ text: String, terminator: String = "\n") {
    // Nobody is left to tell when standard error itself fails.
    try? writeFully(Array((text + terminator).utf8), to: STDERR_FILENO, named: "standard error")
  }

  /// Text in a dim colour where colour is wanted.
  static func dim(_ text: String) -> String { hasColor ? "\u{1B}[2m\(text)\u{1B}[0m" : text }

  private static func environment(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }
}

/// Ends the process.
func leave(_ code: ExitCode) -> Never { exit(code.rawValue) }
