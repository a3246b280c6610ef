"""Writes small random checkpoints of every family as `transformers` saves them, each with inputs and
the logits that `transformers` gives for them in f32.

    python Tools/families/golden.py [output folder]
"""

import json
import shutil
import sys
from pathlib import Path

import torch
import transformers as hf
from safetensors.torch import load_file, save_file

VOCABULARY, WIDTH, HIDDEN, LAYERS, HEADS, LENGTH = 50, 24, 40, 2, 4, 20
BATCH, TOKENS = 3, 13


def llama_keys(**keys):
    return dict(
        vocab_size=VOCABULARY, hidden_size=WIDTH, intermediate_size=HIDDEN, num_hidden_layers=LAYERS,
        num_attention_heads=HEADS, num_key_value_heads=2, max_position_embeddings=LENGTH, **keys)


def bert_keys(**keys):
    return dict(
        vocab_size=VOCABULARY, hidden_size=WIDTH, intermediate_size=HIDDEN, num_hidden_layers=LAYERS,
        num_attention_heads=HEADS, max_position_embeddings=LENGTH, **keys)


def gpt2_keys(**keys):
    return dict(
        vocab_size=VOCABULARY, n_embd=WIDTH, n_layer=LAYERS, n_head=HEADS, n_positions=LENGTH,
        bos_token_id=0, eos_token_id=0, **keys)


def t5_keys(**keys):
    return dict(
        vocab_size=VOCABULARY, d_model=WIDTH, d_kv=5, d_ff=HIDDEN, num_layers=LAYERS, num_heads=HEADS,
        relative_attention_num_buckets=8, relative_attention_max_distance=12, n_positions=LENGTH,
        decoder_start_token_id=0, **keys)


def distilbert_keys(**keys):
    return dict(
        vocab_size=VOCABULARY, dim=WIDTH, hidden_dim=HIDDEN, n_layers=LAYERS, n_heads=HEADS,
        max_position_embeddings=LENGTH, **keys)


LABELS = {"id2label": {0: "no", 1: "yes", 2: "perhaps"}, "label2id": {"no": 0, "yes": 1, "perhaps": 2}}
LLAMA3 = {"rope_type": "llama3", "rope_theta": 500.0, "factor": 8.0, "low_freq_factor": 1.0,
          "high_freq_factor": 4.0, "original_max_position_embeddings": 16}
MODELS = {
    "gpt2": (hf.GPT2LMHeadModel, hf.GPT2Config(**gpt2_keys())),
    "gpt2-scaled": (hf.GPT2LMHeadModel, hf.GPT2Config(
        **gpt2_keys(scale_attn_by_inverse_layer_idx=True, n_inner=32, activation_function="relu",
                    tie_word_embeddings=False))),
    "gpt2-classifier": (hf.GPT2ForSequenceClassification, hf.GPT2Config(
        **gpt2_keys(pad_token_id=0, **LABELS))),
    "llama": (hf.LlamaForCausalLM, hf.LlamaConfig(**llama_keys())),
    "llama-biases": (hf.LlamaForCausalLM, hf.LlamaConfig(
        **llama_keys(attention_bias=True, mlp_bias=True, head_dim=10, tie_word_embeddings=True,
                     rms_norm_eps=1e-5))),
    "llama-llama3": (hf.LlamaForCausalLM, hf.LlamaConfig(**llama_keys(rope_parameters=LLAMA3))),
    "llama-linear": (hf.LlamaForCausalLM, hf.LlamaConfig(**llama_keys(
        rope_parameters={"rope_type": "linear", "rope_theta": 1000.0, "factor": 4.0}))),
    # Sequences are longer than this model's original length.
    "llama-dynamic": (hf.LlamaForCausalLM, hf.LlamaConfig(**{**llama_keys(
        rope_parameters={"rope_type": "dynamic", "rope_theta": 1000.0, "factor": 2.0}),
        "max_position_embeddings": 8})),
    "mistral": (hf.MistralForCausalLM, hf.MistralConfig(**llama_keys(sliding_window=5))),
    "qwen2": (hf.Qwen2ForCausalLM, hf.Qwen2Config(**llama_keys(tie_word_embeddings=True))),
    "qwen2-window": (hf.Qwen2ForCausalLM, hf.Qwen2Config(**llama_keys(
        use_sliding_window=True, sliding_window=4, max_window_layers=1))),
    "bert": (hf.BertForMaskedLM, hf.BertConfig(**bert_keys())),
    "bert-base": (hf.BertModel, hf.BertConfig(**bert_keys(hidden_act="gelu_new"))),
    "bert-classifier": (hf.BertForSequenceClassification, hf.BertConfig(**bert_keys(**LABELS))),
    "roberta": (hf.RobertaForMaskedLM, hf.RobertaConfig(**bert_keys(type_vocab_size=1))),
    "roberta-classifier": (hf.RobertaForSequenceClassification, hf.RobertaConfig(
        **bert_keys(type_vocab_size=1, **LABELS))),
    "distilbert": (hf.DistilBertForMaskedLM, hf.DistilBertConfig(**distilbert_keys())),
    "distilbert-classifier": (hf.DistilBertForSequenceClassification, hf.DistilBertConfig(
        **distilbert_keys(**LABELS))),
    "t5": (hf.T5ForConditionalGeneration, hf.T5Config(**t5_keys())),
    "t5-gated": (hf.T5ForConditionalGeneration, hf.T5Config(
        **t5_keys(feed_forward_proj="gated-gelu", num_decoder_layers=1, tie_word_embeddings=False))),
}
HALVES = {"roberta": torch.float16, "qwen2": torch.bfloat16, "gpt2-classifier": torch.bfloat16}
SHARDED = {"llama-biases": "16KB"}
CAUSAL = ("gpt2", "llama", "mistral", "qwen2")


