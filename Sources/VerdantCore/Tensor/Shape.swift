import VerdantBase

/// The lengths of a tensor's axes, outermost first; at most eight axes, kept inline.
public struct Shape: Sendable, Hashable, RandomAccessCollection, ExpressibleByArrayLiteral,
  CustomStringConvertible
{
  /// The largest number of axes.
  public static let maximumRank = 8

  private var lengths = SIMD8<Int>(repeating: 0)
  /// The number of axes; 0 for a scalar.
  public private(set) var rank: Int

  /// Makes a shape from axis lengths.
  public init(_ lengths: some Collection<Int>) {
    require(
      lengths.count <= Self.maximumRank,
      "[shape] \(lengths.count) axes, at most \(Self.maximumRank) exist"
    )
    rank = lengths.count
    for (axis, length) in lengths.enumerated() {
      require(length >= 0, "[shape] axis \(axis) has negative length \(length)")
      self.lengths[axis] = length
    }
  }

  /// Makes a shape from axis lengths.
  public init(arrayLiteral elements: Int...) { self.init(elements) }

  /// The first axis; always 0.
  public var startIndex: Int { 0 }
  /// One past the last axis.
  public var endIndex: Int { rank }

  /// The length of an axis.
  public subscript(axis: Int) -> Int {
    get {
      require(axis >= 0 && axis < rank, "[shape] axis \(axis) of \(self)")
      return lengths[axis]
    }
    set {
      require(axis >= 0 && axis < rank && newValue >= 0, "[shape] axis \(axis) of \(self)")
      lengths[axis] = newValue
    }
  }

  /// The number of elements: the product of the lengths, 1 for a scalar.
  public var elementCount: Int { reduce(1, *) }

  /// The length of the innermost axis, 1 for a scalar.
  public var columns: Int { rank == 0 ? 1 : lengths[rank - 1] }

  /// The number of innermost rows: all axes but the last multiplied.
  public var rows: Int { dropLast().reduce(1, *) }

  /// Distances between neighbours along each axis, in elements.
  public var strides: [Int] {
    var strides = [Int](repeating: 1, count: rank)
    for axis in stride(from: rank - 2, through: 0, by: -1) {
      strides[axis] = strides[axis + 1] * lengths[axis + 1]
    }
    return strides
  }

  /// The same shape with another innermost length.
  public func withColumns(_ columns: Int) -> Shape {
    require(rank > 0, "[shape] a scalar has no innermost axis")
    var shape = self
    shape[rank - 1] = columns
    return shape
  }

  /// The shape of `a op b` when the shorter is repeated along missing and length-1 axes.
  public static func broadcast(_ a: Shape, _ b: Shape) -> Shape? {
    let rank = Swift.max(a.rank, b.rank)
    var result = [Int](repeating: 1, count: rank)
    for axis in 0..<rank {
      let left = axis < rank - a.rank ? 1 : a[axis - (rank - a.rank)]
      let right = axis < rank - b.rank ? 1 : b[axis - (rank - b.rank)]
      guard left == right || left == 1 || right == 1 else { return nil }
      result[axis] = left == 1 ? right : left
    }
    return Shape(result)
  }

  /// The lengths in brackets, such as `[2, 3]`.
  public var description: String { "[" + map(String.init).joined(separator: ", ") + "]" }
}
