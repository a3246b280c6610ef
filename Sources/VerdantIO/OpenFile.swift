internal import VerdantBase

#if canImport(Darwin)
internal import Darwin
#elseif canImport(Musl)
internal import Musl
#else
internal import Glibc
#endif

/// A regular file opened for reading; closed with its last use unless released.
struct OpenFile: ~Copyable {
  let path: String
  let count: Int
  private var descriptor: CInt

  init(_ path: String, followsLinks: Bool = true) throws(FileError) {
    let links = followsLinks ? 0 : O_NOFOLLOW
    // Without O_NONBLOCK a pipe without writers would block the process here.
    let descriptor = try SystemCalls.open(path, O_RDONLY | O_NONBLOCK | links, doing: "open")
    do throws(FileError) {
      let status = try SystemCalls.status(descriptor, path)
      guard status.st_mode & S_IFMT == S_IFREG else {
        throw FileError(
          .notARegularFile,
          "not a regular file but \(Self.kindName(status.st_mode))",
          file: path,
          rule: "only regular files are read"
        )
      }
      count = Int(status.st_size)
    } catch {
      _ = close(descriptor)
      throw error
    }
    self.path = path
    self.descriptor = descriptor
  }

  deinit {
    if descriptor >= 0 { _ = close(descriptor) }
  }

  /// Gives the descriptor away, to be closed by the caller.
  consuming func release() -> CInt {
    let result = descriptor
    descriptor = -1
    return result
  }

  /// Reads a range that lies inside the file.
  func bytes(in range: Range<Int>) throws(FileError) -> [UInt8] {
    var failure: FileError?
    let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, initialized in
      do throws(FileError) {
        try SystemCalls.fill(
          UnsafeMutableRawBufferPointer(buffer), from: descriptor, at: range.lowerBound,
          of: count, path)
        initialized = range.count
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return bytes
  }

  /// Maps the file or copies it into memory; nil for an empty file.
  func load(_ access: FileAccess) throws(FileError) -> UnsafeMutableRawPointer? {
    guard count > 0 else { return nil }
    switch access {
    case .mapped:
      guard let base = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED
      else { throw SystemCalls.error(errno, doing: "map \(count) bytes", path) }
      return base
    case .copied:
      guard let base = malloc(count) else {
        throw SystemCalls.error(ENOMEM, doing: "get \(count) bytes of memory", path)
      }
      do throws(FileError) {
        try SystemCalls.fill(
          UnsafeMutableRawBufferPointer(start: base, count: count), from: descriptor, at: 0,
          of: count, path)
      } catch {
        free(base)
        throw error
      }
      return base
    }
  }

  private static func kindName(_ mode: mode_t) -> String {
    switch mode & S_IFMT {
    case S_IFDIR: "a folder"
    case S_IFIFO: "a pipe"
    case S_IFSOCK: "a socket"
    case S_IFBLK, S_IFCHR: "a device"
    default: "something else"
    }
  }
}
