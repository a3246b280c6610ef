"""Trains a byte-level GPT with PyTorch, as the peer of Verdant's trainer.

    python pytorch_train.py description.json

The description is a JSON object with the fields of `Description`; those without a default are
required. Prints one JSON object a line: a `start`, a `step` each step, an `eval` whenever the
validation loss is measured, an `end`. Losses are in nats per byte token.
"""

import dataclasses
import json
import math
import resource
import sys
import time
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F

VOCABULARY, END_OF_DOCUMENT = 257, 256
UNTIMED_STEPS = 2


@dataclasses.dataclass
class Description:
    blocks: int
    width: int
    heads: int
    context: int
    batch: int
    steps: int
    learning_rate: float
    train: list[str]  # files, relative to the description's folder
    validation: list[str] = dataclasses.field(default_factory=list)
    warmup_steps: int = 0
    final_rate_fraction: float = 0.1
    weight_decay: float = 0.1
    clip: float = 1.0
    betas: tuple[float, float] = (0.9, 0.95)
    epsilon: float = 1e-8
    seed: int = 0
    evaluate_every: int = 0  # 0: at the end only
    threads: int = 0  # 0: PyTorch's choice
    precision: str = "f32"  # or "bf16"
    compile: bool = False

    def __post_init__(self):
        if self.precision not in ("f32", "bf16"):
            raise ValueError(f'precision is "{self.precision}", not "f32" or "bf16"')


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.mixer_norm = nn.LayerNorm(width)
        # One product for query, key and value is faster than three and computes the same.
        self.mixer_input = nn.Linear(width, 3 * width)
        self.mixer_output = nn.Linear(width, width)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.feed_forward_up = nn.Linear(width, 4 * width)
        self.feed_forward_down = nn.Linear(4 * width, width)

    def forward(self, x):
        batch, time, width = x.shape
        parts = self.mixer_input(self.mixer_norm(x)).split(width, dim=2)
        query, key, value = (p.view(batch, time, self.heads, -1).transpose(1, 2) for p in parts)
        y = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.mixer_output(y.transpose(1, 2).reshape(batch, time, width))
        y = F.gelu(self.feed_forward_up(self.feed_forward_norm(x)), approximate="tanh")
        return x + self.feed_forward_down(y)


class GPT(nn.Module):
    def __init__(self, blocks, width, heads, context, vocabulary=VOCABULARY):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(context, width)
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(blocks)])
        self.norm = nn.LayerNorm(width)
        for name, module in self.named_modules():
            if isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, std=0.02)
            elif isinstance(module, nn.Linear):
                deviation = max(0.02, 1 / math.sqrt(3 * module.in_features))
                if name.endswith(("mixer_output", "feed_forward_down")):
                    deviation /= math.sqrt(2 * blocks)
                nn.init.normal_(module.weight, std=deviation)
                nn.init.zeros_(module.bias)

    def forward(self, tokens, targets, reduction="mean"):
        x = self.tokens(tokens) + self.positions.weight[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x)
        logits = F.linear(self.norm(x), self.tokens.weight)
        return F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten(), reduction=reduction)


def read_tokens(paths):
    """All documents in one row of bytes, each followed by the end-of-document token."""
    tokens = []
    for path in paths:
        if path.suffix == ".jsonl":
            with path.open(encoding="utf-8") as lines:
                documents = [json.loads(line)["text"].encode() for line in lines if line.strip()]
        else:
            documents = [path.read_bytes()]
        for document in documents:
            tokens += document
            tokens.append(END_OF_DOCUMENT)
    return torch.tensor(tokens)


def training_batches(tokens, context, batch, seed):
    """Endless batches of windows: every epoch visits all of them in a new order."""
    count = (len(tokens) - 1) // context
    if count == 0:
        raise ValueError(f"the training data has {len(tokens)} tokens, fewer than one window")
    inputs = tokens[: count * context].view(count, context)
    targets = tokens[1 : count * context + 1].view(count, context)
    generator = torch.Generator().manual_seed(seed)
    order = torch.empty(0, dtype=torch.long)
    while True:
        while len(order) < batch:
            order = torch.cat([order, torch.randperm(count, generator=generator)])
        chosen, order = order[:batch], order[batch:]
        yield inputs[chosen], targets[chosen]


