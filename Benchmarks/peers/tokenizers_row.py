"""One row of the suite `tokenizers` with PyPI's package of that name, on one thread.

    python tokenizers_row.py '{"kind": "encode", "file": "…/gpt2.json", "text": "…/lines.jsonl"}'

`kind` is "encode" (ids alone), "encode-offsets" or "load"; "versions" prints the versions instead.
Prints {"value": ..., "peak_bytes": ...}: MB/s of UTF-8, or milliseconds.
"""

import json
import os
import platform
import resource
import statistics
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"

import tokenizers  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402


def median_seconds(work, least=3):
    work()
    times = []
    end = time.perf_counter() + 2
    while len(times) < least or time.perf_counter() < end:
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    description = json.loads(sys.argv[1])
    if description["kind"] == "versions":
        print(json.dumps({
            "tokenizers": tokenizers.__version__, "Python": platform.python_version()}))
        return
    if description["kind"] == "load":
        value = 1e3 * median_seconds(lambda: Tokenizer.from_file(description["file"]))
    else:
        tokenizer = Tokenizer.from_file(description["file"])
        tokenizer.no_truncation()
        tokenizer.no_padding()
        with open(description["text"]) as file:
            lines = [json.loads(line)["text"] for line in file]
        size = sum(len(line.encode()) for line in lines)
        encode = (
            tokenizer.encode_batch if description["kind"] == "encode-offsets"
            else tokenizer.encode_batch_fast)
        value = size * 1e-6 / median_seconds(lambda: encode(lines, add_special_tokens=False))
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    print(json.dumps({"value": value, "peak_bytes": peak}))


if __name__ == "__main__":
    main()
