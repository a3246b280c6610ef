/// A list of rows with the way they are measured. A new suite is one value in `all`.
struct Suite {
  let name: String
  /// One line for the help.
  let abstract: String
  let rounds: Int
  /// Forms of the peer; with more than two, short trials choose those that are measured.
  let variants: [PeerVariant]
  let rows: [BenchmarkRow]
  /// What runs the rows at the peer's side.
  var peer = PeerProgram(file: "pytorch_row.py", package: "PyTorch")

  static var all: [Suite] { [.ops, .train, .tokenizers] }

  static func named(_ name: String) -> Suite? { all.first { $0.name == name } }

  func row(_ name: String, _ precision: Precision) -> BenchmarkRow? {
    rows.first { $0.name == name && $0.precision == precision }
  }
}
