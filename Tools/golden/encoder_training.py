"""Writes the golden files that encoders are tested against: 20 AdamW steps of a masked language
model (BERT-shaped) and of an encoder-decoder for span corruption (T5-shaped), on real text.

PyTorch computes in float64 from float32 initial values; the files store float32.

    python Tools/golden/encoder_training.py [output folder] [text file]
"""

import math
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

WIDTH, HEADS, BLOCKS, HIDDEN = 32, 4, 2, 96
HEAD_WIDTH = WIDTH // HEADS
STEPS, BATCH, CONTEXT = 20, 4, 48
LEARNING_RATE, BETAS, EPSILON, WEIGHT_DECAY, CLIP = 3e-3, (0.9, 0.95), 1e-8, 0.1, 1.0
NORM_EPSILON = 1e-5
END, MASK, FIRST_SENTINEL = 256, 257, 358
MASKED_VOCABULARY, SPAN_VOCABULARY = 259, 359
BUCKETS, DISTANCE = 16, 20


class Parameters:
    """Initial values by name; matrices decay."""

    def __init__(self, generator):
        self.generator, self.values, self.decaying = generator, {}, set()

    def normal(self, name, shape, deviation=0.02, mean=0.0):
        self.values[name] = mean + deviation * torch.randn(shape, generator=self.generator)

    def linear(self, name, outputs, inputs, bias):
        self.normal(f"{name}.weight", (outputs, inputs), 0.1)
        self.decaying.add(f"{name}.weight")
        if bias:
            self.normal(f"{name}.bias", (outputs,))

    def norm(self, name, bias):
        self.normal(f"{name}.scale", (WIDTH,), mean=1.0)
        if bias:
            self.normal(f"{name}.bias", (WIDTH,))

    def attention(self, name, bias):
        for projection in ("query", "key", "value", "output"):
            self.linear(f"{name}.{projection}", WIDTH, WIDTH, bias)


def split(x):
    batch, length, _ = x.shape
    return x.view(batch, length, HEADS, HEAD_WIDTH).transpose(1, 2)


def attend(query, key, value, scale, mask):
    """Softmax attention with an additive mask or bias that broadcasts to the scores."""
    scores = split(query) @ split(key).transpose(2, 3) * scale + mask
    mixed = scores.softmax(-1) @ split(value)
    batch, _, length, _ = mixed.shape
    return mixed.transpose(1, 2).reshape(batch, length, WIDTH)


def linear(p, name, x):
    return F.linear(x, p[f"{name}.weight"], p.get(f"{name}.bias"))


# The masked language model: post-norm as BERT, learned positions, a norm of the embeddings, GELU in
# its tanh form, lengths of sequences, a tied head.


def masked_parameters(generator):
    p = Parameters(generator)
    p.normal("embedding.tokens", (MASKED_VOCABULARY, WIDTH))
    p.normal("embedding.positions", (CONTEXT, WIDTH))
    p.norm("embedding.norm", True)
    for index in range(BLOCKS):
        block = f"blocks.{index}"
        p.norm(f"{block}.mixerNorm", True)
        p.attention(f"{block}.mixer", True)
        p.norm(f"{block}.feedForwardNorm", True)
        p.linear(f"{block}.feedForward.up", HIDDEN, WIDTH, True)
        p.linear(f"{block}.feedForward.down", WIDTH, HIDDEN, True)
    return p


def masked_logits(p, batch):
    tokens, lengths = batch["tokens"], batch["lengths"]
    length = tokens.shape[1]

    def norm(name, x):
        return F.layer_norm(x, (WIDTH,), p[f"{name}.scale"], p[f"{name}.bias"], NORM_EPSILON)

    exists = torch.arange(length)[None, :] < lengths[:, None]
    mask = torch.where(exists, 0.0, -math.inf).double()[:, None, None, :]
    x = norm("embedding.norm", p["embedding.tokens"][tokens] + p["embedding.positions"][:length])
    for index in range(BLOCKS):
        block = f"blocks.{index}"
        q, k, v = (linear(p, f"{block}.mixer.{n}", x) for n in ("query", "key", "value"))
        y = attend(q, k, v, HEAD_WIDTH**-0.5, mask)
        x = norm(f"{block}.mixerNorm", x + linear(p, f"{block}.mixer.output", y))
        y = F.gelu(linear(p, f"{block}.feedForward.up", x), approximate="tanh")
        x = norm(f"{block}.feedForwardNorm", x + linear(p, f"{block}.feedForward.down", y))
    return F.linear(x, p["embedding.tokens"])


