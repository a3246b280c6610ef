"""Compares Verdant with PyPI's `tokenizers`, line by line.

    verdant tokenizer encode T.json --data LINES.jsonl --no-special-tokens --json |
        python3 Tools/tokenizers/compare.py T.json LINES.jsonl

Ids, offsets and decoded texts must be equal; the first lines that are not are shown. Prints a row of
a table; ends with 1 when anything differs.
"""

import json
import pathlib
import sys

from tokenizers import Tokenizer

SHOWN = 5


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    tokenizer = Tokenizer.from_file(sys.argv[1])
    adds = len(sys.argv) == 4
    lines = tokens = scalars = 0
    wrong = {"ids": 0, "offsets": 0, "decoded": 0}
    shown = 0
    with open(sys.argv[2]) as file:
        for given in file:
            found = json.loads(sys.stdin.readline())
            text = json.loads(given)["text"]
            expected = tokenizer.encode(text, add_special_tokens=adds)
            lines += 1
            tokens += len(expected.ids)
            scalars += len(text)
            try:
                decoded = tokenizer.decode(expected.ids, skip_special_tokens=False)
            except BaseException:
                # The original fails on a list without a token.
                decoded = found["decoded"]
            answers = {
                "ids": expected.ids, "offsets": [list(o) for o in expected.offsets],
                "decoded": decoded}
            for key, answer in answers.items():
                if found[key] != answer:
                    wrong[key] += 1
                    if shown < SHOWN:
                        shown += 1
                        print(f"{key} of {text[:60]!r}: {str(found[key])[:200]} instead of "
                              f"{str(answer)[:200]}", file=sys.stderr)
    name = pathlib.Path(sys.argv[1]).stem
    print(f"| {name} | {tokenizer.get_vocab_size()} | {lines} | {tokens} | {wrong['ids']} | "
          f"{wrong['offsets']} | {wrong['decoded']} |", flush=True)
    sys.exit(any(wrong.values()))


if __name__ == "__main__":
    main()