def randomize(model, generator):
    """Numbers large enough that every part shows in the logits."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            is_scale = parameter.dim() == 1 and name.endswith("weight")
            parameter.copy_(1 + 0.2 * noise if is_scale else noise * (0.2 if parameter.dim() > 1 else 0.1))


def inputs(name, config, generator):
    def ids(length, low=2):
        return torch.randint(low, VOCABULARY, (BATCH, length), generator=generator)

    is_classifier = name.endswith("classifier")
    given = {"input_ids": ids(TOKENS)}
    if name.startswith("t5"):
        given["decoder_input_ids"] = ids(TOKENS - 4)
        given["decoder_input_ids"][:, 0] = 0
    if not name.startswith(CAUSAL) or is_classifier:
        lengths = torch.tensor([TOKENS, TOKENS - 5, 4])
        mask = torch.arange(TOKENS)[None] < lengths[:, None]
        given["attention_mask"] = mask.long()
        given["input_ids"] = torch.where(mask, given["input_ids"], config.pad_token_id or 0)
    if getattr(config, "type_vocab_size", 1) > 1 and name != "bert-base":
        given["token_type_ids"] = (torch.arange(TOKENS)[None].repeat(BATCH, 1) > 2).long()
    return given


def write(folder, name, kind, config):
    generator = torch.Generator().manual_seed(sum(map(ord, name)))
    config._attn_implementation = "eager"
    model = kind(config).eval()
    randomize(model, generator)
    if name in HALVES:
        model = model.to(HALVES[name])
    shutil.rmtree(folder, ignore_errors=True)
    options = {"max_shard_size": SHARDED[name]} if name in SHARDED else {}
    model.save_pretrained(folder, **options)
    # Read again: a cast would have rounded the angles of rotary positions as well.
    model = kind.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()
    given = inputs(name, config, generator)
    with torch.no_grad():
        output = model(**given)
    result = output.logits if hasattr(output, "logits") else output.last_hidden_state
    expected = {"output": result.contiguous(), "tokens": given["input_ids"].int()}
    if "decoder_input_ids" in given:
        expected["decoder"] = given["decoder_input_ids"].int()
    if "attention_mask" in given:
        expected["lengths"] = given["attention_mask"].sum(1).int()
    if "token_type_ids" in given:
        expected["segments"] = given["token_type_ids"].int()
    save_file(expected, folder / "expected.safetensors")
    (folder / "generation_config.json").unlink(missing_ok=True)


def old_spelling(source, target):
    """A checkpoint as versions before 5 wrote it: other keys and names, buffers, tied copies."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    config = json.loads((target / "config.json").read_text())
    weights = load_file(target / "model.safetensors")
    if config["model_type"] == "llama":
        rotary = config.pop("rope_parameters")
        config["rope_theta"] = rotary.pop("rope_theta")
        config["rope_scaling"] = {**rotary, "type": rotary.pop("rope_type")}
        for index in range(LAYERS):
            weights[f"model.layers.{index}.self_attn.rotary_emb.inv_freq"] = torch.ones(3)
    else:
        config["model_type"] = "bert"
        weights["bert.embeddings.position_ids"] = torch.arange(LENGTH)[None]
        weights["cls.predictions.decoder.weight"] = (
            weights["bert.embeddings.word_embeddings.weight"].clone())
        weights["cls.seq_relationship.weight"] = torch.zeros(2, WIDTH)
        weights = {
            name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
                "LayerNorm.bias", "LayerNorm.beta"): value
            for name, value in weights.items()}
    config["torch_dtype"] = config.pop("dtype")
    (target / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    save_file(weights, target / "model.safetensors", metadata={"format": "pt"})


def main():
    default = Path(__file__).resolve().parents[2] / "Tests" / "Golden" / "families"
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    out.mkdir(parents=True, exist_ok=True)
    for name, (kind, config) in MODELS.items():
        write(out / name, name, kind, config)
    old_spelling(out / "llama-linear", out / "llama-old")
    old_spelling(out / "bert", out / "bert-old")
    for folder in sorted(out.iterdir()):
        print(f"{folder.name:24} {sum(f.stat().st_size for f in folder.iterdir()):8} bytes")


if __name__ == "__main__":
    main()
