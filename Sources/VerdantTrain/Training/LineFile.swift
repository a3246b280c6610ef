import VerdantBase
import VerdantIO

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// A file of JSON lines that only grows: each line is one write.
final class LineFile {
  private let descriptor: Int32
  private let path: String

  /// Opens the file at its end.
  ///
  /// - Parameter mayExist: Appends to what is there; else nothing may be there.
  init(_ path: String, mayExist: Bool = false) throws(FileError) {
    self.path = path
    let flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW
    descriptor = open(path, mayExist ? flags : flags | O_EXCL, 0o666)
    guard descriptor >= 0 else {
      throw FileError(
        .io, "the file cannot be made: \(String(cString: strerror(errno)))", file: path)
    }
  }

  deinit { close(descriptor) }

  /// Cuts off what a run wrote after a step that it goes on from: later steps, the end of the run,
  /// and a line that was not written to its end.
  static func cut(_ path: String, afterStep step: Int) throws {
    guard access(path, F_OK) == 0 else { return }
    let bytes = try readFile(path, limit: 1 << 40, followsLinks: false)
    var (kept, saved, start) = (0, 0, 0)
    var isBefore = true
    while let end = bytes[start...].firstIndex(of: 10) {
      let line = try? JSONValue(parsing: Array(bytes[start..<end]), file: path).objectValue
      guard let line, let event = line["event"]?.stringValue else { break }
      start = end + 1
      let place = line["step"]?.intValue ?? 0
      isBefore = isBefore && event != "end" && place <= step
      if isBefore { kept = start }
      // After a rollback steps come twice: the line of the checkpoint itself tells where it was.
      if event == "checkpoint" && place == step { saved = start }
    }
    if saved > 0 { kept = saved }
    guard kept < bytes.count else { return }
    guard truncate(path, off_t(kept)) == 0 else {
      throw FileError(
        .io, "the file cannot be cut: \(String(cString: strerror(errno)))", file: path)
    }
  }

  func append(_ json: JSONValue) throws {
    let line = try JSONWriter.bytes(of: json) + [10]
    try writeFully(line, to: descriptor, named: path)
  }
}
