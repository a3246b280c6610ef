"""Writes the golden file of numbers in the forms of GGUF: rows, and the bytes that PyPI's `gguf`
makes of them in F16, Q8_0 and Q4_0, one byte an element. ggml's own C gives the same bytes; of blocks
that hold -0 alone the two differ in the sign of the factor, so that there is none here.

    python Tools/golden/gguf_quants.py [output folder]
"""

import sys
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf.quants import quantize
from safetensors.numpy import save_file


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "Tests/Golden")
    random = np.random.default_rng(7)
    rows = random.standard_normal((64, 64)).astype(np.float32)
    rows[8:16] *= np.float32(1e-3)
    rows[16:24] *= np.float32(300)
    # Ties of rounding, zeros, two numbers of the same size, and sizes around the smallest of F16.
    rows[24] = np.arange(64) - 32
    rows[25] = (np.arange(64) - 31) / 2
    rows[26] = 0
    rows[27, :32], rows[27, 32:] = 0, 1
    rows[28] = np.where(np.arange(64) % 2 == 0, 3, -3)
    rows[29] *= np.float32(1e-6)
    rows[30] *= np.float32(6e-8)
    rows[31] = np.float32(127) / np.float32(16) * (np.arange(64) % 16 - 7.5)
    file = {"rows": rows}
    for kind in (Type.F16, Type.Q8_0, Type.Q4_0):
        data = np.ascontiguousarray(quantize(rows, kind)).view(np.uint8).reshape(-1)
        file[kind.name.lower()] = data.astype(np.int32)
    save_file(file, folder / "gguf-quants.safetensors")


if __name__ == "__main__":
    main()
