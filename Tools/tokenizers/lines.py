"""Writes the lines on which Verdant is compared with PyPI's `tokenizers`.

    python3 Tools/tokenizers/lines.py OUT [--text PATH]... [--generated N]

OUT is a `.jsonl` file with the key `text`. Beside the lines of real text there are generated ones:
every Unicode block, control characters, white space of every kind, sequences of emoji, combining
marks, contractions, long runs, special tokens, and bytes that are no UTF-8, which count as the
U+FFFD that replaces them.
"""

import argparse
import json
import random
import sys

from train import texts

SPACES = "\t\n\v\f\r \x1c\x85\xa0\u1680\u2000\u2009\u200b\u2028\u2029\u202f\u205f\u3000\ufeff"
SPECIAL = [
    "<|endoftext|>", "<|begin_of_text|>", "<s>", "</s>", "<unk>", "<mask>", "[CLS]", "[SEP]",
    "[MASK]", "verdant", "  tab", "<0x0A>", "▁", "▁▁", "##", "Ġ",
]
PIECES = [
    "'s", "'S", "'LL", "'re", "'ſ", "n't", " '", "e\u0301", "\u0301", "ﬁ", "ß", "İ", "ΑΣ", "①",
    "½", "٣", "12345", "3.14", "1,000,000", "...", "!!", "--", "#include", "x_y", "C++", "a.b@c.d",
    "日本語", "中文字", "한국어", "조선", "\u1112\u1161\u11ab", "ไทย", "हिन्दी", "العربية", "עברית",
    "👩‍👩‍👧", "🇩🇪🇫🇷", "👍🏽", "❤️", "☃", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "\u200d", "\ufdfa", "Å", "Å", "A\u030a\u0301",
    "ǆ", "\u0344", "\u0958", "\U0001d15e", "\U0002f800", "q\u0323\u0307", "q\u0307\u0323",
]


def blocks():
    """Each stretch of 128 scalars, also with letters between them."""
    for start in range(0, 0x110000, 128):
        scalars = [chr(i) for i in range(start, start + 128) if not 0xD800 <= i < 0xE000]
        # Of the large areas without characters a sample is enough.
        if start >= 0x20000 and start % 0x2000 and not 0xE0000 <= start < 0xE0200:
            continue
        if scalars:
            yield "".join(scalars)
            for part in range(0, len(scalars), 16):
                yield "a".join(scalars[part:part + 16])
                yield " ".join(scalars[part:part + 16])


def runs(source):
    for piece in list(SPACES) + PIECES + ["a", "A", "0", ".", "'", "é", "ſ", "\0", "\ufffd"]:
        for count in (2, 7, 100, source.randrange(1000, 3000)):
            yield piece * count
            yield "x" + piece * count + "y"


def mixtures(source, count):
    pool = PIECES + SPECIAL + list(SPACES) + ["the", "The", "THE", "and", "of", "a", "I", "x"]
    for _ in range(count):
        kind = source.randrange(4)
        size = source.randrange(1, 30)
        if kind == 0:
            yield "".join(source.choice(pool) for _ in range(size))
        elif kind == 1:
            yield " ".join(source.choice(pool) for _ in range(size))
        elif kind == 2:
            ranges = [(0, 0x250), (0x250, 0x3000), (0x3000, 0xD800), (0xE000, 0x11000),
                      (0x11000, 0x20000)]
            low, high = source.choice(ranges)
            yield "".join(chr(source.randrange(low, high)) for _ in range(size))
        else:
            data = bytearray("".join(source.choice(pool) for _ in range(size)).encode())
            for _ in range(source.randrange(1, 5)):
                place = source.randrange(len(data) + 1)
                if source.random() < 0.5 and place < len(data):
                    del data[place]
                else:
                    data.insert(place, source.randrange(0x80, 0x100))
            yield bytes(data).decode("utf-8", errors="replace")


def lines(paths, generated):
    source = random.Random(1)
    yield from ["", " ", "  ", "\n", "a", "a ", " a"]
    yield from blocks()
    yield from runs(source)
    yield from mixtures(source, generated)
    yield from texts(paths)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    parser.add_argument("--text", action="append")
    parser.add_argument("--generated", type=int, default=20_000)
    parser.add_argument("--real", action="store_true", help="no generated lines, at most 8 MB")
    options = parser.parse_args()
    count = 0
    with open(options.out, "w") as file:
        size = 0
        for line in texts(options.text) if options.real else lines(options.text, options.generated):
            size += len(line.encode())
            if options.real and size > 8_000_000:
                break
            file.write(json.dumps({"text": line}) + "\n")
            count += 1
    print(f"{count} lines", file=sys.stderr)


if __name__ == "__main__":
    main()
