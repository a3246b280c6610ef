"""Runs exported graphs in ONNX Runtime beside what this package computed.

    onnx_check.py NAME=MODEL.onnx=EXAMPLE.safetensors...

Prints a row of a table for each: the largest difference of the logits of tokens that exist, and of
the most probable tokens how many are others. Ends with 1 when a difference is above 1e-4 of the
largest logit or 1e-4, whichever is larger.
"""

import sys

import numpy as np
import onnx
import onnxruntime
from safetensors.numpy import load_file

LIMIT = 1e-4


def run(path, example):
    onnx.checker.check_model(path, full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        path, options, providers=["CPUExecutionProvider"])
    inputs = {
        port.name: example[port.name].astype(np.float32 if "float" in port.type else np.int64)
        for port in session.get_inputs()
    }
    logits = session.run(["logits"], inputs)[0]
    # Another batch and length than in the file: the axes are free.
    if "input_ids" in inputs and "decoder_input_ids" not in inputs:
        small = {name: value[:1, :3] for name, value in inputs.items()}
        session.run(["logits"], small)
    return logits


def main():
    failed = False
    for argument in sys.argv[1:]:
        name, path, example_path = argument.split("=")
        example = load_file(example_path)
        want = example["logits"]
        got = run(path, example)
        exists = np.ones(want.shape[:-1], bool)
        if "attention_mask" in example and want.ndim == 3 and "decoder_input_ids" not in example:
            exists = example["attention_mask"] > 0
        assert got.shape == want.shape, (got.shape, want.shape)
        assert np.isfinite(want).all() and np.isfinite(got[exists]).all()
        difference = np.abs(got - want)[exists].max()
        others = int((got.argmax(-1) != want.argmax(-1))[exists].sum())
        size = np.abs(want[exists]).max()
        bad = difference > LIMIT * max(1, size)
        failed |= bool(bad)
        nodes = len(onnx.load(path).graph.node)
        print(
            f"| {name} | {nodes} | {size:.1f} | {difference:.1e} | {others} of {exists.sum()} |"
            + (" too much" if bad else ""), flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
