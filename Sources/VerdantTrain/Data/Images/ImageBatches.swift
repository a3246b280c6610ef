public import VerdantBase
public import VerdantNN

/// Batches of images as patches, from any position, each epoch in its own order. Numbers of pixels
/// become -1 to 1.
public struct ImageBatches: BatchSource {
  private let images: LabeledImages
  private let patches: PatchConfig
  private let order: SampleOrder
  private let flips: RandomSource?

  /// Makes batches.
  ///
  /// - Parameter flips: Whether half of the images are seen from behind, chosen anew each epoch.
  public init(
    _ images: LabeledImages, _ patches: PatchConfig, flips: Bool = false, _ random: RandomSource
  ) {
    require(
      patches.height == LabeledImages.side && patches.width == LabeledImages.side
        && patches.channels == LabeledImages.channels,
      "[images] patches for other images")
    self.images = images
    self.patches = patches
    order = SampleOrder(images.labels.count, random)
    self.flips = flips ? random.stream("flips") : nil
  }

  /// The images.
  public var sampleCount: Int { images.labels.count }

  /// The rows that begin at a global sample number.
  public func rows(from sample: Int, count: Int) -> TokenRows {
    let (side, bytes) = (LabeledImages.side, LabeledImages.pixelBytes)
    var rows = TokenRows(classifiedLength: patches.count)
    var pixels: [Float] = []
    pixels.reserveCapacity(count * bytes)
    for number in sample..<sample + count {
      let index = order[number]
      let isFlipped = flips.map { $0.uniform(at: UInt64(number)) < 0.5 } ?? false
      for line in stride(from: index * bytes, to: (index + 1) * bytes, by: side) {
        let row = images.pixels[line..<line + side].lazy.map { Float($0) / 127.5 - 1 }
        if isFlipped { pixels += row.reversed() } else { pixels += row }
      }
      rows.targets.append(images.labels[index])
    }
    rows.numbers = patches.patches(of: pixels)
    return rows
  }

  /// The images as a sequence, for counts and a fingerprint.
  var tokens: any TokenSequence { ImageSequence(images: images, length: patches.count) }
}

/// Counts patches as tokens; there are no ids.
private struct ImageSequence: TokenSequence {
  let images: LabeledImages
  let length: Int

  var count: Int { images.labels.count * length }
  var byteCount: Int { images.pixels.count }
  var documentCount: Int { images.labels.count }

  func append(_ range: Range<Int>, to list: inout [Int32]) {
    trap("[images] patches have no token ids")
  }

  func fingerprint() -> TokenFingerprint {
    var hash = TokenFingerprint(images.labels)
    hash.add(images.pixels.lazy.map(Int32.init))
    return hash
  }
}
