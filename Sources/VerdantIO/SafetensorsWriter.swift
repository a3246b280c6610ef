public import VerdantBase

/// Writes a safetensors file piece by piece, in the order of its layout.
///
/// For whole files use ``write(_:to:overwriting:data:)`` or ``write(_:into:named:observer:data:)``; they
/// leave nothing behind when something fails.
public final class SafetensorsWriter {
  /// The plan that is followed.
  public let layout: SafetensorsLayout

  private let output: OutputFile
  private var current = 0
  private var writtenOfCurrent = 0

  /// Starts a file by writing its header.
  ///
  /// - Parameters:
  ///   - layout: The plan.
  ///   - output: A new file; its owner completes it.
  /// - Throws: ``FileError`` when there is no space or the header cannot be written.
  public init(_ layout: SafetensorsLayout, to output: OutputFile) throws(FileError) {
    self.layout = layout
    self.output = output
    try output.reserve(layout.byteCount)
    try output.write(layout.header)
    skipEmpty()
  }

  /// Appends bytes of the tensor whose turn it is: row-major, little-endian.
  ///
  /// A tensor may be given in several pieces. Tensors without bytes need no call.
  ///
  /// - Throws: ``CheckpointError`` with the kind `incompleteWrite` when it is another tensor's
  ///   turn or there are more bytes than announced, ``FileError`` when writing fails.
  public func write(_ bytes: UnsafeRawBufferPointer, of name: String) throws {
    if bytes.isEmpty { return }
    guard current < layout.entries.count, layout.entries[current].name == name else {
      let expected =
        current < layout.entries.count
        ? "the next one is \"\(escaped(layout.entries[current].name))\"" : "all are complete"
      throw CheckpointError(
        .incompleteWrite,
        "bytes were given out of turn",
        file: output.path,
        place: "tensor \"\(escaped(name))\"",
        rule: expected
      )
    }
    let size = layout.entries[current].byteCount
    guard bytes.count <= size - writtenOfCurrent else {
      throw CheckpointError(
        .incompleteWrite,
        "\(writtenOfCurrent + bytes.count) bytes were given",
        file: output.path,
        place: "tensor \"\(escaped(name))\"",
        rule: "the tensor has \(size)"
      )
    }
    try output.write(bytes)
    writtenOfCurrent += bytes.count
    skipEmpty()
  }

  /// Checks that every tensor is complete, then makes the content durable and closes the file.
  ///
  /// - Throws: ``CheckpointError`` with the kind `incompleteWrite` when bytes are missing,
  ///   ``FileError`` when the system reports that data may be lost.
  public func finish() throws {
    guard current == layout.entries.count else {
      let entry = layout.entries[current]
      throw CheckpointError(
        .incompleteWrite,
        "only \(writtenOfCurrent) bytes were given",
        file: output.path,
        place: "tensor \"\(escaped(entry.name))\"",
        rule: "the tensor has \(entry.byteCount)"
      )
    }
    try output.finish()
  }

  /// Moves on past complete tensors.
  private func skipEmpty() {
    while current < layout.entries.count, writtenOfCurrent == layout.entries[current].byteCount {
      current += 1
      writtenOfCurrent = 0
    }
  }

  /// Gives the bytes of one tensor to the function it is called with, in one or several pieces.
  public typealias DataSource = (
    _ entry: TensorEntry, _ write: (UnsafeRawBufferPointer) throws -> Void
  ) throws -> Void

  /// Writes a whole file that appears under its name only when it is complete.
  ///
  /// - Parameters:
  ///   - layout: The plan.
  ///   - path: The path of the file.
  ///   - overwriting: Whether a file of this name is replaced.
  ///   - data: Called once for each tensor in the order of the layout.
  /// - Throws: ``FileError``, ``CheckpointError`` with the kind `incompleteWrite`, and what
  ///   `data` throws.
  public static func write(
    _ layout: SafetensorsLayout,
    to path: String,
    overwriting: Bool = false,
    data: DataSource
  ) throws {
    let file = try AtomicFile(path, overwriting: overwriting)
    try fill(file.output, layout, data)
    try file.commit()
  }

  /// Writes a whole file inside a folder that becomes visible as one.
  ///
  /// - Parameters:
  ///   - layout: The plan.
  ///   - folder: The folder.
  ///   - name: The name of the file.
  ///   - observer: Sees all bytes in order, for hashing.
  ///   - data: Called once for each tensor in the order of the layout.
  /// - Throws: ``FileError``, ``CheckpointError`` with the kind `incompleteWrite`, and what
  ///   `data` throws.
  public static func write(
    _ layout: SafetensorsLayout,
    into folder: AtomicFolder,
    named name: String,
    observer: ((UnsafeRawBufferPointer) -> Void)? = nil,
    data: DataSource
  ) throws {
    let output = try folder.makeFile(named: name)
    if let observer {
      let others = output.observer
      output.observer = { bytes in
        others?(bytes)
        observer(bytes)
      }
    }
    try fill(output, layout, data)
  }

  private static func fill(
    _ output: OutputFile,
    _ layout: SafetensorsLayout,
    _ data: DataSource
  ) throws {
    let writer = try SafetensorsWriter(layout, to: output)
    for entry in layout.entries {
      try data(entry) { try writer.write($0, of: entry.name) }
    }
    try writer.finish()
  }
}
