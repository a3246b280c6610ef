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
    def apply(config):
        for key in ("blocks", "encoder_blocks"):
            for block in config[key]:
                block["mixer"].update(change)

    return apply


def pooling(name):
    def apply(config):
        config["classification"]["pooling"] = name

    return apply


def each_block(key, value):
    def apply(config):
        for name in ("blocks", "encoder_blocks"):
            for block in config[name]:
                block[key] = value

    return apply


def top(key, value):
    def apply(config):
        config[key] = value

    return apply


# Changes that keep the shapes of all tensors.
CHANGES = {
    "window": attention({"window": 5}),
    "scale": attention({"scale": 0.7}),
    "logit-scale": top("logit_scale", 0.5),
}
POOLINGS = {f"pooling-{name}": pooling(name) for name in ("mean", "max", "last")}


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


def write(folder, source, config, seed):
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    shutil.copy(source / "verdant.json", folder)
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    save_file(
        draw(load_file(source / "model.safetensors"), seed), folder / "model.safetensors",
        metadata={"format": "pt"})


def main():
    out = pathlib.Path(sys.argv[1])
    for run in map(pathlib.Path, sys.argv[2:]):
        source = run / "model"
        text = (source / "config.json").read_text()
        changes = {"": lambda config: None}
        if run.name in ("decoder", "encoder", "pair"):
            changes |= CHANGES
        if run.name.startswith("classifier"):
            changes |= POOLINGS
        for seed, (name, change) in enumerate(changes.items()):
            config = json.loads(text)
            change(config)
            write(out / (run.name + (f"-{name}" if name else "")), source, config, seed + 1)


if __name__ == "__main__":
    main()
