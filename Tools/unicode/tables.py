"""Makes Sources/VerdantText/Unicode/*Table.swift: the Unicode data of PyPI's `tokenizers`.

    pip install tokenizers==0.23.3 && python3 Tools/unicode/tables.py

The library mixes several versions of Unicode (its regular expressions, its normal forms and its
punctuation come from different tables). What it answers for every scalar is the only authority for
equal ids, so that each property is asked of the library itself.
"""

import pathlib
import struct
import unicodedata

import tokenizers
from tokenizers import Regex, normalizers, pre_tokenizers

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "Sources/VerdantText/Unicode"
SCALARS = [i for i in range(0x110000) if not 0xD800 <= i < 0xE000]
TEXT = "".join(map(chr, SCALARS))
DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
HANGUL = range(0xAC00, 0xD7A4)
# The order of the bits in `ScalarProperties`.
FLAGS = [
    "letter", "number", "space", "numeric", "punctuation", "control", "nonspacing", "combining",
    "word", "lowered", "canonical", "compatible", "reordered", "joining", "prepended", "pictograph",
    "upper", "lower", "mark",
]


def removed(splitter):
    """The scalars that a pre-tokenizer removes."""
    kept = bytearray(len(SCALARS))
    for _, (start, end) in splitter.pre_tokenize_str(TEXT):
        kept[start:end] = b"\1" * (end - start)
    return {SCALARS[i] for i in range(len(SCALARS)) if not kept[i]}


def matching(pattern):
    return removed(pre_tokenizers.Split(Regex(pattern), "removed"))


def numeric():
    # Pieces alternate between numeric and not; NUL at the start is not.
    result = set()
    for index, (_, (start, end)) in enumerate(pre_tokenizers.Digits().pre_tokenize_str(TEXT)):
        if index % 2:
            result.update(SCALARS[start:end])
    return result


