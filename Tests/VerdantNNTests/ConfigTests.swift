import Testing
import Verdant

private func parse(_ text: String) throws -> ModelConfig { try parse(JSONValue(parsing: text)) }

private func parse(_ json: JSONValue) throws -> ModelConfig {
  var reader = SettingsReader(file: "config.json")
  let config = ModelConfig.read(json, at: "", &reader)
  try reader.finish()
  return try #require(config)
}

@Suite struct ConfigTests {
  @Test(arguments: Variant.all)
  func roundTrip(_ variant: Variant) throws {
    #expect(try parse(variant.config.json) == variant.config)
    #expect(try parse(variant.config.json.serialized(style: .pretty)) == variant.config)
  }

  @Test func equalNeighboursAreWrittenOnce() throws {
    var config = ModelConfig(blocks: 5, width: 8, heads: 2, maximumLength: 12)
    config.blocks[3].norm.epsilon = 1e-6
    let counts = config.json["blocks"]?.arrayValue?.map { $0["repeat"]?.intValue }
    #expect(counts == [3, nil, nil])
    #expect(try parse(config.json) == config)
    #expect(try parse(#"{"blocks": {"repeat": 3}}"#).blocks.count == 3)
  }

  @Test func absentKeysKeepTheirDefaults() throws {
    #expect(try parse("{}") == ModelConfig())
    #expect(try parse(#"{"blocks": [{"mixer": "attention"}]}"#).blocks[0].mixer.kind == "attention")
  }

