"""Tokens per second of the demo's GPT (4 blocks, width 256, context 256, batch 16, f32): Verdant
against PyTorch as installed and PyTorch with MKL's vendor check off, in turn, with medians.

    python Benchmarks/compare_training.py TEXT.jsonl [--rounds 5] [--steps 14]

Run it with the Python of the peers' environment (Benchmarks/README.md) and with the program built.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent


def verdant(text, steps, folder, environment):
    # The run folder must be new each time.
    out = Path(tempfile.mkdtemp(dir=folder)) / "run"
    command = [str(ROOT / ".build/release/verdant"), "train", "Recipes/demo-dense.yaml", "--json", "-q"]
    settings = [f"data.train={text}", "data.validation_fraction=0", "training.flops=null"]
    settings += [f"training.steps={steps}", "evaluation.every=0"]
    for setting in settings:
        command += ["--set", setting]
    result = subprocess.run(
        command + ["--out", str(out)], cwd=ROOT, capture_output=True, text=True, check=True)
    figures = json.loads(result.stdout)
    return figures["tokens_per_s"], figures["peak_rss_bytes"]


def pytorch(text, steps, folder, environment):
    description = Path(folder) / "peer.json"
    description.write_text(json.dumps({
        "blocks": 4, "width": 256, "heads": 4, "context": 256, "batch": 16, "steps": steps,
        "learning_rate": 2e-3, "warmup_steps": 10, "train": [str(text)], "seed": 1}))
    result = subprocess.run(
        [sys.executable, str(HERE / "peers/pytorch_train.py"), str(description)],
        env={**os.environ, **environment}, capture_output=True, text=True, check=True)
    figures = json.loads(result.stdout.strip().splitlines()[-1])
    peak = next(figures[key] for key in figures if key.startswith("peak"))
    return figures["tokens_per_s"], peak


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=14)
    options = parser.parse_args()
    text = options.text.resolve()
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "mkl_vendor_check.so"
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-o", str(library), str(HERE / "peers/mkl_vendor_check.c")],
            check=True)
        programs = {
            "verdant": (verdant, {}),
            "pytorch": (pytorch, {}),
            "pytorch, tuned": (pytorch, {"LD_PRELOAD": str(library)}),
        }
        found = {name: [] for name in programs}
        for number in range(options.rounds):
            for name, (run, environment) in programs.items():
                found[name].append(run(text, options.steps, folder, environment))
                print(number + 1, name, *(round(value) for value in found[name][-1]), flush=True)
    for name, values in found.items():
        rates, peaks = zip(*values)
        rate = statistics.median(rates)
        # Ratios of the same round: what slows the machine slows both.
        ratio = statistics.median(
            ours[0] / theirs[0] for ours, theirs in zip(found["verdant"], values))
        print(f"{name}: {rate:.0f} tokens/s ({min(rates):.0f} to {max(rates):.0f}), "
              f"peak {max(peaks) / 2**20:.0f} MiB, verdant is {ratio:.2f} times as fast")


if __name__ == "__main__":
    main()
