"""Trains tokenizers of every family with PyPI's `tokenizers`, to compare Verdant with it.

    pip install -r Tools/tokenizers/requirements.txt
    python3 Tools/tokenizers/train.py OUT [--text PATH]... [--vocabulary N] [--large N]

Text is files or folders of `.jsonl` (key `text`), `.txt`, `.md` or `.swift`; without --text this
repository's own. OUT gets one tokenizer.json a family, under the name of the family.
"""

import argparse
import io
import json
import pathlib
import random

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers
from tokenizers import pre_tokenizers, processors, trainers

ROOT = pathlib.Path(__file__).resolve().parents[2]
KINDS = {".jsonl", ".txt", ".md", ".swift"}
MODERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|%s| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
BYTES = [f"<0x{i:02X}>" for i in range(256)]


def texts(paths):
    """The lines of all files."""
    for path in paths or [ROOT / "Sources", ROOT / "docs"]:
        path = pathlib.Path(path)
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.suffix not in KINDS:
                continue
            for line in file.open(encoding="utf-8", errors="replace"):
                if file.suffix == ".jsonl":
                    yield from json.loads(line)["text"].split("\n")
                else:
                    yield line.rstrip("\n")


def changed(tokenizer, **model):
    """A copy with other settings of the model, which the library has no setters for."""
    data = json.loads(tokenizer.to_str())
    data["model"].update(model)
    return Tokenizer.from_str(json.dumps(data))


def byte_pair(lines, size, pre_tokenizer, special):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(lines, trainers.BpeTrainer(
        vocab_size=size, special_tokens=special, show_progress=False, min_frequency=2,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return tokenizer


def modern(digits):
    return pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(MODERN % digits), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def gpt2(lines, size):
    tokenizer = byte_pair(
        lines, size, pre_tokenizers.ByteLevel(add_prefix_space=False), ["<|endoftext|>"])
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def roberta(lines, size):
    tokenizer = byte_pair(
        lines, size, pre_tokenizers.ByteLevel(add_prefix_space=True),
        ["<s>", "<pad>", "</s>", "<unk>"])
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True)])
    tokenizer.add_tokens([AddedToken("verdant", single_word=True), AddedToken("  tab", rstrip=True)])
    tokenizer.post_processor = processors.RobertaProcessing(
        ("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=True)
    return tokenizer


def llama3(lines, size):
    special = ["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"]
    tokenizer = changed(byte_pair(lines, size, modern(r"\p{N}{1,3}"), special), ignore_merges=True)
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=True),
        processors.TemplateProcessing(
            single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A <|begin_of_text|>:1 $B:1",
            special_tokens=[("<|begin_of_text|>", 0)])])
    return tokenizer


def qwen2(lines, size):
    tokenizer = byte_pair(lines, size, modern(r"\p{N}"), ["<|endoftext|>", "<|im_end|>"])
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def sentencepiece_pairs(lines, size):
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    # Trained word by word, used on whole texts.
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.train_from_iterator(lines, trainers.BpeTrainer(
        vocab_size=size, special_tokens=["<unk>", "<s>", "</s>"] + BYTES, show_progress=False,
        limit_alphabet=1000))
    data = json.loads(tokenizer.to_str())
    data["model"].update(byte_fallback=True, fuse_unk=True)
    data["added_tokens"] = data["added_tokens"][:3]
    return Tokenizer.from_str(json.dumps(data))


def llama2(lines, size):
    tokenizer = sentencepiece_pairs(lines, size)
    tokenizer.pre_tokenizer = None
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([
        decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
        decoders.Strip(" ", 1, 0)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)])
    return tokenizer


def mistral(lines, size):
    tokenizer = llama2(lines, size)
    tokenizer.normalizer = None
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace("▁", prepend_scheme="first", split=False)
    return tokenizer


def bert(lines, size):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(lines, trainers.WordPieceTrainer(
        vocab_size=size, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"],
        show_progress=False, limit_alphabet=1000))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def cased(lines, size):
    tokenizer = bert(lines, size)
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return tokenizer


def character_map(rule):
    """The rules that SentencePiece compiles into its models, as bytes."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["a b c d e f g h", "i j k l m n o p"]), model_writer=model,
        vocab_size=22, hard_vocab_limit=False, normalization_rule_name=rule, minloglevel=2)
    from sentencepiece import sentencepiece_model_pb2 as proto
    parsed = proto.ModelProto()
    parsed.ParseFromString(model.getvalue())
    return parsed.normalizer_spec.precompiled_charsmap


def unigram(lines, size):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Precompiled(character_map("nmt_nfkc")), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.train_from_iterator(lines, trainers.UnigramTrainer(
        vocab_size=size, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>",
        show_progress=False))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)])
    tokenizer.decoder = decoders.Metaspace()
    return tokenizer


def xlm(lines, size):
    tokenizer = unigram(lines, size)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    return tokenizer


def large(lines, size):
    special = ["<|begin_of_text|>", "<|end_of_text|>"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = modern(r"\p{N}{1,3}")
    tokenizer.decoder = decoders.ByteLevel()
    # No small text has as many different words.
    source = random.Random(2)
    made_up = ["".join(source.choices("etaoinshrdlu", k=8)) for _ in range(size)]
    tokenizer.train_from_iterator(lines + made_up, trainers.BpeTrainer(
        vocab_size=size, special_tokens=special, show_progress=False, min_frequency=1,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return changed(tokenizer, ignore_merges=True)


FAMILIES = [gpt2, roberta, llama3, qwen2, llama2, mistral, bert, cased, unigram, xlm]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    parser.add_argument("--text", action="append")
    parser.add_argument("--vocabulary", type=int, default=16_000)
    parser.add_argument("--large", type=int, default=150_000)
    parser.add_argument("--only", help="one family")
    options = parser.parse_args()
    out = pathlib.Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    lines = list(texts(options.text))
    jobs = [(family, options.vocabulary) for family in FAMILIES] + [(large, options.large)]
    for family, size in jobs:
        name = family.__name__
        if options.only not in (None, name) or size == 0:
            continue
        tokenizer = family(lines, size)
        tokenizer.save(str(out / f"{name}.json"), pretty=False)
        print(f"{name}: {tokenizer.get_vocab_size()} tokens", flush=True)


if __name__ == "__main__":
    main()
