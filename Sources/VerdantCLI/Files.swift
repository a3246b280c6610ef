import Verdant

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

func isFolder(_ path: String) -> Bool { mode(path) == S_IFDIR }

func isFile(_ path: String) -> Bool { mode(path) == S_IFREG }

private func mode(_ path: String) -> mode_t {
  var status = stat()
  return stat(path, &status) == 0 ? status.st_mode & S_IFMT : 0
}
