"""Makes Tests/VerdantTextTests/Golden: small tokenizers of every family and what they give.

    pip install -r Tools/tokenizers/requirements.txt && python3 Tools/golden/tokenizers.py

Everything is trained on the licence of this repository and on the strings of
Tools/tokenizers/lines.py. For each tokenizer there are cases: text, ids, offsets and decoded text
of PyPI's `tokenizers`, and for every eighth also with special tokens and as the first of a
pair.
"""

import json
import pathlib
import random
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
# This file has the name of the package that it needs.
sys.path = [p for p in sys.path if pathlib.Path(p or ".").resolve() != pathlib.Path(__file__).parent]
sys.path.insert(0, str(ROOT / "Tools/tokenizers"))

import lines  # noqa: E402
import train  # noqa: E402
from tokenizers import Tokenizer, normalizers, pre_tokenizers  # noqa: E402

FOLDER = ROOT / "Tests/VerdantTextTests/Golden"
SECOND = "the second text"



def cases():
    source = random.Random(3)
    result = ["", " ", "\n", "a", "a ", " a", "Hello, world! It's 12345 o'clock.", "x \n y", "!!\n\nx"]
    result += lines.PIECES + ["a" + piece + "b " + piece for piece in lines.PIECES]
    result += [space + "x" + space * 3 + "y" + space for space in lines.SPACES]
    result += [piece * 45 for piece in ("a", " ", "é", "日", "\u0301", "'s", "👍🏽")]
    result += list(lines.mixtures(source, 30))
    result += source.sample(list(lines.blocks()), 14)
    return result


def answers(tokenizer, texts):
    for index, text in enumerate(texts):
        plain = tokenizer.encode(text, add_special_tokens=False)
        try:
            decoded = tokenizer.decode(plain.ids, skip_special_tokens=False)
        except BaseException:
            # The original fails on lists without a token.
            decoded = None
        case = {
            "text": text, "ids": plain.ids, "offsets": [x for o in plain.offsets for x in o],
            "decoded": decoded}
        if index % 8 == 0:
            full, pair = tokenizer.encode(text), tokenizer.encode(text, SECOND)
            case |= {
                "full": full.ids, "types": full.type_ids, "special": full.special_tokens_mask,
                "attended": full.attention_mask, "pair": pair.ids, "pair_types": pair.type_ids}
        yield case


def corpus():
    return (ROOT / "LICENSE").read_text().split("\n") + lines.PIECES


def tokenizers():
    text = corpus() * 3
    for family in train.FAMILIES:
        yield family.__name__, family(text, 700)
    forms = train.bert(text, 400)
    forms.normalizer = normalizers.Sequence([
        normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase(),
        normalizers.Strip(), normalizers.Replace("ß", "ss")])
    forms.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Whitespace(), pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.Punctuation("merged_with_previous")])
    forms.enable_truncation(12)
    forms.enable_padding(length=8, pad_id=0, pad_token="[PAD]")
    yield "forms", forms
    left = train.cased(text, 400)
    left.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split("e", "merged_with_next"), pre_tokenizers.Split(" ", "contiguous"),
        pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.CharDelimiterSplit("x")])
    left.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.Prepend("y")])
    left.enable_truncation(9, direction="left")
    left.enable_padding(direction="left", pad_to_multiple_of=4, pad_id=0, pad_token="[PAD]")
    yield "left", left


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    texts = cases()
    # What gpt2.json and llama3.json were trained on, three times.
    (FOLDER / "corpus.json").write_text(json.dumps(corpus(), indent=0) + "\n")
    for name, tokenizer in tokenizers():
        text = tokenizer.to_str()
        (FOLDER / f"{name}.json").write_text(text + "\n")
        found = list(answers(Tokenizer.from_str(text), texts))
        body = ",\n".join(json.dumps(case, ensure_ascii=True, separators=(",", ":")) for case in found)
        (FOLDER / f"{name}.cases.json").write_text("[\n" + body + "\n]\n")
        print(f"{name}: {tokenizer.get_vocab_size()} tokens, {len(found)} cases")


if __name__ == "__main__":
    main()
