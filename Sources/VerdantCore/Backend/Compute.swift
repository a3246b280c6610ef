internal import CVerdant

/// The process-wide choices of the CPU kernels, and what the machine offers.
public enum Compute {
  /// Threads that work on one operation, the caller included; at most the number of cores.
  public static var threadCount: Int {
    get { Int(vd_thread_count()) }
    set { vd_set_thread_count(Int32(clamping: newValue)) }
  }
  /// Cores this process may run on.
  public static var coreCount: Int { Int(vd_core_count()) }

  /// Instruction sets that this machine runs, worst first.
  public static var instructionSets: [String] {
    (0..<vd_isa_count()).map { String(cString: vd_isa_name($0)) }
  }
  /// The instruction set in use. `VERDANT_ISA` chooses it at start.
  public static var instructionSet: String { String(cString: vd_isa_selected()) }
  /// Uses another instruction set from now on; false if this machine does not have it.
  @discardableResult
  public static func select(instructionSet: String) -> Bool { vd_isa_select(instructionSet) }
  /// True when `VERDANT_ISA` named an instruction set that this machine does not have.
  public static var requestedInstructionSetIsMissing: Bool { vd_isa_request_failed() }

  /// What computes matrix products: a library with its version, or "built-in".
  public static var productProvider: String { String(cString: vd_gemm_provider()) }
  /// True when a library was built in for matrix products.
  public static var hasProductLibrary: Bool { vd_gemm_has_library() }
  /// Chooses between the library and the built-in kernel for matrix products.
  public static func useProductLibrary(_ use: Bool) { vd_gemm_use_library(use) }
  /// True when bf16 products run on the machine's own instructions.
  public static var hasBFloat16Products: Bool { vd_gemm_has_bf16() }

  /// Blocks that kernels and tensors took from the system since the start.
  public static var blocksTaken: Int { Int(vd_blocks_taken()) }
  /// Peak resident memory of the process in bytes; 0 where the system does not tell.
  public static var peakResidentByteCount: Int { Int(vd_peak_resident_bytes()) }
  /// Resident memory of the process in bytes; 0 where the system does not tell.
  public static var residentByteCount: Int { Int(vd_resident_bytes()) }

  /// The processor's name; empty where the system does not tell.
  public static var processorName: String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
      guard let start = buffer.baseAddress else { return "" }
      vd_cpu_name(start, buffer.count)
      return String(cString: start)
    }
  }

  /// Sums a block of memory on all threads, for measuring the read bandwidth.
  public static func readSum(_ bytes: UnsafeRawBufferPointer) -> Double {
    guard let start = bytes.baseAddress else { return 0 }
    return vd_read_sum(bytes.count, start)
  }
}
