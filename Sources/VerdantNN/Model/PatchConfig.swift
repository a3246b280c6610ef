public import VerdantBase

/// How an image is cut into patches (Dosovitskiy et al. 2021, section 3.1).
public struct PatchConfig: Knobs {
  /// Rows of pixels.
  public var height = 32
  /// Columns of pixels.
  public var width = 32
  /// Numbers of a pixel.
  public var channels = 3
  /// Pixels of a patch's side.
  public var size = 4

  /// Patches of 4 x 4 of images of 32 x 32 in three colours.
  public init() {}
  /// A size of images and patches.
  public init(height: Int, width: Int, channels: Int, size: Int) {
    self.height = height
    self.width = width
    self.channels = channels
    self.size = size
  }

  /// The declared options.
  public static var knobs: [Knob<PatchConfig>] {
    [
      Knob("height", \.height, 1...65536, "rows of pixels"),
      Knob("width", \.width, 1...65536, "columns of pixels"),
      Knob("channels", \.channels, 1...1024, "numbers of a pixel"),
      Knob("size", \.size, 1...4096, "pixels of a patch's side; divides height and width"),
    ]
  }

  /// Patches of an image.
  public var count: Int { (height / size) * (width / size) }
  /// Numbers of a patch.
  public var numbers: Int { size * size * channels }

  /// Throws unless patches divide the image and every one has a place.
  public func check(maximumLength: Int, pooling: Pooling?) throws(ConfigError) {
    guard height % size == 0, width % size == 0 else {
      throw ConfigError(
        .inconsistent, "patches of \(size) x \(size) in images of \(height) x \(width)",
        place: "patches.size", rule: "the size divides height and width")
    }
    let length = count + (pooling == .first ? 1 : 0)
    guard length <= maximumLength else {
      throw ConfigError(
        .inconsistent, "\(length) places for a longest sequence of \(maximumLength)",
        place: "maximum_length",
        rule: "every patch has a place, and with the pooling 'cls' one more")
    }
  }

  /// The numbers of images as sequences of patches.
  ///
  /// - Parameter pixels: `[images, channels, height, width]`, one after the other.
  /// - Returns: `[images, patches, numbers]`: patches row by row, in each the channels one after the
  ///   other, in each the rows of pixels.
  public func patches(of pixels: [Float]) -> [Float] {
    let image = channels * height * width
    require(
      image > 0 && pixels.count % image == 0,
      "[patches] \(pixels.count) numbers, \(image) an image")
    var result: [Float] = []
    result.reserveCapacity(pixels.count)
    for start in stride(from: 0, to: pixels.count, by: image) {
      for top in stride(from: 0, to: height, by: size) {
        for left in stride(from: 0, to: width, by: size) {
          for channel in 0..<channels {
            for row in top..<top + size {
              let at = start + (channel * height + row) * width + left
              result += pixels[at..<at + size]
            }
          }
        }
      }
    }
    return result
  }
}
