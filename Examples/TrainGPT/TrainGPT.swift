// GPT-2's architecture (Radford et al. 2019), trained on the bytes of a text with this package's
// public API alone: the model as plain structs, the loop in the open.
//   swift run -c release TrainGPT FILE [STEPS]
import Verdant

/// Sizes of the model.
struct Sizes {
  var vocabulary = 257
  var length = 64
  var width = 64
  var heads = 4
  var blocks = 2
}

/// Draws initial weights; each name has a random stream of its own.
struct Weights {
  let seed: RandomSource

  func normal(_ name: String, _ shape: Shape, _ deviation: Double = 0.02) -> Parameter {
    Parameter(
      .random(shape, .normal(deviation: deviation), seed.stream(name)),
      name.hasSuffix("embedding") ? .embedding : .weight)
  }

  func zeros(_ size: Int) -> Parameter { Parameter(.zeros([size]), .bias) }

  func ones(_ size: Int) -> Parameter { Parameter(.ones([size]), .scale) }
}

/// `x Wᵀ + b`.
struct Linear: Module {
  var weight: Parameter
  var bias: Parameter

  init(_ name: String, _ input: Int, _ output: Int, _ deviation: Double, _ weights: Weights) {
    weight = weights.normal(name, [output, input], deviation)
    bias = weights.zeros(output)
  }

  mutating func visit(_ visitor: inout some Visitor) {
    visitor.parameter("weight", &weight)
    visitor.parameter("bias", &bias)
  }

  func callAsFunction(_ x: Tensor, activation: Activation = .none) -> Tensor {
    affine(x, weight.value, bias: bias.value, activation: activation)
  }
}

/// Normalizes each token.
struct Normalization: Module {
  var scale: Parameter
  var bias: Parameter

  init(_ width: Int, _ weights: Weights) {
    scale = weights.ones(width)
    bias = weights.zeros(width)
  }

  mutating func visit(_ visitor: inout some Visitor) {
    visitor.parameter("scale", &scale)
    visitor.parameter("bias", &bias)
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    layerNorm(x, scale: scale.value, bias: bias.value)
  }
}

/// Causal attention and a feed-forward network, each normalized before and added after.
struct Layer: Module {
  let heads: Int
  var attentionNorm: Normalization
  var query: Linear
  var key: Linear
  var value: Linear
  var output: Linear
  var networkNorm: Normalization
  var up: Linear
  var down: Linear

  init(_ name: String, _ sizes: Sizes, _ weights: Weights) {
    let width = sizes.width
    // Maps that write into the residual stream begin smaller, the deeper the model.
    let residual = 0.02 / (2 * Double(sizes.blocks)).squareRoot()
    heads = sizes.heads
    attentionNorm = Normalization(width, weights)
    query = Linear(name + ".query", width, width, 0.02, weights)
    key = Linear(name + ".key", width, width, 0.02, weights)
    value = Linear(name + ".value", width, width, 0.02, weights)
    output = Linear(name + ".output", width, width, residual, weights)
    networkNorm = Normalization(width, weights)
    up = Linear(name + ".up", width, 4 * width, 0.02, weights)
    down = Linear(name + ".down", 4 * width, width, residual, weights)
  }

  mutating func visit(_ visitor: inout some Visitor) {
    visitor.part("attentionNorm", &attentionNorm)
    visitor.part("query", &query)
    visitor.part("key", &key)
    visitor.part("value", &value)
    visitor.part("output", &output)
    visitor.part("networkNorm", &networkNorm)
    visitor.part("up", &up)
    visitor.part("down", &down)
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    let normal = attentionNorm(x)
    let attention = Attention(heads: heads, isCausal: true)
    let mixed = x + output(apply(attention, query(normal), key(normal), value(normal)))
    return mixed + down(up(networkNorm(mixed), activation: .gelu))
  }
}