@torch.no_grad()
def validation_loss(model, tokens, context, batch):
    """Mean over every token but the first, in windows that do not overlap."""
    total, predicted = 0.0, len(tokens) - 1
    whole = predicted // context * context
    inputs, targets = tokens[:whole].view(-1, context), tokens[1 : whole + 1].view(-1, context)
    for rows in zip(inputs.split(batch), targets.split(batch)):
        total += model(*rows, reduction="sum").item()
    if whole < predicted:
        total += model(tokens[None, whole:-1], tokens[None, whole + 1 :], reduction="sum").item()
    return total / predicted


def learning_rate(step, description):
    d = description
    if step < d.warmup_steps:
        return d.learning_rate * (step + 1) / d.warmup_steps
    progress = (step - d.warmup_steps) / max(1, d.steps - d.warmup_steps)
    cosine = 0.5 * (1 + math.cos(math.pi * progress))
    return d.learning_rate * (d.final_rate_fraction + (1 - d.final_rate_fraction) * cosine)


def make_optimizer(model, description):
    """Only the weights of linear layers decay."""
    decaying = [m.weight for m in model.modules() if isinstance(m, nn.Linear)]
    chosen = {id(p) for p in decaying}
    others = [p for p in model.parameters() if id(p) not in chosen]
    return torch.optim.AdamW(
        [{"params": decaying}, {"params": others, "weight_decay": 0.0}],
        lr=description.learning_rate, betas=tuple(description.betas), eps=description.epsilon,
        weight_decay=description.weight_decay, fused=True,
    )


def peak_rss_bytes():
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def report(event, **values):
    print(json.dumps({"event": event, **values}), flush=True)


def train(description, folder):
    d = description
    if d.threads > 0:
        torch.set_num_threads(d.threads)
    torch.manual_seed(d.seed)
    tokens = read_tokens([folder / p for p in d.train])
    batches = training_batches(tokens, d.context, d.batch, d.seed)
    validation = read_tokens([folder / p for p in d.validation])
    model = GPT(d.blocks, d.width, d.heads, d.context)
    optimizer = make_optimizer(model, d)
    # Evaluation stays eager: compiling it for its other shapes would cost more than it saves.
    step_model = torch.compile(model) if d.compile else model
    report(
        "start", description=dataclasses.asdict(d), threads=torch.get_num_threads(),
        torch=torch.__version__, parameters=sum(p.numel() for p in model.parameters()),
    )

    seconds, timed_seconds = 0.0, 0.0
    for step in range(1, d.steps + 1):
        began = time.perf_counter()
        inputs, targets = next(batches)
        rate = learning_rate(step - 1, d)
        for group in optimizer.param_groups:
            group["lr"] = rate
        with torch.autocast("cpu", torch.bfloat16, enabled=d.precision == "bf16"):
            loss = step_model(inputs, targets)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), d.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        elapsed = time.perf_counter() - began

        seconds += elapsed
        timed_seconds += elapsed if step > UNTIMED_STEPS else 0
        timed_tokens = (step - UNTIMED_STEPS) * d.batch * d.context
        progress = {
            "step": step,
            "loss": loss.item(),
            "grad_norm": norm.item(),
            "learning_rate": rate,
            "tokens_per_s": timed_tokens / timed_seconds if timed_seconds else None,
            "seconds": seconds,
            "peak_rss_bytes": peak_rss_bytes(),
        }
        report("step", **progress)
        last = step == d.steps
        if len(validation) > 1 and (last or (d.evaluate_every and step % d.evaluate_every == 0)):
            with torch.autocast("cpu", torch.bfloat16, enabled=d.precision == "bf16"):
                progress["eval_loss"] = validation_loss(model, validation, d.context, d.batch)
            report("eval", step=step, eval_loss=progress["eval_loss"], seconds=seconds)
        if last:
            report("end", **progress | {"peak_rss_bytes": peak_rss_bytes()})


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    path = Path(sys.argv[1])
    train(Description(**json.loads(path.read_text())), path.resolve().parent)


if __name__ == "__main__":
    main()
