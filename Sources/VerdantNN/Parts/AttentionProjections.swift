public import VerdantBase
public import VerdantCore

/// Sizes of the heads of an attention.
struct AttentionHeads {
  /// Query heads.
  let count: Int
  /// Key and value heads; nil for as many.
  let keyCount: Int?
  /// Width of a head; nil for the model's width over the heads.
  let width: Int?
  /// True when queries, keys and values have a bias.
  let hasBias: Bool
  /// True when the output has one.
  let hasOutputBias: Bool
  /// True when positions turn pairs of a head's numbers.
  var isRotary = false
}

/// The four linear maps of an attention.
public struct AttentionProjections: Module {
  /// `width` → `heads · headWidth`.
  public var query: any LinearMap
  /// `width` → `keyHeads · headWidth`.
  public var key: any LinearMap
  /// `width` → `keyHeads · headWidth`.
  public var value: any LinearMap
  /// `heads · headWidth` → `width`.
  public var output: any LinearMap

  /// Builds the maps; throws when heads and widths do not fit each other.
  init(_ heads: AttentionHeads, width: Int, _ make: inout Maker) throws(ConfigError) {
    let keyHeads = heads.keyCount ?? heads.count
    let place = make.path.description
    guard heads.width != nil || width % heads.count == 0 else {
      throw ConfigError(
        .inconsistent, "\(heads.count) heads do not divide the width \(width)", place: place,
        rule: "the width is a multiple of the heads",
        advice: "heads that fit: \(Self.divisors(of: width))")
    }
    guard heads.count % keyHeads == 0 else {
      throw ConfigError(
        .inconsistent, "\(keyHeads) key heads do not divide \(heads.count) heads", place: place,
        rule: "the heads are a multiple of the key heads")
    }
    let headWidth = heads.width ?? width / heads.count
    guard !heads.isRotary || headWidth % 2 == 0 else {
      throw ConfigError(
        .inconsistent, "\(heads.count) heads of width \(headWidth) with rotary positions",
        place: place, rule: "the width of a head is even: positions turn pairs")
    }
    let (inner, bias) = (headWidth * heads.count, heads.hasBias)
    query = try make.linear("query", width, inner, bias: bias)
    key = try make.linear("key", width, headWidth * keyHeads, bias: bias)
    value = try make.linear("value", width, headWidth * keyHeads, bias: bias)
    output = try make.linear(
      "output", inner, width, bias: heads.hasOutputBias, gain: make.residualGain)
  }

  private static func divisors(of width: Int) -> String {
    (1...max(1, min(width, 64))).filter { width % $0 == 0 }.map(String.init)
      .joined(separator: ", ")
  }

  /// Shows the maps.
  public mutating func visit(_ visitor: inout some Visitor) {
    visitor.linear("query", &query)
    visitor.linear("key", &key)
    visitor.linear("value", &value)
    visitor.linear("output", &output)
  }
}
