import Foundation
import Testing
import VerdantBase
import VerdantIO

@Suite("The lock of a folder")
struct FolderLockTests {
  @Test("One holds it, and a second one is told who")
  func one() throws {
    try withTemporaryFolder { folder in
      #expect(!FolderLock.isHeld(folder))
      do {
        let lock = try FolderLock(folder)
        #expect(FolderLock.isHeld(folder))
        let error = #expect(throws: FileError.self) { try FolderLock(folder) }
        #expect(error?.kind == .busy && error?.exitCode == .busy)
        #expect(error?.report.rule?.contains("process \(getpid()) on ") == true)
        withExtendedLifetime(lock) {}
      }
      #expect(!FolderLock.isHeld(folder))
      #expect(throws: Never.self) { try FolderLock(folder) }
    }
  }

  @Test("Those who only ask keep nobody from taking it")
  func asking() throws {
    try withTemporaryFolder { folder in
      _ = try FolderLock(folder)
      nonisolated(unsafe) var failures: [any Error] = []
      // The last of five takes the lock again and again while the others ask.
      DispatchQueue.concurrentPerform(iterations: 5) { worker in
        for _ in 0..<(worker == 4 ? 300 : 3_000) {
          guard worker == 4 else {
            _ = FolderLock.isHeld(folder)
            continue
          }
          do { _ = try FolderLock(folder) } catch { failures.append(error) }
        }
      }
      #expect(failures.isEmpty, "\(failures.count): \(String(describing: failures.first))")
    }
  }
}
