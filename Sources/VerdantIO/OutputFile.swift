public import VerdantBase

#if canImport(Darwin)
internal import Darwin
#elseif canImport(Musl)
internal import Musl
#else
internal import Glibc
#endif

/// A newly created file that is written from start to end.
///
/// It comes from ``AtomicFile/output`` or ``AtomicFolder/makeFile(named:)``, which decide when it
/// becomes visible under its final name.
public final class OutputFile {
  /// The path the file is written at, which may be a temporary one.
  public let path: String
  /// The number of bytes written so far.
  public private(set) var count = 0
  /// Sees every piece of bytes after it was written, for hashing without a second pass.
  public var observer: ((UnsafeRawBufferPointer) -> Void)?

  private let shownPath: String
  private var descriptor: CInt
  private var reserved = 0

  /// Creates a file where nothing is yet.
  init(creating path: String, shownAs shownPath: String) throws(FileError) {
    self.path = path
    self.shownPath = shownPath
    do {
      descriptor = try SystemCalls.open(
        path,
        O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW,
        doing: "create"
      )
    } catch {
      let kind: FileError.Kind = error.kind == .noSpace ? .noSpace : .cannotCreate
      throw FileError(
        kind,
        "cannot create the output",
        file: shownPath,
        rule: error.report.rule,
        advice: error.kind == .missing ? "create its folder first" : nil
      )
    }
  }

  deinit {
    if descriptor >= 0 { _ = close(descriptor) }
  }

  /// Claims disk space in advance, where the file system can do that.
  ///
  /// - Parameter byteCount: The size the file will have, in bytes.
  /// - Throws: ``FileError`` with the kind `noSpace` when the space is not there.
  public func reserve(_ byteCount: Int) throws(FileError) {
    guard byteCount > count, descriptor >= 0 else { return }
    #if !canImport(Darwin)
    let number = posix_fallocate(descriptor, 0, off_t(byteCount))
    if number == ENOSPC || number == EFBIG || number == EDQUOT {
      throw SystemCalls.error(number, doing: "reserve \(byteCount) bytes", shownPath)
    }
    if number == 0 { reserved = byteCount }
    #endif
  }

  /// Appends bytes.
  ///
  /// - Throws: ``FileError`` when they cannot all be written.
  public func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    guard descriptor >= 0 else {
      throw FileError(.io, "cannot write to a finished file", file: shownPath, code: .internalError)
    }
    try SystemCalls.writeFully(bytes, to: descriptor, shownPath)
    count += bytes.count
    observer?(bytes)
  }

  /// Appends bytes.
  ///
  /// - Throws: ``FileError`` when they cannot all be written.
  public func write(_ bytes: [UInt8]) throws(FileError) {
    let result = bytes.withUnsafeBytes { buffer in
      Result { () throws(FileError) in try write(buffer) }
    }
    try result.get()
  }

  /// Appends the UTF-8 bytes of a text.
  ///
  /// - Throws: ``FileError`` when they cannot all be written.
  public func write(_ text: String) throws(FileError) { try write(Array(text.utf8)) }

  /// Makes the content durable and closes the file; a second call does nothing.
  ///
  /// - Throws: ``FileError`` when the system reports that data may be lost.
  public func finish() throws(FileError) {
    guard descriptor >= 0 else { return }
    if reserved > count, ftruncate(descriptor, off_t(count)) != 0 {
      throw SystemCalls.error(errno, doing: "set the size", shownPath)
    }
    try SystemCalls.synchronize(descriptor, shownPath)
    let closing = descriptor
    descriptor = -1
    guard close(closing) == 0 || errno == EINTR else {
      throw SystemCalls.error(errno, doing: "close", shownPath)
    }
  }

  /// Closes the file without making it durable.
  func abandon() {
    if descriptor >= 0 { _ = close(descriptor) }
    descriptor = -1
  }
}

/// Writes all bytes to an open descriptor, such as standard output.
///
/// - Parameters:
///   - bytes: What to write.
///   - descriptor: An open descriptor; it stays open.
///   - name: What to call it in errors.
/// - Throws: ``FileError`` when the bytes cannot all be written.
public func writeFully(
  _ bytes: [UInt8],
  to descriptor: Int32,
  named name: String
) throws(FileError) {
  let result = bytes.withUnsafeBytes { buffer in
    Result { () throws(FileError) in try SystemCalls.writeFully(buffer, to: descriptor, name) }
  }
  try result.get()
}