/// The model: integers `[batch, length]` → vectors → logits by the token vectors themselves.
struct GPT: Module {
  let sizes: Sizes
  var tokens: Parameter
  var positions: Parameter
  var layers: [Layer]
  var finalNorm: Normalization

  init(_ sizes: Sizes, seed: UInt64) {
    let weights = Weights(seed: RandomSource(seed: seed))
    self.sizes = sizes
    tokens = weights.normal("tokens.embedding", [sizes.vocabulary, sizes.width])
    positions = weights.normal("positions.embedding", [sizes.length, sizes.width])
    layers = (0..<sizes.blocks).map { Layer("layers.\($0)", sizes, weights) }
    finalNorm = Normalization(sizes.width, weights)
  }

  mutating func visit(_ visitor: inout some Visitor) {
    visitor.parameter("tokens", &tokens)
    visitor.parameter("positions", &positions)
    visitor.list("layers", &layers)
    visitor.part("finalNorm", &finalNorm)
  }

  /// `[batch, length, width]`.
  func hidden(_ ids: Tensor) -> Tensor {
    var x = gatherRows(tokens.value, ids) + positions.value[0..<ids.shape[1]]
    for layer in layers { x = layer(x) }
    return finalNorm(x)
  }

  func loss(_ ids: Tensor, targets: Tensor) -> Tensor {
    linearCrossEntropy(hidden(ids), tokens.value, targets: targets)
  }

  /// The logits after the last token, `[vocabulary]`.
  func logits(_ ids: [Int32]) -> [Float] {
    let recent = Array(ids.suffix(sizes.length))
    let x = hidden(Tensor(integers: recent, [1, recent.count]))
    let last = x.reshaped(to: [recent.count, sizes.width])[recent.count - 1..<recent.count]
    return affine(last, tokens.value).floats
  }
}

/// The loop: batch, loss and gradients, clipping, update.
func train(_ model: inout GPT, _ data: some BatchSource, steps: Int) throws {
  var optimizer = AdamW()
  var schedule = Schedule()
  schedule.warmupSteps = min(20, steps / 10)
  let batchSize = 16
  for step in 0..<steps {
    let batch = try data.batch(from: step * batchSize, count: batchSize)
    var context = Context(.training, step: step)
    let (loss, gradients) = valueAndGradients(of: model, &context) { model, _ in
      model.loss(batch.tokens, targets: batch.targets)
    }
    let clipping = min(1, 1 / (gradients.norm + 1e-6))
    let rate = 2e-3 * schedule.factor(step: step, of: steps)
    optimizer.update(&model, gradients, rate: rate, gradientScale: clipping)
    if step % 20 == 0 || step == steps - 1 { print("step \(step + 1)  loss \(loss)") }
  }
}

/// Continues a text by choosing from the model's logits.
func write(_ model: GPT, _ tokenizer: ByteTokenizer, from prompt: String, tokens: Int) -> String {
  let sampler = Sampler(temperature: 0.8, topK: 40, seed: 1)
  var ids = tokenizer.encode(prompt)
  for position in 0..<tokens {
    guard let next = sampler.choose(model.logits(ids), at: position) else { break }
    ids.append(Int32(next))
  }
  return tokenizer.decode(ids)
}

@main
struct TrainGPT {
  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst()
    guard let path = arguments.first, let steps = Int(arguments.dropFirst().first ?? "200") else {
      print("usage: TrainGPT FILE [STEPS]")
      return
    }
    let tokenizer = ByteTokenizer()
    let text = TokenStream(try TextDocuments([path]).documents, tokenizer)
    var model = GPT(Sizes(), seed: 1)
    let data = try ShuffledWindows(text, length: model.sizes.length, RandomSource(seed: 1))
    print("\(model.parameterCount) parameters, \(text.ids.count) tokens")
    try train(&model, data, steps: steps)
    print(write(model, tokenizer, from: "The ", tokens: 120))
  }
}
