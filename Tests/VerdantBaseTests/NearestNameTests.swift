import Testing
import VerdantBase

@Suite("Name suggestions")
struct NearestNameTests {
  private let keys = ["learning_rate", "hidden_size", "layers", "heads", "f32"]

  @Test(
    "Slips are recognized",
    arguments: [
      ("learning_rat", "learning_rate"), ("lerning_rate", "learning_rate"),
      ("hidden-size", "hidden_size"), ("laeyrs", "layers"), ("Heads", "heads"),
      ("LAYERS", "layers"), ("F23", "f32"), ("head", "heads"),
    ]
  )
  func slips(name: String, expected: String) {
    #expect(nearest(to: name, in: keys) == expected)
  }

  @Test("What is too far gets no hint", arguments: ["", "x", "optimizer", "zzz", "\u{0}"])
  func tooFar(name: String) {
    #expect(nearest(to: name, in: keys) == nil)
  }

  @Test("Empty and very long inputs are fine")
  func extremes() {
    #expect(nearest(to: "a", in: [String]()) == nil)
    #expect(nearest(to: String(repeating: "a", count: 1_000_000), in: keys) == nil)
    #expect(nearest(to: "layers", in: ["", String(repeating: "l", count: 9_999)]) == nil)
  }

  @Test("The first of equally close names wins")
  func ties() {
    #expect(nearest(to: "w2", in: ["w1", "w3"]) == "w1")
  }
}
