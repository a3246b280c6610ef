import VerdantBase

/// How two operands are walked when one is repeated along some axes of the other: slices of
/// rows and columns, after neighbouring axes that walk alike have been joined.
struct BroadcastPlan {
  /// Steps of an operand, in elements; 0 repeats.
  struct Steps {
    var row = 0
    var column = 0
  }

  let shape: Shape
  private(set) var rows = 1
  private(set) var columns = 1
  private(set) var a = Steps()
  private(set) var b = Steps()
  private var outer: [(length: Int, a: Int, b: Int)] = []

  init(_ left: Shape, _ right: Shape) {
    guard let shape = Shape.broadcast(left, right) else {
      trap("[binary] shapes \(left) and \(right) do not fit each other")
    }
    self.shape = shape
    var axes: [(length: Int, a: Int, b: Int)] = []
    let stepsA = Self.steps(left, in: shape)
    let stepsB = Self.steps(right, in: shape)
    for axis in shape.indices where shape[axis] != 1 {
      let next = (length: shape[axis], a: stepsA[axis], b: stepsB[axis])
      if let last = axes.last, last.a == next.a * next.length, last.b == next.b * next.length {
        axes[axes.count - 1] = (last.length * next.length, next.a, next.b)
      } else {
        axes.append(next)
      }
    }
    if let last = axes.popLast() {
      columns = last.length
      a.column = last.a
      b.column = last.b
    }
    if let last = axes.popLast() {
      rows = last.length
      a.row = last.a
      b.row = last.b
    } else {
      // One long row is cut so that the rows can be shared out among threads.
      splitRow()
    }
    outer = axes
  }

  private mutating func splitRow() {
    for width in [4096, 1024, 256] where columns % width == 0 && columns > width {
      rows = columns / width
      columns = width
      a.row = width * a.column
      b.row = width * b.column
      return
    }
  }

  /// Calls `body` with the offsets of each slice in the result and both operands.
  func forEachSlice(_ body: (_ result: Int, _ a: Int, _ b: Int) -> Void) {
    let count = outer.reduce(1) { $0 * $1.length }
    for index in 0..<count {
      var rest = index
      var left = 0
      var right = 0
      for axis in outer.reversed() {
        left += rest % axis.length * axis.a
        right += rest % axis.length * axis.b
        rest /= axis.length
      }
      body(index * rows * columns, left, right)
    }
  }

  private static func steps(_ shape: Shape, in result: Shape) -> [Int] {
    let strides = shape.strides
    return result.indices.map { axis in
      let own = axis - (result.rank - shape.rank)
      return own < 0 || shape[own] == 1 ? 0 : strides[own]
    }
  }
}
