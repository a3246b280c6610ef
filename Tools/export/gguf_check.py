"""Reads exported files of GGUF with PyPI's `gguf` beside the models they were made of.

    gguf_check.py NAME=MODEL_FOLDER=FILE.gguf...
    gguf_check.py --dequantize MODEL_FOLDER FILE.gguf OUT    a model folder with the file's numbers

Every tensor must have the bytes that `gguf` makes of the model's, and none may be missing. Prints a
row of a table for each file; ends with 1 when anything differs.
"""

import json
import pathlib
import shutil
import sys

import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import GGUFReader
from gguf.quants import dequantize, quantize
from safetensors.numpy import load_file, save_file


def neighbours(rows, heads):
    """Halves to neighbours, as the converter of Llama's checkpoints does it."""
    return (
        rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:])
        .swapaxes(1, 2)
        .reshape(rows.shape))


def halves(rows, heads):
    return (
        rows.reshape(heads, rows.shape[0] // heads // 2, 2, *rows.shape[1:])
        .swapaxes(1, 2)
        .reshape(rows.shape))


class Model:
    def __init__(self, folder):
        self.config = json.loads((folder / "config.json").read_text())
        self.tensors = load_file(folder / "model.safetensors")
        blocks = []
        for block in self.config["blocks"]:
            blocks += [block] * block.get("repeat", 1)
        self.order = self.config["order"] or list(range(len(blocks)))
        mixer = blocks[0]["mixer"]
        self.heads = mixer["heads"]
        self.key_heads = mixer.get("key_heads") or self.heads
        self.scale = mixer.get("scale")
        self.is_llama = self.config["embedding"]["positions"] == "rotary"

    def matrix(self, name):
        if name + ".weight" in self.tensors:
            return self.tensors[name + ".weight"]
        return self.tensors[name + ".up"] @ self.tensors[name + ".down"]

    def bias(self, name):
        return self.tensors.get(name + ".bias")

    def map(self, names, heads=None, gain=1.0):
        weights = [self.matrix(name) for name in names]
        biases = [self.bias(name) for name in names]
        if gain != 1:
            weights[0] = weights[0] * np.float32(gain)
            biases[0] = None if biases[0] is None else biases[0] * np.float32(gain)
        weight = np.concatenate(weights)
        bias = None
        if not self.is_llama or biases[0] is not None:
            bias = np.concatenate(
                [
                    np.zeros(len(w), np.float32) if b is None else b
                    for w, b in zip(weights, biases)
                ])
        if heads:
            weight = neighbours(weight, heads)
            bias = None if bias is None else neighbours(bias, heads)
        return weight, bias

    def expected(self):
        """The tensors of the file by name, in f32."""
        result = {}
        embedding = self.config["embedding"]
        rows = self.tensors["embedding.tokens"]
        result["token_embd.weight"] = rows * np.float32(embedding["scale"])
        if "head.weight" in self.tensors:
            result["output.weight"] = self.tensors["head.weight"]
        elif embedding["scale"] != 1:
            result["output.weight"] = rows
        if not self.is_llama:
            result["position_embd.weight"] = self.tensors["embedding.positions"]

        def norm(name, source, gain=1.0):
            scale = self.tensors[source + ".scale"]
            result[name + ".weight"] = scale * np.float32(gain)
            if not self.is_llama:
                bias = self.tensors.get(source + ".bias", np.zeros_like(scale))
                result[name + ".bias"] = bias * np.float32(gain)

        def add(name, parts, heads=None, gain=1.0):
            weight, bias = self.map(parts, heads, gain)
            result[name + ".weight"] = weight
            if bias is not None:
                result[name + ".bias"] = bias

        for place, index in enumerate(self.order):
            to, source = f"blk.{place}", f"blocks.{index}"
            norm(to + ".attn_norm", source + ".mixerNorm")
            norm(to + ".ffn_norm", source + ".feedForwardNorm")
            width = len(self.matrix(source + ".mixer.query")) // self.heads
            gain = 1.0 if self.scale is None else self.scale * np.sqrt(width)
            mixer = source + ".mixer."
            if self.is_llama:
                add(to + ".attn_q", [mixer + "query"], self.heads, gain)
                add(to + ".attn_k", [mixer + "key"], self.key_heads)
                add(to + ".attn_v", [mixer + "value"])
                add(to + ".ffn_gate", [source + ".feedForward.gate"])
            else:
                add(to + ".attn_qkv", [mixer + p for p in ("query", "key", "value")], None, gain)
            add(to + ".attn_output", [mixer + "output"])
            add(to + ".ffn_up", [source + ".feedForward.up"])
            add(to + ".ffn_down", [source + ".feedForward.down"])
        norm("output_norm", "finalNorm", self.config["logit_scale"])
        return result


def check(model, reader):
    expected = model.expected()
    found = {tensor.name: tensor for tensor in reader.tensors}
    assert set(found) == set(expected), set(found) ^ set(expected)
    types, nearly = {}, 0
    for name, tensor in found.items():
        want = expected[name]
        shape = [int(n) for n in reversed(tensor.shape)]
        assert shape == list(want.shape), (name, shape, want.shape)
        kind = Type(tensor.tensor_type)
        types[kind.name] = types.get(kind.name, 0) + 1
        made = quantize(want, kind)
        got = np.ascontiguousarray(tensor.data).view(np.uint8).reshape(-1)
        if not np.array_equal(got, made.view(np.uint8).reshape(-1)):
            # Products of factors are summed in another order.
            near = dequantize(tensor.data, kind).reshape(want.shape)
            step = 1e-6 if kind == Type.F32 else np.abs(want).max() / (7 if kind == Type.Q4_0 else 100)
            assert np.abs(near - want).max() <= step * 1.01, name
            nearly += 1
    return types, nearly


def dequantized(folder, path, out):
    model = Model(folder)
    found = {t.name: dequantize(t.data, Type(t.tensor_type)) for t in GGUFReader(path).tensors}
    result = dict(model.tensors)
    assert model.config["embedding"]["scale"] == 1 and model.config["logit_scale"] == 1
    result["embedding.tokens"] = found["token_embd.weight"]
    if "head.weight" in result:
        result["head.weight"] = found["output.weight"]
    for place, index in enumerate(model.order):
        source, to = f"blocks.{index}", f"blk.{place}"
        if model.is_llama:
            q, k = found[to + ".attn_q.weight"], found[to + ".attn_k.weight"]
            parts = [halves(q, model.heads), halves(k, model.key_heads), found[to + ".attn_v.weight"]]
        else:
            parts = np.split(found[to + ".attn_qkv.weight"], 3)
        for name, part in zip(("query", "key", "value"), parts):
            result[f"{source}.mixer.{name}.weight"] = part
        result[source + ".mixer.output.weight"] = found[to + ".attn_output.weight"]
        for name in ("gate", "up", "down"):
            if f"{to}.ffn_{name}.weight" in found:
                result[f"{source}.feedForward.{name}.weight"] = found[f"{to}.ffn_{name}.weight"]
    if out.exists():
        shutil.rmtree(out)
    shutil.copytree(folder, out)
    save_file(
        {name: np.ascontiguousarray(t, np.float32) for name, t in result.items()},
        out / "model.safetensors", metadata={"format": "pt"})


def main():
    if sys.argv[1] == "--dequantize":
        return dequantized(*map(pathlib.Path, sys.argv[2:5]))
    for argument in sys.argv[1:]:
        name, folder, path = argument.split("=")
        reader = GGUFReader(path)
        types, nearly = check(Model(pathlib.Path(folder)), reader)
        size = pathlib.Path(path).stat().st_size
        text = ", ".join(f"{count} {kind}" for kind, count in sorted(types.items()))
        print(f"| {name} | {len(reader.fields)} | {text} | {size} | {nearly} |", flush=True)


if __name__ == "__main__":
    main()