  @Test(arguments: [
    (#"{"widht": 3}"#, "widht", "width"),
    (#"{"blocks": [{"mixr": {}}]}"#, "blocks[0].mixr", "mixer"),
    (#"{"blocks": [{"repeet": 3}]}"#, "blocks[0].repeet", "repeat"),
    (#"{"final_norm": {"epsilom": 1}}"#, "final_norm.epsilom", "epsilon"),
    (
      #"{"structures": [{"match": "**", "kind": "low-rank", "rnk": 3}]}"#, "structures[0].rnk",
      "rank"
    ),
    (#"{"structures": [{"match": "**", "kind": "lowrank"}]}"#, "structures[0].kind", "low-rank"),
    (#"{"embedding": {"positions": "lerned"}}"#, "embedding.positions", "learned"),
    (#"{"embedding": {"positions": "rotery"}}"#, "embedding.positions", "rotary"),
    (#"{"final_norm": {"kind": "rmsnorm"}}"#, "final_norm.kind", "rms-norm"),
    (#"{"blocks": {"arrangement": "postnorm"}}"#, "blocks.arrangement", "post-norm"),
    (#"{"head": "fre"}"#, "head", "free"),
    (#"{"architecture": "encode"}"#, "architecture", "encoder"),
  ])
  func unknownNamesAreReportedWithTheNearest(_ text: String, _ place: String, _ near: String) {
    let error = #expect(throws: ConfigError.self) { try parse(text) }
    #expect(error?.report.place == place)
    #expect(error?.report.file == "config.json")
    #expect(error?.report.advice?.contains("'\(near)'") == true, "\(error?.description ?? "")")
    #expect(error?.exitCode == .inconsistentConfiguration)
  }

  @Test func optionsOfPartsAreCheckedWhenBuilt() throws {
    for (text, place) in [
      (#"{"blocks": [{"mixer": {"kind": "attention", "haeds": 3}}]}"#, "blocks.0.mixer.haeds"),
      (#"{"blocks": [{"mixer": "attension"}]}"#, "blocks.0.mixer"),
      (
        #"{"blocks": [{"feed_forward": {"kind": "mlp", "hidden": 0}}]}"#,
        "blocks.0.feedForward.hidden"
      ),
    ] {
      let config = try parse(text)
      let error = #expect(throws: ConfigError.self) { try config.build() }
      #expect(error?.report.place == place)
    }
  }

  @Test func allProblemsAreReportedTogether() {
    let error = #expect(throws: ConfigError.self) {
      try parse(#"{"width": "x", "vocabulary": -1, "nothing": 1, "blocks": [{"repeat": 0}, 5]}"#)
    }
    #expect(error?.problems.count == 5)
  }

  @Test(arguments: [
    ("[]", ""), ("3", ""), (#"{"blocks": [[]]}"#, "blocks[0]"),
    (#"{"blocks": {"mixer": 3}}"#, "blocks.mixer"),
    (#"{"blocks": [{"mixer": {}}]}"#, "blocks[0].mixer"),
    (#"{"structures": [{}]}"#, "structures[0]"),
    (#"{"structures": [{"match": "**"}]}"#, "structures[0]"),
    (#"{"structures": [{"match": 3, "kind": "dense"}]}"#, "structures[0]"),
    (#"{"final_norm": {"bias": 1}}"#, "final_norm.bias"), (#"{"head": null}"#, "head"),
    (#"{"format": 2}"#, "format"),
  ])
  func wrongTypesAreReported(_ text: String, _ place: String) {
    let error = #expect(throws: ConfigError.self) { try parse(text) }
    #expect((error?.report.place ?? "") == place)
  }

  @Test func contradictionsAreRefused() throws {
    func expect(_ what: String, _ change: (inout ModelConfig) -> Void) {
      var config = Variant.base
      change(&config)
      let error = #expect(throws: ConfigError.self) { try config.build() }
      #expect(error?.report.what.contains(what) == true, "\(error?.description ?? "")")
    }
    func mixer(_ config: inout ModelConfig, _ heads: Int, _ keyHeads: Int?) {
      let options = SoftmaxAttention.Options(heads: heads, keyHeads: keyHeads)
      config.blocks[1].mixer = Spec(SoftmaxAttention.kind, options)
    }
    expect("no blocks") { $0.blocks = [] }
    expect("3 heads do not divide the width 8") { mixer(&$0, 3, nil) }
    expect("3 key heads do not divide 4 heads") { mixer(&$0, 4, 3) }
    expect("16 heads do not divide") { mixer(&$0, 16, nil) }
    expect("rank 9") {
      $0.structures = [StructureRule(match: "**", Spec(LowRank.kind, LowRank.Options(rank: 9)))]
    }
    expect("'blocks.2.**' matches no linear map") {
      $0.structures = [StructureRule(match: "blocks.2.**", Spec(Dense.kind))]
    }
    expect("'' matches no") { $0.structures = [StructureRule(match: "", Spec(Dense.kind))] }
  }

  /// A file from before these options means what it meant.
  @Test func absentOptionsKeepTheFirstMeaning() throws {
    let old = try parse(
      """
      {"format": 1, "architecture": "decoder", "input": "tokens", "objective": "causal-lm",
       "vocabulary": 13, "width": 8, "maximum_length": 12,
       "embedding": {"positions": "learned", "dropout": 0},
       "blocks": [{"repeat": 2, "mixer": {"kind": "attention", "heads": 2, "key_heads": null,
       "bias": true, "dropout": 0}, "feed_forward": {"kind": "mlp", "hidden": null,
       "activation": "gelu", "bias": true, "dropout": 0},
       "norm": {"kind": "layer-norm", "epsilon": 0.00001, "bias": true}, "arrangement": "pre-norm"}],
       "final_norm": {"kind": "layer-norm", "epsilon": 0.00001, "bias": true}, "head": "tied",
       "structures": []}
      """)
    let model = try old.build()
    let base = try Variant.base.build()
    #expect(model.parameters.map(\.name) == base.parameters.map(\.name))
    for (found, expected) in zip(model.parameters, base.parameters) {
      #expect(found.parameter.value.floats == expected.parameter.value.floats)
    }
    let ids = tokenIds(12, below: 13, seed: 1)
    #expect(model.logits(ids) == base.logits(ids))
  }

  @Test func rotaryPositionsNeedPairs() throws {
    var config = Variant.base
    config.embedding.positions = .rotary
    config.blocks[1].mixer = Spec(SoftmaxAttention.kind, SoftmaxAttention.Options(heads: 8))
    let error = #expect(throws: ConfigError.self) { try config.build() }
    #expect(error?.report.what == "8 heads of width 1 with rotary positions")
    #expect(error?.report.place == "blocks.1.mixer")
    var odd = ModelConfig(blocks: 1, width: 9, heads: 3, maximumLength: 12, vocabulary: 13)
    odd.embedding.positions = .sinusoidal
    let sinusoidal = #expect(throws: ConfigError.self) { try odd.build() }
    #expect(sinusoidal?.report.place == "embedding.positions")
  }

  @Test func firstMatchingRuleCounts() throws {
    var config = Variant.base
    config.structures = [
      StructureRule(match: "blocks.0.mixer.*", Spec(Dense.kind)),
      StructureRule(match: "**.mixer.*", Spec(LowRank.kind, LowRank.Options(rank: 2))),
      StructureRule(match: "**.up", Spec(LowRank.kind, LowRank.Options(rank: 3))),
    ]
    let names = Set(try config.build().parameters.map(\.name))
    #expect(names.contains("blocks.0.mixer.query.weight"))
    #expect(names.contains("blocks.1.mixer.output.down"))
    #expect(names.contains("blocks.0.feedForward.up.up"))
    #expect(names.contains("blocks.0.feedForward.down.weight"))
  }

  /// A configuration made in code passes the same checks as one that was read.
  @Test func valuesMadeInCodeAreChecked() {
    let changes: [(inout ModelConfig) -> Void] = [
      { $0.width = 0 }, { $0.width = -8 }, { $0.width = .max }, { $0.vocabulary = 0 },
      { $0.vocabulary = .max }, { $0.maximumLength = 0 }, { $0.maximumLength = .min },
      { $0.embedding.dropout = 1 }, { $0.embedding.dropout = .nan }, { $0.finalNorm.epsilon = 0 },
      { $0.finalNorm.epsilon = .infinity }, { $0.embedding.scale = 0 },
      { $0.embedding.rotaryBase = .nan }, { $0.stochasticDepth = 1 }, { $0.order = [] },
      { $0.format = 7 },
      { $0.blocks = Array(repeating: $0.blocks[0], count: 5000) },
      { $0.structures = [StructureRule(match: "**", Spec("unknown"))] },
      {
        let rule = StructureRule(match: "**", Spec(Dense.kind))
        $0.structures = Array(repeating: rule, count: 100_000)
      },
    ]
    for (index, change) in changes.enumerated() {
      var config = Variant.base
      change(&config)
      #expect(throws: ConfigError.self, "change \(index)") { try config.build() }
    }
  }

  static let numericFields: [[String]] = [
    ["vocabulary"], ["width"], ["maximum_length"], ["embedding", "dropout"],
    ["blocks", "repeat"], ["blocks", "mixer", "heads"], ["blocks", "mixer", "key_heads"],
    ["blocks", "mixer", "dropout"], ["blocks", "feed_forward", "hidden"],
    ["blocks", "feed_forward", "dropout"], ["blocks", "norm", "epsilon"],
    ["final_norm", "epsilon"], ["structures", "rank"], ["structures", "ratio"],
    ["embedding", "rotary_base"], ["embedding", "scale"], ["blocks", "mixer", "window"],
    ["stochastic_depth"], ["order"],
  ]

  /// Every numeric field with every kind of value: a model or a typed error, and no trap.
  @Test(arguments: numericFields)
  func hostileNumbers(_ path: [String]) throws {
    let whole = try JSONValue(
      parsing: """
        {"vocabulary": 13, "width": 8, "maximum_length": 12, "embedding": {"dropout": 0,
         "positions": "rotary", "rotary_base": 100, "scale": 2}, "stochastic_depth": 0.1,
         "order": [0, 1], "blocks": {"repeat": 2, "mixer": {"kind": "attention", "heads": 2, "key_heads": 1,
         "dropout": 0, "window": 5}, "feed_forward": {"kind": "mlp", "hidden": 16, "dropout": 0},
         "norm": {"epsilon": 0.00001}}, "final_norm": {"epsilon": 0.00001},
         "structures": {"match": "**", "kind": "low-rank", "rank": 2, "ratio": 0.5}}
        """)
    _ = try outcome(whole).get()
    let refused: [JSONValue] = [
      -1, .number(9.223372036854775808e18), .integer(.max), .integer(.min), .integer(1 << 31),
      .number(.infinity), .number(.nan), .number(-1e300), "3", "nan", [1], [], ["a": 1], true,
    ]
    for value in refused {
      #expect(throws: ConfigError.self, "\(path) \(value)") {
        try outcome(setting(whole, path[...], value)).get()
      }
    }
    let others: [JSONValue?] = [nil, .null, 0, 1, 2, 3, .number(0.5), .number(1e-300), 65_536]
    for value in others { _ = outcome(setting(whole, path[...], value)) }
    #expect(throws: JSONError.self) {
      try JSONValue(parsing: #"{"\#(path.last ?? "")": 1e400}"#)
    }
  }

  private func outcome(_ json: JSONValue) -> Result<Double, any Error> {
    Result {
      let config = try parse(json)
      _ = try MemoryNeed(config)
      return try ModelCost(config).trainingPerToken
    }
  }

  private func setting(_ json: JSONValue, _ path: ArraySlice<String>, _ value: JSONValue?)
    -> JSONValue
  {
    guard let key = path.first, var object = json.objectValue else { return value ?? .null }
    if path.count == 1 {
      object[key] = value
    } else {
      object[key] = setting(object[key] ?? .null, path.dropFirst(), value)
    }
    return .object(object)
  }

  @Test func manyBlocksInASmallFileAreRefused() {
    let block = #"{"repeat": 4096}"#
    let text = "{\"blocks\": [" + Array(repeating: block, count: 3000).joined(separator: ",") + "]}"
    let error = #expect(throws: ConfigError.self) { try parse(text) }
    #expect(error?.kind == .outOfRange)
    #expect(throws: Never.self) { try parse(#"{"blocks": [{"repeat": 4000}, {"repeat": 96}]}"#) }
  }

  @Test func memoryIsCountedWithoutOverflow() throws {
    var config = ModelConfig(
      blocks: 4096, width: 65_536, heads: 1, maximumLength: 1 << 24, vocabulary: 1 << 22)
    var network = MLP.Options()
    network.hidden = 1 << 24
    for index in config.blocks.indices {
      config.blocks[index].feedForward = Spec(MLP.kind, network)
    }
    let need = try MemoryNeed(config)
    // Two matrices of 2⁴⁰ numbers in each of 2¹² blocks.
    #expect(need.parameters > 4 * 0x1p53 && need.parameters < 4 * 0x1.1p53)
    #expect(need.training(batch: 1 << 20, length: 1 << 24) > 4 * need.parameters)
    let error = #expect(throws: ConfigError.self) {
      try MemoryNeed.check(need.parameters, for: "the model")
    }
    #expect(error?.exitCode == .insufficientResources)
    #expect(throws: Never.self) { try MemoryNeed.check(1e6, for: "the model") }
  }

  @Test func costOfAnImpossibleLengthIsRefused() {
    for length in [0, -1, 13, Int.max] {
      #expect(throws: ConfigError.self) { try ModelCost(Variant.base, length: length) }
    }
  }

  @Test func memoryNeedOfASmallModel() throws {
    let need = try MemoryNeed(Variant.base)
    #expect(need.parameters == Double(4 * (try Variant.base.build().parameterCount)))
    #expect(need.building == 0)
    var config = Variant.base
    config.structures = [StructureRule(match: "**.up", Spec("low-rank", LowRank.Options(rank: 1)))]
    #expect(try MemoryNeed(config).building == 20 * 8 * 32)
    #expect(need.training(batch: 2, length: 12) == 4 * need.parameters + 24 * 4 * 8 * 5)
  }

  @Test func machineMemoryIsKnown() {
    #expect(Compute.physicalByteCount > 1 << 28)
    #expect(Compute.physicalByteCount > Compute.residentByteCount)
  }
}
