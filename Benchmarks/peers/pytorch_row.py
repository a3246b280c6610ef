"""One row of a benchmark with PyTorch, as the peer of the row of the same name.

    python pytorch_row.py '{"kind": "gemm", "layout": "forward", "rows": 4096, ...}'

The description is a JSON object: `kind` chooses the function here, `precision` is "f32" or "bf16",
`compile` asks for torch.compile; the rest are sizes. Prints {"value": ..., "peak_bytes": ...}; the
value is in the unit of the row. `kind` "versions" prints the versions instead.
"""

import json
import platform
import resource
import statistics
import sys
import time

import torch
import torch.nn.functional as F

from pytorch_train import GPT, Description, make_optimizer


def median_seconds(work, budget=1.0, least=3):
    """The median of repeated calls, after one that does not count."""
    work()
    times = []
    end = time.perf_counter() + budget
    while len(times) < least or time.perf_counter() < end:
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def gemm(d):
    dtype = torch.bfloat16 if d["precision"] == "bf16" else torch.float32
    rows, width, output = d["rows"], d["input"], d["output"]
    x = torch.randn(rows, width).to(dtype)
    weight = torch.randn(output, width).to(dtype)
    gradient = torch.randn(rows, output).to(dtype)
    work = {
        "forward": lambda: x @ weight.t(),
        "input-gradient": lambda: gradient @ weight,
        "weight-gradient": lambda: gradient.t() @ x,
    }[d["layout"]]
    return 2 * rows * width * output / median_seconds(work) * 1e-9


def both_ways(forward, inputs, gradient, least=3):
    """Milliseconds of a function and of its gradients for all inputs."""

    def work():
        torch.autograd.grad(forward(*inputs), inputs, gradient)

    return 1e3 * median_seconds(work, least=least)


def leaves(*shapes):
    return [torch.randn(*shape).requires_grad_() for shape in shapes]


def layer_norm(d):
    rows, width = d["rows"], d["width"]
    forward = lambda x, scale, bias: F.layer_norm(x, (width,), scale, bias)
    return both_ways(forward, leaves((rows, width), (width,), (width,)), torch.ones(rows, width))


def attention(d):
    shape = (d["batch"], d["heads"], d["length"], 64)
    forward = lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=d["causal"])
    return both_ways(forward, leaves(shape, shape, shape), torch.ones(shape))


def linear_cross_entropy(d):
    rows, width, vocabulary = d["rows"], d["width"], d["vocabulary"]
    x = torch.randn(rows, width).requires_grad_()
    weight = (0.02 * torch.randn(vocabulary, width)).requires_grad_()
    targets = torch.randint(vocabulary, (rows,))
    forward = lambda x, weight: F.cross_entropy(F.linear(x, weight), targets)
    return both_ways(forward, [x, weight], torch.tensor(1.0), least=2)


def adamw(d):
    weights = torch.nn.Parameter(torch.randn(d["parameters"]))
    weights.grad = torch.randn(d["parameters"])
    optimizer = torch.optim.AdamW([weights], lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    return 1e3 * median_seconds(optimizer.step)


def train(d):
    """Tokens per second by the median time of a step."""
    model = GPT(d["blocks"], d["width"], d["heads"], d["context"], d["vocabulary"])
    optimizer = make_optimizer(
        model,
        Description(
            d["blocks"], d["width"], d["heads"], d["context"], d["batch"], d["timed"],
            learning_rate=1e-3, train=[]))
    step_model = torch.compile(model) if d["compile"] else model
    shape = (d["batch"], d["context"])
    times = []
    for step in range(d["untimed"] + d["timed"]):
        tokens, targets = (torch.randint(d["vocabulary"], shape) for _ in range(2))
        began = time.perf_counter()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=d["precision"] == "bf16"):
            loss = step_model(tokens, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if step >= d["untimed"]:
            times.append(time.perf_counter() - began)
    return d["batch"] * d["context"] / statistics.median(times)


KINDS = {
    "gemm": gemm,
    "layer-norm": layer_norm,
    "attention": attention,
    "linear-cross-entropy": linear_cross_entropy,
    "adamw": adamw,
    "train": train,
}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    description = json.loads(sys.argv[1])
    if description["kind"] == "versions":
        print(json.dumps({"PyTorch": torch.__version__, "Python": platform.python_version()}))
        return
    torch.manual_seed(1)
    value = KINDS[description["kind"]](description)
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    print(json.dumps({"value": float(value), "peak_bytes": peak}))


if __name__ == "__main__":
    main()
