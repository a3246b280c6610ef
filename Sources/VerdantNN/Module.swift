public import VerdantBase
import VerdantCore

/// A part of a model: a value whose fields are listed once, in `visit`. Listing, counting,
/// saving, loading, freezing, training, averaging and comparing follow from that one list.
public protocol Module: Sendable {
  /// Shows every parameter and part to the visitor, by name.
  mutating func visit(_ visitor: inout some Visitor)
}

/// Walks a model. Slots that can be replaced arrive as existentials; the default steps inside.
public protocol Visitor {
  /// Where the walk is.
  var path: PartPath { get set }
  /// A parameter.
  mutating func parameter(_ name: String, _ parameter: inout Parameter)
  /// A linear map, replaceable.
  mutating func linear(_ name: String, _ part: inout any LinearMap)
  /// A token mixer, replaceable.
  mutating func mixer(_ name: String, _ part: inout any TokenMixer)
  /// A feed-forward network, replaceable.
  mutating func feedForward(_ name: String, _ part: inout any FeedForward)
  /// Any other part.
  mutating func part(_ name: String, _ part: inout some Module)
}

extension Visitor {
  /// Steps inside.
  public mutating func linear(_ name: String, _ part: inout any LinearMap) {
    inside(name) { part.visit(&$0) }
  }
  /// Steps inside.
  public mutating func mixer(_ name: String, _ part: inout any TokenMixer) {
    inside(name) { part.visit(&$0) }
  }
  /// Steps inside.
  public mutating func feedForward(_ name: String, _ part: inout any FeedForward) {
    inside(name) { part.visit(&$0) }
  }
  /// Steps inside.
  public mutating func part(_ name: String, _ part: inout some Module) {
    inside(name) { part.visit(&$0) }
  }

  /// A parameter that may be absent.
  public mutating func optional(_ name: String, _ parameter: inout Parameter?) {
    guard var present = parameter.take() else { return }
    self.parameter(name, &present)
    parameter = present
  }

  /// A part that may be absent.
  public mutating func optional(_ name: String, _ part: inout (some Module)?) {
    guard var present = part.take() else { return }
    self.part(name, &present)
    part = present
  }

  /// A linear map that may be absent.
  public mutating func optional(_ name: String, _ part: inout (any LinearMap)?) {
    guard var present = part.take() else { return }
    linear(name, &present)
    part = present
  }

  /// A list of parts, named by index.
  public mutating func list(_ name: String, _ parts: inout [some Module]) {
    inside(name) { visitor in
      for index in parts.indices { visitor.part(String(index), &parts[index]) }
    }
  }

  /// Runs `body` with the path extended by `name`.
  public mutating func inside(_ name: String, _ body: (inout Self) -> Void) {
    path.components.append(Substring(name))
    body(&self)
    path.components.removeLast()
  }
}

/// Calls a closure for each parameter.
struct EachParameter: Visitor {
  var path = PartPath()
  let body: (String, inout Parameter) -> Void

  mutating func parameter(_ name: String, _ parameter: inout Parameter) {
    let full = path.components.isEmpty ? name : "\(path).\(name)"
    body(full, &parameter)
  }
}

extension Module {
  /// Calls `body` with the dotted name of each parameter, in the order of `visit`, in place.
  public mutating func updateParameters(_ body: (String, inout Parameter) -> Void) {
    withoutActuallyEscaping(body) { body in
      var visitor = EachParameter(body: body)
      visit(&visitor)
    }
  }

  /// Calls `body` with the dotted name of each parameter, in the order of `visit`.
  public func forEachParameter(_ body: (String, Parameter) -> Void) {
    var copy = self
    copy.updateParameters { body($0, $1) }
  }

  /// The parameters with their dotted names, in the order of `visit`.
  public var parameters: [(name: String, parameter: Parameter)] {
    var list: [(String, Parameter)] = []
    forEachParameter { list.append(($0, $1)) }
    return list
  }

  /// Numbers in all parameters.
  public var parameterCount: Int {
    var count = 0
    forEachParameter { _, parameter in count += parameter.value.count }
    return count
  }
}
