"""Makes models of many options out of trained ones: their weights are drawn anew, large enough for
every option to show in the logits.

    variants.py OUT RUN...      a model folder OUT/NAME for each run and each change of its options
"""

import json
import pathlib
import shutil
import sys

import numpy as np
from safetensors.numpy import load_file, save_file


def attention(change):
    def apply(config, tensors):
        for key in ("blocks", "encoder_blocks"):
            for block in config[key]:
                block["mixer"].update(change)

    return apply


def pooling(name, architecture="encoder"):
    def apply(config, tensors):
        config["architecture"] = architecture
        config["classification"]["pooling"] = name

    return apply


def top(key, value):
    def apply(config, tensors):
        config[key] = value

    return apply


def segments(config, tensors):
    """Kinds of texts and a normalization of the sum, as BERT has them."""
    config["embedding"] |= {"segments": 2, "norm": {"kind": "layer-norm"}}
    tensors["embedding.segments"] = np.zeros((2, config["width"]), np.float32)
    for name in ("scale", "bias"):
        tensors[f"embedding.norm.{name}"] = np.zeros(config["width"], np.float32)


def images(config, tensors):
    """Pieces of images in the place of tokens, with a vector for the whole in front."""
    config["input"] = "patches"
    config["patches"] = {"height": 12, "width": 8, "channels": 3, "size": 4}
    config["classification"]["pooling"] = "cls"
    width = tensors.pop("embedding.tokens").shape[1]
    tensors["embedding.patches.weight"] = np.zeros((width, 48), np.float32)
    tensors["embedding.patches.bias"] = np.zeros(width, np.float32)
    tensors["embedding.classToken"] = np.zeros((1, width), np.float32)


STACKS = {
    "window": attention({"window": 5}),
    "scale": attention({"scale": 0.7}),
    "logit-scale": top("logit_scale", 0.5),
}
CLASSIFIERS = {name: pooling(name) for name in ("cls", "max", "last")} | {
    "decoder-last": pooling("last", "decoder"),
    "decoder-mean": pooling("mean", "decoder"),
    "segments": segments,
    "images": images,
}
CHANGES = {"decoder": STACKS, "encoder": STACKS, "pair": STACKS, "classifier": CLASSIFIERS}


def draw(tensors, seed):
    random = np.random.default_rng(seed)
    result = {}
    for name, old in sorted(tensors.items()):
        if name.endswith(".scale"):
            new = 1 + 0.2 * random.standard_normal(old.shape)
        elif name.endswith(".bias"):
            new = 0.3 * random.standard_normal(old.shape)
        elif old.ndim == 2 and "embedding" not in name:
            new = random.standard_normal(old.shape) * 1.2 / np.sqrt(old.shape[1])
        else:
            new = 0.5 * random.standard_normal(old.shape)
        result[name] = new.astype(np.float32)
    return result


def write(folder, source, config, tensors, seed):
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    shutil.copy(source / "verdant.json", folder)
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    save_file(
        draw(tensors, seed), folder / "model.safetensors", metadata={"format": "pt"})


def main():
    out = pathlib.Path(sys.argv[1])
    for run in map(pathlib.Path, sys.argv[2:]):
        source = run / "model"
        text = (source / "config.json").read_text()
        changes = {"": lambda config, tensors: None} | CHANGES.get(run.name, {})
        for seed, (name, change) in enumerate(changes.items()):
            config, tensors = json.loads(text), load_file(source / "model.safetensors")
            change(config, tensors)
            folder = out / (run.name + (f"-{name}" if name else ""))
            write(folder, source, config, tensors, seed + 1)


if __name__ == "__main__":
    main()
