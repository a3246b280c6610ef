public import VerdantBase
import VerdantIO

/// Images with labels of CIFAR-10's binary form: for each a byte for the class, then 32 x 32 bytes of
/// red, of green and of blue, row by row (Krizhevsky 2009).
public struct LabeledImages: Sendable {
  /// Rows and columns of pixels.
  public static let side = 32
  /// Colours of a pixel.
  public static let channels = 3
  static let pixelBytes = channels * side * side
  private static let recordBytes = pixelBytes + 1
  private static let mostClasses = 256

  /// The bytes of all images, `[images, channels, height, width]`.
  public let pixels: [UInt8]
  /// The class of each image.
  public let labels: [Int32]
  /// The names of the classes: those of `batches.meta.txt` beside the files, else their numbers.
  public let names: [String]
  /// The files that were read.
  public let files: [String]
  /// Files of folders that hold no images and were left out.
  public let skippedFiles: [String]

  /// Reads every path: a file, or of a folder the files whose name ends with `.bin`.
  ///
  /// - Parameter known: The names of the classes; nil to find them.
  /// - Throws: ``DataError`` naming the file and the place of the first problem.
  public init(_ paths: [String], names known: [String]? = nil) throws(DataError) {
    var pixels: [UInt8] = []
    var labels: [Int32] = []
    var (files, skipped): ([String], [String]) = ([], [])
    var names = known
    var memory = DataMemory()
    for entry in try TextFiles(paths).entries {
      guard entry.path.hasSuffix(".bin") || !entry.isInFolder else {
        skipped.append(entry.path)
        continue
      }
      if names == nil { names = try Self.names(beside: entry.path) }
      try memory.withBytes(of: entry.path) { (bytes) throws(DataError) in
        guard !bytes.isEmpty, bytes.count % Self.recordBytes == 0 else {
          throw DataError(
            .badLine, "a file of \(bytes.count) bytes", file: entry.path,
            rule: "images of \(Self.recordBytes) bytes each: a label and 3 x 32 x 32 numbers")
        }
        for start in stride(from: 0, to: bytes.count, by: Self.recordBytes) {
          let label = Int(bytes[start])
          if let names, label >= names.count {
            throw DataError(
              .unknownLabel, "the class \(label)", file: entry.path,
              place: "image \(start / Self.recordBytes + 1)",
              rule: "below \(names.count), the number of classes")
          }
          labels.append(Int32(label))
          pixels += bytes[start + 1..<start + Self.recordBytes]
        }
      }
      files.append(entry.path)
    }
    guard !labels.isEmpty else { throw noRecords(paths, skipped) }
    self.pixels = pixels
    self.labels = labels
    let count = (labels.max() ?? 0) + 1
    self.names = names ?? (0..<count).map(String.init)
    self.files = files
    skippedFiles = skipped
  }

  private init(_ all: LabeledImages, _ chosen: [Int]) {
    var pixels: [UInt8] = []
    pixels.reserveCapacity(chosen.count * Self.pixelBytes)
    for index in chosen {
      pixels += all.pixels[index * Self.pixelBytes..<(index + 1) * Self.pixelBytes]
    }
    self.pixels = pixels
    labels = chosen.map { all.labels[$0] }
    names = all.names
    files = all.files
    skippedFiles = all.skippedFiles
  }

  /// Sets a share of the images aside: at least one where there are two; nil for none.
  func split(validation fraction: Double, _ random: RandomSource) -> (
    training: LabeledImages, validation: LabeledImages?
  ) {
    guard fraction > 0, labels.count >= 2 else { return (self, nil) }
    let order = Permutation(labels.count, random.stream("validation split"))
    let held = Set((0..<max(1, Int(Double(labels.count) * fraction))).map { order[$0] })
    return (
      LabeledImages(self, labels.indices.filter { !held.contains($0) }),
      LabeledImages(self, labels.indices.filter { held.contains($0) })
    )
  }

  private static func names(beside path: String) throws(DataError) -> [String]? {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    let file = folder + "batches.meta.txt"
    let bytes: [UInt8]
    do {
      bytes = try readFile(file, limit: Limits.standard.configBytes)
    } catch {
      if error.kind == .missing { return nil }
      throw DataError(error)
    }
    let names = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
      .map(String.init)
    guard names.count >= 2, names.count <= mostClasses, Set(names).count == names.count else {
      throw DataError(
        .wrongType, "\(names.count) names of classes", file: file,
        rule: "2 to \(mostClasses) distinct names, one on each line")
    }
    return names
  }
}
