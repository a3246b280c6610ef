#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

extension Compute {
  /// Memory of the machine in bytes; 0 where the system does not tell.
  public static var physicalByteCount: Int {
    let pages = Int(sysconf(Int32(_SC_PHYS_PAGES)))
    let size = Int(sysconf(Int32(_SC_PAGESIZE)))
    let (bytes, overflows) = pages.multipliedReportingOverflow(by: size)
    return pages > 0 && size > 0 && !overflows ? bytes : 0
  }
}
