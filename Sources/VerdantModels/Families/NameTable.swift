import VerdantBase
import VerdantCore

/// How the tensors of a model are called in a family, read both ways.
struct NameTable {
  /// How one foreign tensor holds parameters of a model.
  enum Form: Equatable {
    /// As it is; several parameters one after the other along their first axis.
    case same
    /// Transposed, `[in, out]`; several parameters beside each other.
    case transposed
    /// Behind rows that nothing reads.
    case after(rows: Int)
  }

  /// One foreign tensor.
  struct Rule {
    /// The parameters that it holds.
    let own: [String]
    /// Its names; the first one is written, any is read.
    let foreign: [String]
    /// How it holds them.
    let form: Form
  }

  private(set) var rules: [Rule] = []

  /// A tensor.
  mutating func add(_ own: String..., as foreign: String..., form: Form = .same) {
    rules.append(Rule(own: own, foreign: foreign, form: form))
  }

  /// The weight and bias of a linear map.
  mutating func linear(_ own: String, as foreign: String) {
    add("\(own).weight", as: "\(foreign).weight")
    add("\(own).bias", as: "\(foreign).bias")
  }

  /// The scale and bias of a normalization.
  mutating func norm(_ own: String, as foreign: String) {
    add("\(own).scale", as: "\(foreign).weight")
    add("\(own).bias", as: "\(foreign).bias")
  }
}

extension NameTable.Rule {
  /// The shape of the foreign tensor for those of its parameters.
  func shape(_ own: [Shape]) -> Shape {
    var shape = own[0]
    shape[0] = own.reduce(0) { $0 + $1[0] }
    switch form {
    case .same: return shape
    case .transposed: return Shape(Array(shape).reversed())
    case .after(let rows):
      shape[0] += rows
      return shape
    }
  }

  /// The parameters in a foreign tensor of the right shape.
  func parameters(in tensor: Tensor, _ own: [Shape]) -> [Tensor] {
    var rows = tensor
    switch form {
    case .same: break
    case .transposed: rows = tensor.shape.rank == 2 ? tensor.permuted(1, 0) : tensor
    case .after(let count): rows = tensor[count..<tensor.shape[0]]
    }
    guard own.count > 1 || form != .same else { return [tensor] }
    var start = 0
    return own.map { shape in
      defer { start += shape[0] }
      // A copy of its own: a slice would keep the whole.
      return rows.backend.copy(rows[start..<start + shape[0]])
    }
  }

  /// The foreign tensor of parameters.
  func tensor(of parameters: [Tensor]) -> Tensor {
    let joined = parameters.count == 1 ? parameters[0] : Tensor.concatenated(parameters)
    switch form {
    case .same: return joined
    case .transposed: return joined.shape.rank == 2 ? joined.permuted(1, 0) : joined
    case .after(let rows):
      var shape = joined.shape
      shape[0] = rows
      return Tensor.concatenated([.zeros(shape, on: joined.backend), joined])
    }
  }
}
