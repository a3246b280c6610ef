public import VerdantBase

#if canImport(Darwin)
internal import Darwin
#elseif canImport(Musl)
internal import Musl
#else
internal import Glibc
#endif

/// The right to write in a folder, held by one process at a time.
///
/// The lock belongs to the open file: it ends with the process, however that ends. What stands in
/// the file only informs.
public final class FolderLock {
  private static let name = "lock"
  private let descriptor: CInt

  /// Takes the lock of a folder.
  ///
  /// - Throws: ``FileError`` with the kind `busy` when another process holds it, naming that one.
  public init(_ folder: String) throws(FileError) {
    let path = "\(folder)/\(Self.name)"
    descriptor = try SystemCalls.open(
      path, O_RDWR | O_CREAT | O_NOFOLLOW, doing: "open the lock of the run")
    guard Self.take(descriptor) else {
      let number = errno
      defer { _ = close(descriptor) }
      guard number == EWOULDBLOCK else {
        throw SystemCalls.error(number, doing: "lock the folder", path)
      }
      var holder = [UInt8](repeating: 0, count: 200)
      let count = holder.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
      let text = String(decoding: holder.prefix(max(0, count)), as: UTF8.self)
      throw FileError(
        .busy, "another process writes in this folder", file: folder,
        rule: text.isEmpty
          ? "one process at a time" : escaped(text.split(separator: "\n").joined()),
        advice: "wait until it ends, or stop it")
    }
    let text = "process \(getpid()) on \(Self.host)\n"
    if ftruncate(descriptor, 0) == 0 {
      _ = text.utf8CString.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count - 1, 0) }
    }
  }

  deinit { Self.release(descriptor) }

  /// A child process that is being started has the open file, too: without giving the lock back it
  /// would stay until the child has its own program.
  private static func release(_ descriptor: CInt) {
    _ = flock(descriptor, LOCK_UN)
    _ = close(descriptor)
  }

  /// One who only asks, by ``isHeld(_:)``, has the lock for some microseconds: a writer that meets
  /// such a moment tries again for a tenth of a second.
  private static func take(_ descriptor: CInt) -> Bool {
    for _ in 0..<100 {
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return true }
      guard errno == EWOULDBLOCK || errno == EINTR else { return false }
      usleep(1000)
    }
    errno = EWOULDBLOCK
    return false
  }

  /// Whether some process holds the lock of a folder.
  public static func isHeld(_ folder: String) -> Bool {
    guard
      let descriptor = try? SystemCalls.open(
        "\(folder)/\(name)", O_RDONLY | O_NOFOLLOW, doing: "open the lock")
    else { return false }
    defer { release(descriptor) }
    guard flock(descriptor, LOCK_SH | LOCK_NB) != 0 else { return false }
    return errno == EWOULDBLOCK
  }

  private static var host: String {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "an unknown host" }
    return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