def words():
    """Scalars that a letter before them does not leave."""
    result = set()
    text = "".join("a" + chr(i) for i in SCALARS)
    for _, (start, end) in pre_tokenizers.Whitespace().pre_tokenize_str(text):
        # A letter stands at each even place.
        for place in range(start + start % 2, end - 1, 2):
            result.add(SCALARS[place // 2])
    return result


def charsmap(lead_bytes):
    """A map of the Precompiled normalizer that turns these lead bytes into "b"."""
    units = [0] * 1024
    units[0] = 256 << 10
    for byte in lead_bytes:
        units[256 + byte] = byte | 1 << 8 | 512 << 10
        units[768 + byte] = 1 << 31
    blob = struct.pack("<1024I", *units)
    return normalizers.Precompiled(struct.pack("<I", len(blob)) + blob + b"b\0")


def graphemes():
    after_letter = charsmap(b"a")
    joining = {i for i in SCALARS if after_letter.normalize_str("a" + chr(i)) == "b"}
    leads = charsmap(range(0xC2, 0xF5))
    prepended = {i for i in SCALARS if i > 0x7F and leads.normalize_str(chr(i) + "x") == "b"}
    sign = charsmap(b"\xc2")
    pictograph = {
        i for i in SCALARS if "\u200d" in sign.normalize_str("\u00a9\u200d" + chr(i)) and i != 0x200D
    } - joining
    return joining, prepended, pictograph


def normal_forms():
    canonical, compatible = {}, {}
    nfd, nfkd = normalizers.NFD().normalize_str, normalizers.NFKD().normalize_str
    for i in SCALARS:
        if i < 0x80 or i in HANGUL:
            continue
        c = chr(i)
        full, loose = nfd(c), nfkd(c)
        if full != c:
            canonical[i] = [ord(x) for x in full]
        if loose != full:
            compatible[i] = [ord(x) for x in loose]
    return canonical, compatible


def combining_classes(canonical):
    nfd = normalizers.NFD().normalize_str
    representatives = {}
    for i in SCALARS:
        value = unicodedata.combining(chr(i))
        if value and i not in canonical and value not in representatives:
            # Newer scalars are starters for a library with older tables.
            if value == 240 or nfd("\u0345" + chr(i)) != "\u0345" + chr(i):
                representatives[value] = chr(i)
    order = sorted(representatives)
    classes = {}
    for i in SCALARS:
        c = chr(i)
        if i < 0x300 or i in canonical or i in HANGUL:
            continue
        if nfd(c + representatives[1]) == c + representatives[1]:
            last = representatives[240]
            if nfd(last + c) == last + c:
                continue
        classes[i] = next(v for v in order if nfd(c + representatives[v]) == c + representatives[v])
        if unicodedata.combining(c) in representatives:
            assert classes[i] == unicodedata.combining(c), hex(i)
    return classes


def compositions(canonical):
    nfc = normalizers.NFC().normalize_str
    result = []
    for i, parts in canonical.items():
        if len(parts) < 2 or nfc(chr(i)) != chr(i):
            continue
        first = nfc("".join(map(chr, parts[:-1])))
        assert len(first) == 1 and nfc(first + chr(parts[-1])) == chr(i), hex(i)
        result.append((ord(first), parts[-1], i))
    return sorted(result)


def number(value):
    """Five bits a digit, the sixth says that more follow."""
    text = ""
    while True:
        value, low = value >> 5, value & 31
        text += DIGITS[low | (32 if value else 0)]
        if not value:
            return text


def signed(value):
    return number(2 * value if value >= 0 else -2 * value - 1)


def runs(values):
    """Length and value of each run over all scalars, those of surrogates counted as 0."""
    text, last, length = "", values(0), 0
    for i in range(0x110000):
        value = values(i)
        if value != last:
            text += number(length) + number(last)
            last, length = value, 0
        length += 1
    return text + number(length) + number(last)


def mapping(entries):
    text, last = "", 0
    for key in sorted(entries):
        parts = entries[key]
        text += number(key - last) + number(len(parts)) + "".join(signed(p - key) for p in parts)
        last = key
    return text


def literal(text):
    lines = [text[i:i + 96] + "\\" for i in range(0, len(text), 96)]
    lines[-1] = lines[-1][:-1]
    return '"""\n' + "\n".join("    " + line[:96] + line[96:] for line in lines) + '\n    """'


def write(name, what, members):
    lines = [
        f"/// {what} Made by `Tools/unicode/tables.py` from `tokenizers` {tokenizers.__version__}.",
        f"enum {name} {{",
    ]
    for comment, member, value in members:
        lines += [f"  /// {comment}", f"  static let {member}: {value}"]
    (FOLDER / f"{name}.swift").write_text("\n".join(lines) + "\n}\n")


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    canonical, compatible = normal_forms()
    classes = combining_classes(canonical)
    lower = normalizers.Lowercase().normalize_str
    lowered = {i: [ord(x) for x in lower(chr(i))] for i in SCALARS if lower(chr(i)) != chr(i)}
    clean = normalizers.BertNormalizer(True, False, False, False).normalize_str
    bare = normalizers.BertNormalizer(False, False, True, False).normalize_str
    strip = normalizers.StripAccents().normalize_str
    joining, prepended, pictograph = graphemes()
    space = matching(r"\s")
    assert space == removed(pre_tokenizers.WhitespaceSplit())
    sets = {
        "letter": matching(r"\p{L}"), "number": matching(r"\p{N}"), "space": space,
        "numeric": numeric(), "punctuation": removed(pre_tokenizers.Punctuation("removed")),
        "control": {i for i in SCALARS if not clean(chr(i)) and i not in (0, 0xFFFD)},
        "nonspacing": {i for i in SCALARS if i not in canonical and not bare(chr(i))},
        "combining": {i for i in SCALARS if not strip(chr(i))},
        "word": words(), "lowered": set(lowered), "canonical": set(canonical) | set(HANGUL),
        "compatible": set(compatible), "reordered": set(classes), "joining": joining,
        "prepended": prepended, "pictograph": pictograph,
        "upper": matching(r"[\p{Lu}\p{Lt}]"), "lower": matching(r"\p{Ll}"),
        "mark": matching(r"\p{M}"),
    }
    flags = [0] * 0x110000
    for bit, name in enumerate(FLAGS):
        for i in sets[name]:
            flags[i] |= 1 << bit
    distinct = sorted(set(flags))
    index = {value: i for i, value in enumerate(distinct)}
    values = ", ".join(str(v) for v in distinct)
    wrapped, line = [], "    "
    for part in values.split(" "):
        if len(line) + len(part) > 98:
            wrapped.append(line.rstrip())
            line = "    "
        line += part + " "
    wrapped.append(line.rstrip() + ",")
    write("ScalarFlagsTable", "The properties of scalars.", [
        ("The combinations of properties that occur; bits as in `ScalarProperties`.", "combinations",
         "[UInt32] = [\n" + "\n".join(wrapped) + "\n  ]"),
        ("Length and combination of each run of scalars.", "runs",
         "StaticString =\n    " + literal(runs(lambda i: index[flags[i]]))),
    ])
    pairs = ""
    last = 0
    for first, second, result in compositions(canonical):
        pairs += number(first - last) + signed(second - first) + signed(result - first)
        last = first
    write("CanonicalTable", "Canonical decompositions, combining classes and compositions.", [
        ("Scalar and full decomposition.", "decompositions",
         "StaticString =\n    " + literal(mapping(canonical))),
        ("Length and combining class of each run of scalars.", "classes",
         "StaticString =\n    " + literal(runs(lambda i: classes.get(i, 0)))),
        ("First, second and composed scalar.", "compositions", "StaticString =\n    " + literal(pairs)),
    ])
    write("CompatibilityTable", "Compatibility decompositions that differ from the canonical ones.", [
        ("Scalar and full decomposition.", "decompositions",
         "StaticString =\n    " + literal(mapping(compatible))),
    ])
    write("LowercaseTable", "Lower-case forms.", [
        ("Scalar and its lower-case form.", "mappings",
         "StaticString =\n    " + literal(mapping(lowered))),
    ])
    for name, members in sets.items():
        print(f"{name:12} {len(members)}")
    print(f"{len(distinct)} combinations, {len(canonical)} canonical, {len(compatible)} compatible, "
          f"{len(classes)} classes, {len(lowered)} lower case")


if __name__ == "__main__":
    main()
