"""Runs exported files of GGUF in llama.cpp beside what this package computed.

    llama_check.py logits NAME=FILE.gguf=EXAMPLE.safetensors...
    llama_check.py greedy NAME=FILE.gguf=GENERATED.json...      from `verdant generate --json`
    llama_check.py loss LENGTH TEXT NAME=FILE.gguf...          nats a token, windows side by side
    llama_check.py tokens FILE.gguf TEXT                        bytes as tokens

Needs PyPI's `llama-cpp-python`, which builds llama.cpp. Prints a row of a table for each.
"""

import json
import sys

import numpy as np
from llama_cpp import Llama
from safetensors.numpy import load_file

# Two logits that are nearer than this may change places.
TIE = 1e-3


def open_model(path, length):
    return Llama(
        path, n_ctx=length, n_batch=length, n_ubatch=length, logits_all=True, verbose=False,
        n_threads=1, flash_attn=False, type_k=0, type_v=0)


def logits(model, ids):
    model.reset()
    model.eval([int(i) for i in ids])
    return np.array(model.scores[: len(ids)], np.float32)


def compare(name, path, example):
    example = load_file(example)
    want, ids = example["logits"], example["input_ids"]
    model = open_model(path, ids.shape[1])
    got = np.stack([logits(model, row) for row in ids])
    top = np.sort(want, -1)
    clear = top[..., -1] - top[..., -2] > TIE
    others = int(((got.argmax(-1) != want.argmax(-1)) & clear).sum())
    print(
        f"| {name} | {np.abs(want).max():.1f} | {np.abs(got - want).max():.1e} | "
        f"{others} of {clear.sum()} | {(~clear).sum()} |", flush=True)
    return others == 0


def greedy(name, path, generated):
    record = json.loads(open(generated).read())
    prompt, text = record["prompt"].encode(), record["text"].encode()
    model = open_model(path, len(prompt) + record["tokens"] + 2)
    # A prompt begins a document, which the file says too.
    ids, same = model.tokenize(prompt, add_bos=True, special=False), 0
    assert ids == [256] + list(prompt), ids
    model.eval(ids)
    for byte in text:
        row = np.array(model.scores[len(ids) - 1])
        best = np.sort(row)[-2:]
        if row.argmax() != byte:
            if best[1] - best[0] > TIE:
                print(f"| {name} | {same} of {len(text)} | another token |", flush=True)
                return False
            print(f"| {name} | {same} of {len(text)} | then a tie |", flush=True)
            return True
        same += 1
        ids.append(byte)
        model.eval([byte])
    print(f"| {name} | {same} of {len(text)} | |", flush=True)
    return True


def texts(path):
    if not path.endswith(".jsonl"):
        return [open(path, "rb").read()]
    return [json.loads(line)["text"].encode() for line in open(path)]


def loss(length, path, arguments):
    """As `verdant eval`: documents with an end behind each, windows that do not overlap."""
    stream = []
    for text in texts(path):
        stream += list(text) + [256]
    for argument in arguments:
        name, file = argument.split("=")
        model = open_model(file, length)
        total, count = 0.0, 0
        for start in range(0, len(stream) - 1, length):
            ids = stream[start : start + length + 1]
            rows = logits(model, ids[:-1]).astype(np.float64)
            rows -= rows.max(-1, keepdims=True)
            chosen = rows[np.arange(len(rows)), ids[1:]]
            total += (np.log(np.exp(rows).sum(-1)) - chosen).sum()
            count += len(rows)
        mean = total / count
        print(f"| {name} | {count} | {mean:.6f} | {np.exp(mean):.5f} |", flush=True)


def main():
    kind, rest = sys.argv[1], sys.argv[2:]
    if kind == "loss":
        return loss(int(rest[0]), rest[1], rest[2:])
    if kind == "tokens":
        model, wrong, count = open_model(rest[0], 32), 0, 0
        for text in texts(rest[1]):
            wrong += list(model.tokenize(text, add_bos=False, special=False)) != list(text)
            count += 1
        print(f"{wrong} of {count} texts have other tokens")
        sys.exit(wrong > 0)
    check = {"logits": compare, "greedy": greedy}[kind]
    results = [check(*argument.split("=")) for argument in rest]
    sys.exit(not all(results))


if __name__ == "__main__":
    main()
