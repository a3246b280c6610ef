import Synchronization
import VerdantBase
import VerdantCore
import VerdantNN

/// One use of a block: blocks that are used again are told apart.
struct Use: Hashable, Sendable {
  /// The number of the block.
  let block: Int
  /// How often it was used before.
  let before: Int

  /// The use at a place of a model's order.
  init(_ config: ModelConfig, place: Int) {
    let order = config.usedOrder
    block = order[place]
    before = order[..<place].count { $0 == order[place] }
  }
}

/// What a forward pass shows of the layers that are compared.
final class Seen: Sendable {
  private let wanted: Set<String>
  private let found = Mutex<[String: [Tensor]]>([:])

  /// Keeps the outputs of some uses, and queries, keys and values of the last one.
  init(_ uses: [Use]) {
    var names = Set(uses.map { "blocks.\($0.block)" })
    if let last = uses.last {
      names.formUnion(["query", "key", "value"].map { "blocks.\(last.block).mixer.\($0)" })
    }
    wanted = names
  }

  func add(_ path: String, _ output: Tensor) {
    guard wanted.contains(path) else { return }
    found.withLock { $0[path, default: []].append(output) }
  }

  private func get(_ path: String, _ use: Use) -> Tensor {
    let all = found.withLock { $0[path] ?? [] }
    guard use.before < all.count else { trap("[distillation] the pass has no \(path)") }
    let tensor = all[use.before]
    return tensor.dtype == .bfloat16 ? tensor.cast(to: .float32) : tensor
  }

  func block(_ use: Use) -> Tensor { get("blocks.\(use.block)", use) }
  func part(_ use: Use, _ name: String) -> Tensor {
    get("blocks.\(use.block).mixer.\(name)", use)
  }
}

/// Which tokens the relations of a batch join.
struct RelationMask {
  /// `[batch or 1, 1, length or 1, length]`: 0 where a key is seen, far below 0 where not; nil where
  /// all are.
  private let penalty: Tensor?
  /// `[batch, 1, length, 1]`: 1 for tokens that exist; nil where all do.
  private let exists: Tensor?
  private let existing: Int

  /// The mask of a batch.
  ///
  /// - Parameter lengths: Tokens of each sequence; empty or nil for all.
  init(isCausal: Bool, lengths: [Int]?, batch: Int, length: Int, on backend: any Backend) {
    // Shapes alone have no numbers.
    let isKnown = lengths?.count == batch
    let ends = isKnown ? lengths : nil
    existing = ends?.reduce(0, +) ?? batch * length
    exists = ends.map { ends in
      Tensor(
        ends.flatMap { end in (0..<length).map { $0 < end ? Float(1) : 0 } },
        [batch, 1, length, 1], on: backend)
    }
    if isCausal {
      // A token that exists sees earlier ones alone, which exist, too.
      penalty = Tensor(
        (0..<length).flatMap { query in (0..<length).map { $0 <= query ? Float(0) : -1e4 } },
        [1, 1, length, length], on: backend)
    } else if let ends {
      penalty = Tensor(
        ends.flatMap { end in (0..<length).map { $0 < max(1, end) ? Float(0) : -1e4 } },
        [batch, 1, 1, length], on: backend)
    } else {
      penalty = nil
    }
  }

  /// The logarithms of `softmax(a bᵀ / sqrt(width of a head))` over the tokens that are seen:
  /// `[batch, heads, length, length]`.
  func logRelation(_ a: Tensor, _ b: Tensor, heads: Int) -> Tensor {
    let (batch, length, width) = (a.shape[0], a.shape[1], a.shape[2])
    func split(_ x: Tensor) -> Tensor {
      x.reshaped(to: [batch, length, heads, width / heads]).permuted(0, 2, 1, 3)
        .reshaped(to: [batch * heads, length, width / heads])
    }
    let products = matmul(split(a), split(b), transposeB: true)
    var scores =
      products.reshaped(to: [batch, heads, length, length]) / Double(width / heads).squareRoot()
    if let penalty { scores = scores + penalty }
    let shifted = scores - scores.maximum(over: 3).detached()
    return shifted - log(exp(shifted).sum(over: 3))
  }

  /// The mean of `[batch, heads, length, 1]` over heads and tokens that exist.
  func mean(_ x: Tensor, heads: Int) -> Tensor {
    let all = exists.map { x * $0 } ?? x
    return all.total() / Double(max(1, existing * heads))
  }
}
