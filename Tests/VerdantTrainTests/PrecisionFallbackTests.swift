import Testing
import Verdant
import VerdantTestKit

@Suite struct PrecisionFallbackTests {
  @Test func withoutBFloat16ProductsARunIsF32() throws {
    try OwnProcess.perform {
      var settings = TrainingSettings()
      #expect(settings.usedPrecision == .float32)
      settings.precision = .bfloat16
      #expect((settings.usedPrecision == .bfloat16) == Compute.hasBFloat16Products)
      Compute.useProductLibrary(false)
      #expect(settings.usedPrecision == .float32)
    }
  }
}
