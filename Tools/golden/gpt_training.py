"""Writes the golden files that training is tested against: a small GPT and 20 AdamW steps.

PyTorch computes in float64 from float32 initial values; the files store float32.

    python Tools/golden/gpt_training.py [output folder]
"""

import math
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

VOCABULARY, WIDTH, HEADS, BLOCKS, CONTEXT, HIDDEN, RANK = 257, 32, 4, 2, 16, 128, 8
STEPS, BATCH = 20, 3
LEARNING_RATE, BETAS, EPSILON, WEIGHT_DECAY, CLIP = 1e-3, (0.9, 0.95), 1e-8, 0.1, 1.0
NORM_EPSILON = 1e-5


def initial_parameters(low_rank_blocks, generator):
    """Weights are stored [out, in]. Returns the parameters and the names that decay."""
    parameters, decaying = {}, set()

    def normal(name, shape, deviation, mean=0.0):
        parameters[name] = mean + deviation * torch.randn(shape, generator=generator)

    def weight(name, outputs, inputs, deviation=0.02):
        normal(name, (outputs, inputs), deviation)
        decaying.add(name)

    # Biases and scales leave 0 and 1, where a missing term or factor would go unnoticed.
    def linear(name, outputs, inputs, low_rank=False):
        if low_rank:
            # The product of the factors then has the deviation of a dense weight.
            deviation = math.sqrt(0.02 / math.sqrt(RANK))
            weight(f"{name}.down", RANK, inputs, deviation)
            weight(f"{name}.up", outputs, RANK, deviation)
        else:
            weight(f"{name}.weight", outputs, inputs)
        normal(f"{name}.bias", (outputs,), 0.02)

    def norm(name):
        normal(f"{name}.scale", (WIDTH,), 0.02, mean=1.0)
        normal(f"{name}.bias", (WIDTH,), 0.02)

    normal("embedding.tokens", (VOCABULARY, WIDTH), 0.02)
    normal("embedding.positions", (CONTEXT, WIDTH), 0.02)
    for index in range(BLOCKS):
        block, low_rank = f"blocks.{index}", index in low_rank_blocks
        norm(f"{block}.mixerNorm")
        for projection in ("query", "key", "value", "output"):
            linear(f"{block}.mixer.{projection}", WIDTH, WIDTH)
        norm(f"{block}.feedForwardNorm")
        linear(f"{block}.feedForward.up", HIDDEN, WIDTH, low_rank)
        linear(f"{block}.feedForward.down", WIDTH, HIDDEN, low_rank)
    norm("finalNorm")
    return parameters, decaying


def forward(parameters, tokens):
    """Logits [batch, time, vocabulary] of a pre-norm GPT with a tied head."""
    batch, time = tokens.shape

    def linear(name, x):
        bias = parameters[f"{name}.bias"]
        if f"{name}.weight" in parameters:
            return F.linear(x, parameters[f"{name}.weight"], bias)
        return F.linear(F.linear(x, parameters[f"{name}.down"]), parameters[f"{name}.up"], bias)

    def norm(name, x):
        scale, bias = parameters[f"{name}.scale"], parameters[f"{name}.bias"]
        return F.layer_norm(x, (WIDTH,), scale, bias, NORM_EPSILON)

    def heads(name, x):
        return linear(name, x).view(batch, time, HEADS, WIDTH // HEADS).transpose(1, 2)

    x = parameters["embedding.tokens"][tokens] + parameters["embedding.positions"][:time]
    for index in range(BLOCKS):
        block = f"blocks.{index}"
        y = norm(f"{block}.mixerNorm", x)
        query, key, value = (heads(f"{block}.mixer.{n}", y) for n in ("query", "key", "value"))
        y = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        y = y.transpose(1, 2).reshape(batch, time, WIDTH)
        x = x + linear(f"{block}.mixer.output", y)
        y = linear(f"{block}.feedForward.up", norm(f"{block}.feedForwardNorm", x))
        x = x + linear(f"{block}.feedForward.down", F.gelu(y, approximate="tanh"))
    return F.linear(norm("finalNorm", x), parameters["embedding.tokens"])


def mean_loss(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten().long())


def batches(generator):
    """Tokens and targets [steps, batch, context]: windows of skewed random bytes."""
    # A skewed distribution can be learnt, so the loss falls and a wrong optimizer shows.
    uniform = torch.rand((STEPS, BATCH, CONTEXT + 1), generator=generator)
    windows = (VOCABULARY * uniform**3).to(torch.int32).clamp(max=VOCABULARY - 1)
    return windows[..., :-1].contiguous(), windows[..., 1:].contiguous()


# The seed gives both files an end-of-document token and a step that is not clipped.
def golden(low_rank_blocks=(), seed=15):
    generator = torch.Generator().manual_seed(seed)
    initial, decaying = initial_parameters(low_rank_blocks, generator)
    tokens, targets = batches(generator)
    parameters = {name: value.double().requires_grad_() for name, value in initial.items()}
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for n, p in parameters.items() if n in decaying]},
            {"params": [p for n, p in parameters.items() if n not in decaying], "weight_decay": 0},
        ],
        lr=LEARNING_RATE, betas=BETAS, eps=EPSILON, weight_decay=WEIGHT_DECAY,
    )

    file = {f"initial.{name}": value for name, value in initial.items()}
    file |= {"tokens": tokens, "targets": targets}
    losses, norms = [], []
    for step in range(STEPS):
        logits = forward(parameters, tokens[step])
        loss = mean_loss(logits, targets[step])
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            file["logits"] = logits.detach().float()
            file |= {f"gradient.{name}": p.grad.float() for name, p in parameters.items()}
        losses.append(loss.item())
        norms.append(torch.nn.utils.clip_grad_norm_(parameters.values(), CLIP).item())
        optimizer.step()
    return file | {"losses": torch.tensor(losses), "gradient_norms": torch.tensor(norms)}


def main():
    root = Path(__file__).resolve().parents[2]
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else root / "Tests" / "Golden"
    folder.mkdir(parents=True, exist_ok=True)
    # One thread fixes the order of every sum, so a rerun writes the same bytes.
    torch.set_num_threads(1)
    save_file(golden(), folder / "gpt-training.safetensors")
    save_file(golden(low_rank_blocks={1}), folder / "gpt-training-low-rank.safetensors")


if __name__ == "__main__":
    main()
