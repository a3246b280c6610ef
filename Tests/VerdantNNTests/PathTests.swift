import Testing
import Verdant

@Suite struct PathTests {
  @Test(arguments: [
    ("blocks.0.mixer.query", true), ("blocks.*.mixer.query", true), ("**", true),
    ("**.query", true),
    ("blocks.**", true), ("**.mixer.**", true), ("blocks.0.mixer.query.**", true),
    ("*.*.*.*", true),
    ("blocks.0.mixer.qu*", true), ("blocks.0.mixer.*ry", true), ("blocks.0.m*x*r.q*y", true),
    ("**.**.**", true), ("blocks.0.mixer", false), ("*", false), ("*.*.*.*.*", false), ("", false),
    ("blocks.1.mixer.query", false), ("query", false), ("**.que", false), ("**.qu?ry", false),
    ("blocks.0.mixer.key", false), ("mixer.**", false), ("**.mixer", false), ("Blocks.**", false),
  ])
  func patterns(_ pattern: String, _ fits: Bool) {
    #expect(PartPath("blocks.0.mixer.query").matches(pattern) == fits)
  }

  @Test func hostilePatternsTakeLinearTime() {
    let path = PartPath(Array(repeating: "aaaaaaaa", count: 20).joined(separator: "."))
    let stars = Array(repeating: "**", count: 2000).joined(separator: ".")
    #expect(!path.matches(stars + ".b"))
    #expect(!path.matches("**." + String(repeating: "*a", count: 2000) + "b"))
  }
}