def masked_batch(rows, generator):
    """15 % of the tokens of each row are targets; of those 80 % masked, 10 % random, 10 % kept."""
    rows = rows.clone()
    targets = torch.full_like(rows, -1)
    lengths = torch.randint(CONTEXT // 2, CONTEXT + 1, (BATCH,), generator=generator)
    lengths[0] = CONTEXT
    for row in range(BATCH):
        length = int(lengths[row])
        rows[row, length:] = END
        for place in torch.randperm(length, generator=generator)[: round(0.15 * length)].tolist():
            targets[row, place] = rows[row, place]
            kind = torch.rand((), generator=generator).item()
            if kind < 0.8:
                rows[row, place] = MASK
            elif kind < 0.9:
                rows[row, place] = int(torch.randint(0, 256, (), generator=generator))
    return {"tokens": rows, "targets": targets, "lengths": lengths}


# The encoder-decoder: pre-norm with root mean square norms, relative positions, scores that are not
# scaled, ReLU, no biases, a tied head with scaled logits, as T5.


def span_parameters(generator):
    p = Parameters(generator)
    p.normal("embedding.tokens", (SPAN_VOCABULARY, WIDTH), 0.5)
    for stack in ("", "encoder."):
        p.normal(f"{stack or 'embedding.'}relativeBias", (BUCKETS, HEADS), 0.3)
        for index in range(BLOCKS):
            block = f"{stack}blocks.{index}"
            p.norm(f"{block}.mixerNorm", False)
            p.attention(f"{block}.mixer", False)
            if not stack:
                p.norm(f"{block}.crossNorm", False)
                p.attention(f"{block}.crossAttention", False)
            p.norm(f"{block}.feedForwardNorm", False)
            p.linear(f"{block}.feedForward.up", HIDDEN, WIDTH, False)
            p.linear(f"{block}.feedForward.down", WIDTH, HIDDEN, False)
        p.norm(f"{stack}finalNorm", False)
    return p


def bucket(offset, causal):
    """The bucket of key minus query (Raffel et al. 2020): own ones, then logarithmic steps."""
    count, first = (BUCKETS, 0) if causal else (BUCKETS // 2, BUCKETS // 2 if offset > 0 else 0)
    length = max(0, -offset) if causal else abs(offset)
    exact = count // 2
    if length < exact:
        return first + length
    steps = torch.log(torch.tensor(length / exact)) / math.log(DISTANCE / exact) * (count - exact)
    return first + min(count - 1, exact + int(steps))


def relative_bias(table, length, causal):
    buckets = [[bucket(j - i, causal) for j in range(length)] for i in range(length)]
    return table[torch.tensor(buckets)].permute(2, 0, 1)[None]


def span_logits(p, batch):
    def norm(name, x):
        mean = x.square().mean(-1, keepdim=True)
        return x * torch.rsqrt(mean + NORM_EPSILON) * p[f"{name}.scale"]

    def feed_forward(block, x):
        y = F.relu(linear(p, f"{block}.feedForward.up", norm(f"{block}.feedForwardNorm", x)))
        return x + linear(p, f"{block}.feedForward.down", y)

    def mixed(block, x, mask):
        y = norm(f"{block}.mixerNorm", x)
        q, k, v = (linear(p, f"{block}.mixer.{n}", y) for n in ("query", "key", "value"))
        return x + linear(p, f"{block}.mixer.output", attend(q, k, v, 1.0, mask))

    tokens, decoder = batch["tokens"], batch["decoder"]
    x = p["embedding.tokens"][tokens]
    mask = relative_bias(p["encoder.relativeBias"], tokens.shape[1], False)
    for index in range(BLOCKS):
        block = f"encoder.blocks.{index}"
        x = feed_forward(block, mixed(block, x, mask))
    memory = norm("encoder.finalNorm", x)

    length = decoder.shape[1]
    x = p["embedding.tokens"][decoder]
    hidden = torch.full((length, length), -math.inf, dtype=torch.float64).triu(1)
    mask = relative_bias(p["embedding.relativeBias"], length, True) + hidden
    for index in range(BLOCKS):
        block = f"blocks.{index}"
        x = mixed(block, x, mask)
        q = linear(p, f"{block}.crossAttention.query", norm(f"{block}.crossNorm", x))
        k, v = (linear(p, f"{block}.crossAttention.{n}", memory) for n in ("key", "value"))
        x = x + linear(p, f"{block}.crossAttention.output", attend(q, k, v, 1.0, 0.0))
        x = feed_forward(block, x)
    return F.linear(norm("finalNorm", x) * WIDTH**-0.5, p["embedding.tokens"])


def span_batch(rows, generator):
    """Three spans of two tokens of each row are hidden, at places that leave a token between."""
    tokens, targets = [], []
    for row in rows.tolist():
        starts = sorted(torch.randperm(CONTEXT // 4 - 1, generator=generator)[:3].tolist())
        read, written, at = [], [], 0
        for number, start in enumerate(start * 4 + 1 for start in starts):
            read += row[at:start] + [FIRST_SENTINEL - number]
            written += [FIRST_SENTINEL - number] + row[start : start + 2]
            at = start + 2
        tokens.append(read + row[at:])
        targets.append(written + [FIRST_SENTINEL - 3])
    decoder = [[END] + row[:-1] for row in targets]
    return {"tokens": torch.tensor(tokens), "targets": torch.tensor(targets),
            "decoder": torch.tensor(decoder)}


def golden(make_parameters, logits_of, make_batch, text, seed):
    generator = torch.Generator().manual_seed(seed)
    initial = make_parameters(generator)
    p = {name: value.double().requires_grad_() for name, value in initial.values.items()}
    optimizer = torch.optim.AdamW(
        [
            {"params": [v for n, v in p.items() if n in initial.decaying]},
            {"params": [v for n, v in p.items() if n not in initial.decaying], "weight_decay": 0},
        ],
        lr=LEARNING_RATE, betas=BETAS, eps=EPSILON, weight_decay=WEIGHT_DECAY,
    )
    file = {f"initial.{name}": value for name, value in initial.values.items()}
    batches, losses, norms = [], [], []
    for step in range(STEPS):
        starts = torch.randint(0, len(text) - CONTEXT, (BATCH,), generator=generator).tolist()
        rows = torch.tensor([list(text[start : start + CONTEXT]) for start in starts])
        batch = make_batch(rows, generator)
        batches.append(batch)
        logits = logits_of(p, batch)
        targets = batch["targets"].flatten()
        loss = F.cross_entropy(logits.flatten(0, 1), targets, ignore_index=-1)
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            file["logits"] = logits.detach().float()
            file |= {f"gradient.{name}": value.grad.float() for name, value in p.items()}
        losses.append(loss.item())
        norms.append(torch.nn.utils.clip_grad_norm_(p.values(), CLIP).item())
        optimizer.step()
    print(f"losses {losses[0]:.4f} to {losses[-1]:.4f}")
    for name in batches[0]:
        file[name] = torch.stack([batch[name] for batch in batches]).to(torch.int32)
    return file | {"losses": torch.tensor(losses), "gradient_norms": torch.tensor(norms)}


def main():
    root = Path(__file__).resolve().parents[2]
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else root / "Tests" / "Golden"
    text = Path(sys.argv[2]) if len(sys.argv) > 2 else root / "LICENSE"
    folder.mkdir(parents=True, exist_ok=True)
    # One thread fixes the order of every sum, so a rerun writes the same bytes.
    torch.set_num_threads(1)
    text = text.read_bytes()
    runs = {
        "masked-training": (masked_parameters, masked_logits, masked_batch, text, 5),
        "span-training": (span_parameters, span_logits, span_batch, text, 6),
    }
    for name, run in runs.items():
        file = golden(*run)
        save_file({key: value.contiguous() for key, value in file.items()},
                  folder / f"{name}.safetensors")


if __name__ == "__main__":
    main()
