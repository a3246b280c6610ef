internal import VerdantBase

/// The rules that the reader and the writer of safetensors share.
struct SafetensorsRules {
  let file: String?
  let limits: Limits

  static let metadataKey = "__metadata__"

  /// An error about one tensor.
  func failure(
    _ kind: CheckpointError.Kind,
    _ what: String,
    tensor: String? = nil,
    rule: String? = nil,
    advice: String? = nil
  ) -> CheckpointError {
    CheckpointError(
      kind,
      what,
      file: file,
      place: tensor.map { "tensor \"\(escaped($0))\"" },
      rule: rule,
      advice: advice
    )
  }

  /// Refuses names that are empty, too long, reserved or not safe to show.
  func checkName(_ name: String) throws(CheckpointError) {
    if name.isEmpty {
      throw failure(.invalidName, "a tensor has an empty name", rule: "names are not empty")
    }
    guard name.utf8.count <= limits.tensorNameBytes else {
      throw failure(
        .invalidName,
        "a tensor name has \(name.utf8.count) bytes",
        tensor: name,
        rule: "names have at most \(limits.tensorNameBytes) bytes"
      )
    }
    guard name != Self.metadataKey else {
      throw failure(
        .invalidName,
        "a tensor is named \(name)",
        tensor: name,
        rule: "this name is reserved for the metadata"
      )
    }
    guard !name.unicodeScalars.contains(where: isUnsafeToPrint) else {
      throw failure(
        .invalidName,
        "a tensor name has invisible or control characters",
        tensor: name,
        rule: "names have no control, zero-width or bidirectional characters"
      )
    }
  }

  /// The number of bytes of a tensor, computed without overflow.
  ///
  /// A dimension of 0 counts as 1 for the limit of elements, so that no product of a part of the
  /// shape can overflow later.
  func byteCount(
    of shape: [Int],
    _ dtype: StoredDType,
    tensor: String
  ) throws(CheckpointError) -> Int {
    guard shape.count <= limits.dimensions else {
      throw failure(
        .tooManyDimensions,
        "a shape has \(shape.count) dimensions",
        tensor: tensor,
        rule: "shapes have at most \(limits.dimensions)"
      )
    }
    var elements = 1
    for size in shape {
      guard size >= 0 else {
        throw failure(
          .invalidEntry,
          "a shape has the size \(size)",
          tensor: tensor,
          rule: "sizes are not negative"
        )
      }
      let (product, overflow) = elements.multipliedReportingOverflow(by: max(1, size))
      guard !overflow, product <= limits.elementsPerTensor else {
        throw failure(
          .sizeOverflow,
          "the shape \(shape) is too large",
          tensor: tensor,
          rule: "tensors have at most \(limits.elementsPerTensor) elements"
        )
      }
      elements = product
    }
    if shape.contains(0) { elements = 0 }
    let (bits, overflow) = elements.multipliedReportingOverflow(by: dtype.bitWidth)
    guard !overflow else {
      throw failure(.sizeOverflow, "the size of shape \(shape) is out of range", tensor: tensor)
    }
    guard bits % 8 == 0 else {
      throw failure(
        .sizeMismatch,
        "\(elements) elements of \(dtype.name) are \(bits) bits",
        tensor: tensor,
        rule: "tensors fill whole bytes"
      )
    }
    return bits / 8
  }
}
