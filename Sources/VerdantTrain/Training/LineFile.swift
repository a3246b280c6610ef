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

  init(_ path: String) throws(FileError) {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw FileError(
        .io, "the file cannot be made: \(String(cString: strerror(errno)))", file: path)
    }
  }

  deinit { close(descriptor) }

  func append(_ json: JSONValue) throws {
    let line = try JSONWriter.bytes(of: json) + [10]
    try writeFully(line, to: descriptor, named: path)
  }
}
