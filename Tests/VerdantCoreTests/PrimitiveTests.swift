import Testing
import Verdant
import VerdantTestKit

@Suite struct PrimitiveTests {
  @Test(arguments: CheckedPrimitive.basis)
  func basisGradientsEqualCentralDifferences(_ primitive: CheckedPrimitive) {
    expectNothing(primitive.check { CheckPrimitive.gradients(of: $0) })
  }

  @Test(arguments: CheckedPrimitive.all)
  func cpuEqualsReference(_ primitive: CheckedPrimitive) {
    expectNothing(primitive.check { CheckPrimitive.values(of: $0) })
  }

  @Test(arguments: CheckedPrimitive.all)
  func poisonedMemoryChangesNothing(_ primitive: CheckedPrimitive) {
    expectNothing(primitive.check { CheckPrimitive.memory(of: $0) })
  }
}
