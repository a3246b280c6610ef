"""Makes the golden files of Tests/VerdantIOTests/Golden with the reference implementation.

Needs the packages safetensors and numpy. Run it from any folder:
    python3 Tools/golden/safetensors_files.py
Each file has at most one metadata entry, because the reference orders more by hash.
"""

import ctypes
import json
import pathlib
import random

import numpy
from safetensors import TensorSpec, deserialize
from safetensors import serialize as serialize_specifications
from safetensors.numpy import save

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "Tests/VerdantIOTests/Golden"
# The names that the raw interface of the reference takes, with the bits of one element.
TYPES = {
    "bool": 8, "uint8": 8, "int8": 8, "float8_e5m2": 8, "float8_e4m3fn": 8,
    "float8_e8m0fnu": 8, "float8_e4m3fnuz": 8, "float8_e5m2fnuz": 8, "float4_e2m1fn_x2": 8,
    "int16": 16, "uint16": 16, "float16": 16, "bfloat16": 16,
    "int32": 32, "uint32": 32, "float32": 32,
    "complex64": 64, "float64": 64, "int64": 64, "uint64": 64,
}


def raw(shape, bits, seed):
    count = bits // 8
    for size in shape:
        count *= size
    return bytes((seed + 31 * i) % 251 for i in range(count))


def tensor(dtype, shape, seed):
    return dtype, shape, raw(shape, TYPES[dtype], seed)


def serialize(tensors, metadata):
    buffers = {name: ctypes.create_string_buffer(data, max(1, len(data)))
               for name, (_, _, data) in tensors.items()}
    specifications = {
        name: TensorSpec(
            dtype=dtype, shape=shape, data_ptr=ctypes.addressof(buffers[name]), data_len=len(data))
        for name, (dtype, shape, data) in tensors.items()
    }
    return bytes(serialize_specifications(specifications, metadata))


def cases():
    yield "empty", serialize({}, None)
    yield "only-metadata", serialize({}, {"format": "pt"})
    yield "mixed", save(
        {
            "z": numpy.arange(2, dtype=numpy.float32),
            "a": numpy.arange(3, dtype=numpy.int64) - 1,
            "m": numpy.arange(3, dtype=numpy.float16),
            "b": numpy.arange(4, dtype=numpy.float32).reshape(2, 2),
        },
        {"format": "pt"},
    )
    yield "types", serialize(
        {f"of.{name}": tensor(name, [2, 2], i) for i, name in enumerate(TYPES)}, None)
    yield "shapes", serialize(
        {
            "scalar": tensor("float32", [], 1),
            "none": tensor("float32", [0], 2),
            "none.inside": tensor("int8", [3, 0, 2], 3),
            "eight": tensor("uint8", [1, 2, 1, 2, 1, 2, 1, 3], 4),
            "odd": tensor("uint8", [5], 5),
            "half": tensor("bfloat16", [3], 6),
        },
        {"format": "pt"},
    )
    yield "names", serialize(
        {
            name: tensor("uint8", [1], i)
            for i, name in enumerate(
                ["a\"quote", "back\\slash", "sl/ash", "größe", "重み", "😀", "Z", "a", "a.b", "a b"])
        },
        {"tab\tkey": "line\nquote\" back\\ bell\u0007 del\u007f é"},
    )
    generator = random.Random(7)
    for index in range(4):
        tensors = {}
        for number in range(generator.randint(1, 9)):
            shape = [generator.randint(0, 4) for _ in range(generator.randint(0, 4))]
            dtype = generator.choice([name for name in TYPES if name != "float4_e2m1fn_x2"])
            tensors[f"layer.{number}.w{generator.randint(0, 9)}"] = tensor(dtype, shape, number)
        yield f"random-{index}", serialize(tensors, {"format": "pt"} if index % 2 else None)


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    contents = {}
    for name, content in cases():
        (FOLDER / f"{name}.safetensors").write_bytes(bytes(content))
        contents[name] = {
            tensor: {"dtype": found["dtype"], "shape": found["shape"], "hex": found["data"].hex()}
            for tensor, found in deserialize(bytes(content))
        }
    (FOLDER / "contents.json").write_text(
        json.dumps(contents, separators=(",", ":"), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
