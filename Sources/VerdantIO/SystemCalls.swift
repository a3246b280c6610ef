internal import VerdantBase

#if canImport(Darwin)
internal import Darwin
#elseif canImport(Musl)
internal import Musl
#else
internal import Glibc
#endif

/// The few system calls this module needs, with interruptions retried and failures as errors.
enum SystemCalls {
  /// Opens a path; the descriptor is not inherited by child processes.
  static func open(
    _ path: String,
    _ flags: CInt,
    mode: mode_t = 0o666,
    doing action: String
  ) throws(FileError) -> CInt {
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw FileError(
        .invalidPath,
        "cannot \(action)",
        file: path,
        rule: "a path is not empty and has no NUL character"
      )
    }
    while true {
      let descriptor = openFile(path, flags | O_CLOEXEC, mode)
      if descriptor >= 0 { return descriptor }
      if errno != EINTR { throw error(errno, doing: action, path) }
    }
  }

  /// Type, size and identity of an open file.
  static func status(_ descriptor: CInt, _ path: String) throws(FileError) -> stat {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw error(errno, doing: "examine", path) }
    return status
  }

  /// Whether something, even a dangling link, has this path.
  static func exists(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
  }

  /// Makes the content of a file or the entries of a folder durable.
  static func synchronize(_ descriptor: CInt, _ path: String) throws(FileError) {
    #if canImport(Darwin)
    if fcntl(descriptor, F_FULLFSYNC) == 0 { return }
    #endif
    guard fsync(descriptor) == 0 else { throw error(errno, doing: "make durable", path) }
  }

  /// Makes the entries of a folder durable; a file system that cannot do that is accepted.
  static func synchronizeFolder(_ path: String) throws(FileError) {
    let descriptor = try open(path, O_RDONLY | O_DIRECTORY, doing: "open the folder")
    defer { _ = close(descriptor) }
    guard fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP else {
      throw error(errno, doing: "make the folder durable", path)
    }
  }

  /// Writes all bytes, in as many pieces as the system wants.
  static func writeFully(
    _ bytes: UnsafeRawBufferPointer,
    to descriptor: CInt,
    _ path: String
  ) throws(FileError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(largestTransfer))
      let count = write(descriptor, piece.baseAddress, piece.count)
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if count == 0 || errno != EINTR {
        throw error(count == 0 ? EIO : errno, doing: "write", path)
      }
    }
  }

  /// Fills a buffer from an offset of a file; the result is less only where the file ends.
  static func readFully(
    into buffer: UnsafeMutableRawBufferPointer,
    from descriptor: CInt,
    at offset: Int,
    _ path: String
  ) throws(FileError) -> Int {
    var done = 0
    while done < buffer.count {
      let piece = UnsafeMutableRawBufferPointer(
        rebasing: buffer[done..<min(buffer.count, done + largestTransfer)]
      )
      let count = pread(descriptor, piece.baseAddress, piece.count, off_t(offset + done))
      if count > 0 {
        done += count
      } else if count == 0 {
        break
      } else if errno != EINTR {
        throw error(errno, doing: "read", path)
      }
    }
    return done
  }

  /// Fills a buffer from an offset of a file that had `count` bytes when it was opened.
  static func fill(
    _ buffer: UnsafeMutableRawBufferPointer,
    from descriptor: CInt,
    at offset: Int,
    of count: Int,
    _ path: String
  ) throws(FileError) {
    let read = try readFully(into: buffer, from: descriptor, at: offset, path)
    guard read == buffer.count else {
      throw FileError(
        .changed,
        "the file became shorter while it was read",
        file: path,
        rule: "it had \(count) bytes and ends at \(offset + read) now"
      )
    }
  }

  /// The error that an error number means.
  static func error(_ number: CInt, doing action: String, _ path: String) -> FileError {
    let kind: FileError.Kind =
      switch number {
      case ENOENT, ENOTDIR: .missing
      case EACCES, EPERM: .notReadable
      case ELOOP: .symbolicLink
      case ENXIO, EISDIR: .notARegularFile
      case ENAMETOOLONG, EINVAL: .invalidPath
      case EEXIST, ENOTEMPTY: .exists
      case ENOSPC, EDQUOT, EFBIG: .noSpace
      case ENOMEM: .outOfMemory
      default: .io
      }
    return FileError(kind, "cannot \(action)", file: path, rule: message(number))
  }

  private static func message(_ number: CInt) -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard strerror_r(number, &buffer, buffer.count) == 0 else { return "error \(number)" }
    return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// Systems refuse or cut single transfers near 2 GiB.
  private static let largestTransfer = 1 << 30
}

private func openFile(_ path: String, _ flags: CInt, _ mode: mode_t) -> CInt {
  open(path, flags, mode)
}
