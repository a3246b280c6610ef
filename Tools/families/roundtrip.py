"""Checks that models which this package read and wrote again are the same for `transformers`: every
golden checkpoint through `verdant convert`, then its logits; and byte models made here.

    python Tools/families/roundtrip.py PROGRAM [folder of golden checkpoints]
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
import transformers as hf
from safetensors.torch import load_file

TOLERANCE = 1e-4


def outputs(folder, expected):
    config = json.loads((folder / "config.json").read_text())
    model = getattr(hf, config["architectures"][0]).from_pretrained(
        folder, attn_implementation="eager", dtype=torch.float32).eval()
    given = {"input_ids": expected["tokens"].long()}
    if "decoder" in expected:
        given["decoder_input_ids"] = expected["decoder"].long()
    if "segments" in expected:
        given["token_type_ids"] = expected["segments"].long()
    if "lengths" in expected:
        places = torch.arange(given["input_ids"].shape[1])[None]
        given["attention_mask"] = (places < expected["lengths"][:, None]).long()
    with torch.no_grad():
        output = model(**given)
    return output.logits if hasattr(output, "logits") else output.last_hidden_state


def difference(found, expected):
    wrong = (found - expected["output"]).abs()
    if "lengths" in expected and wrong.dim() == 3 and "decoder" not in expected:
        places = torch.arange(wrong.shape[1])[None, :, None]
        wrong = torch.where(places < expected["lengths"][:, None, None], wrong, 0)
    return wrong.max().item()


def main():
    program = sys.argv[1]
    default = Path(__file__).resolve().parents[2] / "Tests" / "Golden" / "families"
    golden = Path(sys.argv[2]) if len(sys.argv) > 2 else default
    worst = 0.0
    for folder in sorted(golden.iterdir()):
        with tempfile.TemporaryDirectory() as temporary:
            # The golden folders have no tokenizer; that of bytes has few enough tokens nowhere.
            source, copy = Path(temporary) / "in", Path(temporary) / "out"
            source.mkdir()
            for file in folder.iterdir():
                if file.name != "expected.safetensors":
                    (source / file.name).write_bytes(file.read_bytes())
            (source / "tokenizer.json").write_text(json.dumps(TOKENIZER))
            family = json.loads((folder / "config.json").read_text())["model_type"]
            subprocess.run(
                [program, "convert", source, copy, "--form", family, "--quiet"], check=True,
                stdout=subprocess.DEVNULL)
            expected = load_file(folder / "expected.safetensors")
            found = difference(outputs(copy, expected), expected)
            worst = max(worst, found)
            print(f"{folder.name:24} {found:.2e}")
    print(f"{'largest':24} {worst:.2e}")
    sys.exit(worst > TOLERANCE)


TOKENIZER = {
    "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
    "pre_tokenizer": {"type": "Whitespace"}, "post_processor": None, "decoder": None,
    "model": {"type": "WordLevel", "vocab": {"[UNK]": 0, "a": 1}, "unk_token": "[UNK]"},
}

if __name__ == "__main__":
    hf.logging.set_verbosity_error()
    hf.logging.disable_progress_bar()
    main()
