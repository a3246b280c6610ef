/// A way to run the peer.
struct PeerVariant: Hashable {
  let isCompiled: Bool
  /// False where MKL's check of the processor's vendor is off.
  let hasVendorCheck: Bool

  static let all = [true, false].flatMap { check in
    [false, true].map { PeerVariant(isCompiled: $0, hasVendorCheck: check) }
  }

  static let eager = all.filter { !$0.isCompiled }

  var name: String {
    (isCompiled ? "compiled" : "eager") + (hasVendorCheck ? "" : ", MKL vendor check off")
  }
}
