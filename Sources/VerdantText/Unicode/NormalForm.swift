/// The four normal forms of Unicode (UAX #15).
struct NormalForm: Sendable {
  /// Whether compatibility decompositions are used: NFKD and NFKC.
  let isCompatible: Bool
  /// Whether what was decomposed is composed again: NFC and NFKC.
  let isComposed: Bool

  /// A scalar of the result; `change` as in ``TextRewriter/put(_:change:)``.
  private struct Element {
    var scalar: UInt32
    var change: Int
    var combiningClass: UInt8
  }

  /// Brings a text into this form.
  func apply(to text: inout NormalizedText) {
    let properties = ScalarProperties.shared
    let data = NormalFormData.shared
    var rewriter = TextRewriter(text)
    // What was decomposed since the last starter that ends a group.
    var group: [Element] = []
    var scanner = text.scalars()
    while let scalar = scanner.next() {
      if scalar < 0x80 {
        if !group.isEmpty { flush(&group, &rewriter, data) }
        // ASCII never changes, but may begin a composition.
        group.append(Element(scalar: scalar, change: 0, combiningClass: 0))
        continue
      }
      let flags = properties[scalar]
      guard flags.intersection([.canonical, .compatible, .reordered]).isEmpty else {
        var change = 0
        for part in data.decomposition(of: scalar, isCompatible: isCompatible, flags) {
          let combiningClass = data.combiningClass(part)
          if combiningClass == 0, !canContinue(group, part, data) {
            flush(&group, &rewriter, data)
          }
          group.append(Element(scalar: part, change: change, combiningClass: combiningClass))
          change = 1
        }
        continue
      }
      if !canContinue(group, scalar, data) { flush(&group, &rewriter, data) }
      group.append(Element(scalar: scalar, change: 0, combiningClass: 0))
    }
    flush(&group, &rewriter, data)
    rewriter.finish(&text)
  }

  /// Whether a starter may be composed with the group before it, so that they stay together.
  private func canContinue(_ group: [Element], _ scalar: UInt32, _ data: NormalFormData) -> Bool {
    isComposed && !group.isEmpty && data.mayBeSecond(scalar)
  }

  /// Sorts, composes and writes a group.
  private func flush(
    _ group: inout [Element], _ rewriter: inout TextRewriter, _ data: NormalFormData
  ) {
    defer { group.removeAll(keepingCapacity: true) }
    if group.count > 1 {
      sort(&group)
      if isComposed { compose(&group, data) }
    }
    for element in group { rewriter.put(element.scalar, change: element.change) }
  }

  /// The canonical order: runs of combining scalars by rising class, stable.
  private func sort(_ group: inout [Element]) {
    var start = 0
    while start < group.count {
      if group[start].combiningClass == 0 {
        start += 1
        continue
      }
      var end = start
      var isSorted = true
      while end < group.count, group[end].combiningClass != 0 {
        if end > start, group[end].combiningClass < group[end - 1].combiningClass {
          isSorted = false
        }
        end += 1
      }
      if !isSorted {
        // The place in the run decides between equals.
        let order = (start..<end).sorted {
          (group[$0].combiningClass, $0) < (group[$1].combiningClass, $1)
        }
        group.replaceSubrange(start..<end, with: order.map { group[$0] })
      }
      start = end
    }
  }

  private func compose(_ group: inout [Element], _ data: NormalFormData) {
    var result: [Element] = []
    var starter: Int?
    var lastClass: UInt8?
    for element in group {
      if let starter {
        let isBlocked = lastClass.map { $0 >= element.combiningClass } ?? false
        if !isBlocked, let whole = data.composition(result[starter].scalar, element.scalar) {
          result[starter].scalar = whole
          result[starter].change += element.change - 1
          continue
        }
      }
      if element.combiningClass == 0 {
        starter = result.count
        lastClass = nil
      } else if starter != nil {
        lastClass = element.combiningClass
      }
      result.append(element)
    }
    group = result
  }
}
