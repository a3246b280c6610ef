public import VerdantBase
import VerdantIO

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// A file of scalars that TensorBoard shows: TFRecord frames around protocol buffers of the message
/// `tensorflow.Event`.
public final class TensorBoardFile {
  /// The file.
  public let path: String
  private let descriptor: Int32

  /// Makes a new file in a folder, which may be missing.
  ///
  /// - Throws: ``FileError`` when it cannot be made.
  public init(in folder: String) throws(FileError) {
    _ = mkdir(folder, 0o777)
    var name = [CChar](repeating: 0, count: 256)
    let host =
      gethostname(&name, name.count - 1) == 0
      ? String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      : "host"
    path = "\(folder)/events.out.tfevents.\(time(nil)).\(host).\(getpid())"
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw FileError(
        .cannotCreate, "the file cannot be made: \(String(cString: strerror(errno)))", file: path)
    }
    // Field 3 of an event: the version, which the first record must have.
    try write(Self.event(step: 0, [0x1A, 13] + Array("brain.Event:2".utf8)))
  }

  deinit { close(descriptor) }

  /// Appends the numbers of an event of training; others have none.
  public func record(_ event: TrainEvent) throws(FileError) {
    switch event {
    case .step(let record):
      try write(
        record.step,
        [
          ("loss", record.loss), ("gradient_norm", record.gradientNorm),
          ("learning_rate", record.learningRate), ("tokens_per_s", record.tokensPerSecond),
        ])
    case .evaluated(let evaluation, let step):
      try write(
        step,
        [
          ("validation/loss", evaluation.loss),
          ("validation/bits_per_byte", evaluation.bitsPerByte),
        ]
      )
    default: return
    }
  }

  private func write(_ step: Int, _ scalars: [(tag: String, value: Double)]) throws(FileError) {
    var summary: [UInt8] = []
    for (tag, value) in scalars {
      let name = Array(tag.utf8)
      let content =
        [0x0A] + Self.varint(UInt64(name.count)) + name + [0x15]
        + Self.littleEndian(Float(value).bitPattern)
      summary += [0x0A] + Self.varint(UInt64(content.count)) + content
    }
    try write(Self.event(step: step, [0x2A] + Self.varint(UInt64(summary.count)) + summary))
  }

  /// The message: time, step and what comes behind.
  private static func event(step: Int, _ rest: [UInt8]) -> [UInt8] {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    let seconds = Double(now.tv_sec) + 1e-9 * Double(now.tv_nsec)
    return [0x09] + littleEndian(seconds.bitPattern) + [0x10] + varint(UInt64(max(0, step))) + rest
  }

  /// A frame: length, its checksum, content, its checksum.
  private func write(_ content: [UInt8]) throws(FileError) {
    let length = Self.littleEndian(UInt64(content.count))
    let frame =
      length + Self.littleEndian(Self.checksum(length)) + content
      + Self.littleEndian(Self.checksum(content))
    try writeFully(frame, to: descriptor, named: path)
  }

  private static func varint(_ value: UInt64) -> [UInt8] {
    var rest = value
    var bytes: [UInt8] = []
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }

  private static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  /// CRC-32C, turned and shifted as TFRecord wants it.
  private static func checksum(_ bytes: [UInt8]) -> UInt32 {
    var crc = UInt32.max
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 1 ? 0x82F6_3B78 : 0) }
    }
    crc = ~crc
    return (crc >> 15 | crc << 17) &+ 0xA282_EAD8
  }
}
