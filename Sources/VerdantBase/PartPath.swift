/// The dotted name of a part or parameter inside a model, such as `blocks.3.mixer.query`.
public struct PartPath: Sendable, Hashable, CustomStringConvertible {
  /// The names from the outermost part inwards.
  public var components: [Substring]

  /// The path of the model itself.
  public init() { components = [] }

  /// Parses a dotted name.
  public init(_ text: String) { components = text.split(separator: ".") }

  /// The path of a part inside this one.
  public func appending(_ name: String) -> PartPath {
    var path = self
    path.components.append(Substring(name))
    return path
  }

  /// The dotted name.
  public var description: String { components.joined(separator: ".") }

  /// True when a pattern describes this path: `*` stands for one name, `**` for any number of
  /// names, and inside a name `*` stands for any characters.
  public func matches(_ pattern: String) -> Bool {
    Self.match(components[...], pattern.split(separator: ".")[...])
  }

  private static func match(_ names: ArraySlice<Substring>, _ pattern: ArraySlice<Substring>)
    -> Bool
  {
    // reachable[i]: the pattern read so far matches the first i names.
    var reachable = [Bool](repeating: false, count: names.count + 1)
    reachable[0] = true
    for part in pattern {
      var next = [Bool](repeating: false, count: names.count + 1)
      if part == "**" {
        var any = false
        for index in reachable.indices {
          any = any || reachable[index]
          next[index] = any
        }
      } else {
        for (index, name) in names.enumerated() where reachable[index] {
          next[index + 1] =
            part == "*" || part == name
            || part.utf8.contains(UInt8(ascii: "*")) && fits(Array(name.utf8), Array(part.utf8))
        }
      }
      guard next.contains(true) else { return false }
      reachable = next
    }
    return reachable[names.count]
  }

  private static func fits(_ name: [UInt8], _ pattern: [UInt8]) -> Bool {
    var reachable = [Bool](repeating: false, count: name.count + 1)
    reachable[0] = true
    for part in pattern {
      var next = [Bool](repeating: false, count: name.count + 1)
      var any = false
      for index in reachable.indices {
        any = any || reachable[index]
        if part == UInt8(ascii: "*") {
          next[index] = any
        } else if index < name.count, reachable[index], name[index] == part {
          next[index + 1] = true
        }
      }
      reachable = next
    }
    return reachable[name.count]
  }
}
