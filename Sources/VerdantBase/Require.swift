#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Ends the process with a message when a rule of the program itself is broken.
///
/// `precondition` says nothing in optimized builds; this always names what was found.
///
/// - Parameters:
///   - condition: What must hold.
///   - message: The operation in brackets, what was found and what was expected.
@inline(__always)
public func require(
  _ condition: @autoclosure () -> Bool,
  _ message: @autoclosure () -> String,
  file: StaticString = #fileID,
  line: UInt = #line
) {
  if !condition() { trap(message(), file: file, line: line) }
}

/// Ends the process with a message: the program itself is wrong.
@inline(never)
public func trap(_ message: String, file: StaticString = #fileID, line: UInt = #line) -> Never {
  let text = Array("verdant: a bug: \(message) (\(file):\(line))\n".utf8)
  // Nothing is left to do when standard error is closed.
  _ = text.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
  preconditionFailure(message)
}
