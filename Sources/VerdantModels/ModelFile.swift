import VerdantBase

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// The path of a file of a model folder. A link is followed only as the cache of the Hugging Face
/// Hub makes it: from `snapshots/<commit>/` into `blobs/` of the same cache.
func modelFile(_ folder: String, _ name: String) throws(CheckpointError) -> String {
  let path = folder + "/" + name
  var status = stat()
  guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFLNK else { return path }
  guard let target = realPath(path), let real = realPath(folder) else {
    throw CheckpointError(
      .missingFile, "a link that leads nowhere: \(String(cString: strerror(errno)))", file: path)
  }
  let parts = real.split(separator: "/")
  if parts.count >= 2, parts[parts.count - 2] == "snapshots" {
    let cache = parts.dropLast(2).map { "/" + $0 }.joined()
    if target.hasPrefix(cache + "/blobs/") { return target }
  }
  throw CheckpointError(
    .notARegularFile, "a link that leads out of the model folder", file: path,
    rule: "links are followed into the blobs of their own cache alone",
    advice: "put a copy of the file in its place")
}

private func realPath(_ path: String) -> String? {
  guard let resolved = realpath(path, nil) else { return nil }
  defer { free(resolved) }
  return String(cString: resolved)
}
