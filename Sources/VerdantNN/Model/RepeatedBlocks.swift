import VerdantBase

/// A list of blocks, written with equal neighbours joined.
struct RepeatedBlocks: KnobValue {
  let blocks: [BlockConfig]

  init(_ blocks: [BlockConfig]) { self.blocks = blocks }

  static var expectation: String { [RepeatedBlock].expectation }

  static func read(_ json: JSONValue, at path: String, _ reader: inout SettingsReader)
    -> RepeatedBlocks?
  {
    guard let parts = [RepeatedBlock].read(json, at: path, &reader) else { return nil }
    let count = parts.reduce(0) { $0 + $1.count }
    guard count <= RepeatedBlock.most else {
      reader.report(
        .outOfRange, "\(count) blocks", at: path, rule: "at most \(RepeatedBlock.most)")
      return nil
    }
    return RepeatedBlocks(parts.flatMap { Array(repeating: $0.block, count: $0.count) })
  }

  var json: JSONValue {
    let parts: [RepeatedBlock] = blocks.reduce(into: []) { list, block in
      if let last = list.last, last.block == block {
        list[list.count - 1].count += 1
      } else {
        list.append(RepeatedBlock(count: 1, block: block))
      }
    }
    return parts.json
  }
}

/// A block's settings and how often it follows itself.
struct RepeatedBlock: KnobValue {
  var count: Int
  var block: BlockConfig

  static var expectation: String { "a block, with an optional key 'repeat'" }

  /// More blocks than any model has; a limit against hostile files.
  static let most = 4096

  static func read(_ json: JSONValue, at path: String, _ reader: inout SettingsReader)
    -> RepeatedBlock?
  {
    guard let object = reader.object(json, at: path) else { return nil }
    var value = RepeatedBlock(count: 1, block: BlockConfig())
    if let count = object["repeat"] {
      guard let number = reader.integer(count, in: 1...most, at: reader.join(path, "repeat"))
      else { return nil }
      value.count = number
    }
    value.block.update(from: object, at: path, ignoring: ["repeat"], &reader)
    return value
  }

  var json: JSONValue {
    guard count > 1 else { return block.json }
    var object = JSONObject()
    object["repeat"] = .integer(count)
    for (key, value) in block.json.objectValue ?? JSONObject() { object[key] = value }
    return .object(object)
  }
}
