/// A tree of byte strings with a number at the end of each.
///
/// Its edges stand in one table of open addresses, so that a step costs O(1).
struct ByteTrie: Sendable {
  private struct Edge: BitwiseCopyable {
    var key: UInt64
    var child: Int32
  }

  /// The node where every string begins.
  static let root: Int32 = 0
  /// No node, and no value.
  static let none: Int32 = -1

  private var edges = Block<Edge>(repeating: Edge(key: .max, child: none), count: 16)
  private var edgeCount = 0
  private var values: [Int32] = [none]
  private let seed = UInt64.random(in: .min ... .max)

  /// Adds a string; of equal strings the last one counts.
  mutating func add(_ string: UnsafeBufferPointer<UInt8>, value: Int32) {
    var node = Self.root
    for byte in string {
      let next = child(of: node, byte)
      if next == Self.none {
        let new = Int32(values.count)
        values.append(Self.none)
        insert(Edge(key: Self.key(node, byte), child: new))
        node = new
      } else {
        node = next
      }
    }
    values[Int(node)] = value
  }

  /// The node that a byte leads to.
  @inline(__always)
  func child(of node: Int32, _ byte: UInt8) -> Int32 {
    let key = Self.key(node, byte)
    var slot = place(key)
    while true {
      let edge = edges.base[slot]
      if edge.key == key { return edge.child }
      if edge.key == .max { return Self.none }
      slot = (slot &+ 1) & (edges.count &- 1)
    }
  }

  /// The value of the string that ends at a node.
  @inline(__always)
  func value(at node: Int32) -> Int32 { values[Int(node)] }

  /// The node that a string leads to.
  func node(after string: [UInt8], from start: Int32 = root) -> Int32 {
    var node = start
    for byte in string where node != Self.none { node = child(of: node, byte) }
    return node
  }

  @inline(__always)
  private static func key(_ node: Int32, _ byte: UInt8) -> UInt64 {
    UInt64(UInt32(bitPattern: node)) << 8 | UInt64(byte)
  }

  @inline(__always)
  private func place(_ key: UInt64) -> Int {
    Int(truncatingIfNeeded: mixed(key ^ seed)) & (edges.count &- 1)
  }

  private mutating func insert(_ edge: Edge) {
    if tableCapacity(edgeCount + 1) > edges.count {
      let old = edges
      edges = Block(repeating: Edge(key: .max, child: Self.none), count: old.count * 2)
      for i in 0..<old.count where old.base[i].key != .max { put(old.base[i]) }
    }
    put(edge)
    edgeCount += 1
  }

  private func put(_ edge: Edge) {
    var slot = place(edge.key)
    while edges.base[slot].key != .max { slot = (slot + 1) & (edges.count - 1) }
    edges.base[slot] = edge
  }
}
