"""Turns a Llama-architecture GGUF file into an ordinary Hugging Face model folder.

Written here because the generic loader rebuilds byte-level BPE tokenizers without their digit
splitter and with the wrong end-of-turn token, which silently changes what is trained.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from storage import write_json

_BLOCK_NAMES = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}
_TOP_NAMES = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}
_CONTROL_TOKEN = 3


class UnsupportedGguf(ValueError):
    """The file is a GGUF we would convert wrongly, so we do not convert it."""


def convert_gguf(source: Path, target: Path) -> None:
    """Writes config, tokenizer, template and bf16 weights of `source` into the folder `target`."""
    from gguf import GGUFReader

    reader = GGUFReader(str(source))
    fields = {name: field.contents() for name, field in reader.fields.items()}
    if fields.get("general.architecture") != "llama" or fields.get("tokenizer.ggml.model") != "gpt2":
        raise UnsupportedGguf("Only Llama-architecture GGUF files with a byte-level BPE vocabulary are supported.")
    if fields.get("tokenizer.ggml.pre") != "smollm":
        raise UnsupportedGguf("The pre-tokenizer of this GGUF file is not known.")
    target.mkdir(parents=True, exist_ok=True)
    names = {tensor.name for tensor in reader.tensors}
    write_json(target / "config.json", _config(fields, tied="output.weight" not in names))
    write_json(target / "generation_config.json", _generation_config(fields))
    _write_tokenizer(fields, target)
    _write_weights(reader.tensors, fields, target)


def _config(fields: dict[str, Any], *, tied: bool) -> dict[str, Any]:
    heads = int(fields["llama.attention.head_count"])
    hidden = int(fields["llama.embedding_length"])
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "hidden_size": hidden,
        "head_dim": hidden // heads,
        "intermediate_size": int(fields["llama.feed_forward_length"]),
        "num_hidden_layers": int(fields["llama.block_count"]),
        "num_attention_heads": heads,
        "num_key_value_heads": int(fields["llama.attention.head_count_kv"]),
        "max_position_embeddings": int(fields["llama.context_length"]),
        "rms_norm_eps": round(float(fields["llama.attention.layer_norm_rms_epsilon"]), 9),
        "rope_theta": float(fields["llama.rope.freq_base"]),
        "rope_parameters": {"rope_type": "default", "rope_theta": float(fields["llama.rope.freq_base"])},
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": tied,
        "vocab_size": len(fields["tokenizer.ggml.tokens"]),
        "bos_token_id": int(fields["tokenizer.ggml.bos_token_id"]),
        "eos_token_id": int(fields["tokenizer.ggml.eos_token_id"]),
        "pad_token_id": int(fields["tokenizer.ggml.padding_token_id"]),
        "torch_dtype": "bfloat16",
    }


def _generation_config(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "bos_token_id": int(fields["tokenizer.ggml.bos_token_id"]),
        "eos_token_id": int(fields["tokenizer.ggml.eos_token_id"]),
        "pad_token_id": int(fields["tokenizer.ggml.padding_token_id"]),
    }


def _write_tokenizer(fields: dict[str, Any], target: Path) -> None:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    tokens: list[str] = fields["tokenizer.ggml.tokens"]
    kinds: list[int] = fields["tokenizer.ggml.token_type"]
    merges = [tuple(line.split(" ", 1)) for line in fields["tokenizer.ggml.merges"]]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    special = [AddedToken(t, special=True, normalized=False) for t, k in zip(tokens, kinds, strict=True) if k == _CONTROL_TOKEN]
    tokenizer.add_special_tokens(special)
    tokenizer.save(str(target / "tokenizer.json"))

    def token_of(key: str) -> str:
        return tokens[int(fields[f"tokenizer.ggml.{key}_token_id"])]

    write_json(
        target / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "add_prefix_space": False,
            "clean_up_tokenization_spaces": False,
            "model_max_length": int(fields["llama.context_length"]),
            "bos_token": token_of("bos"),
            "eos_token": token_of("eos"),
            "pad_token": token_of("padding"),
            "unk_token": token_of("unknown"),
        },
    )
    (target / "chat_template.jinja").write_text(fields["tokenizer.chat_template"], encoding="utf-8")


def _write_weights(tensors: Any, fields: dict[str, Any], target: Path) -> None:
    import torch
    from safetensors.torch import save_file

    state = {name: torch.from_numpy(array).to(torch.bfloat16).contiguous() for name, array in _dequantised(tensors, fields)}
    save_file(state, str(target / "model.safetensors"), metadata={"format": "pt"})


def _dequantised(tensors: Any, fields: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    import numpy
    from gguf import dequantize

    heads = {
        "attn_q": int(fields["llama.attention.head_count"]),
        "attn_k": int(fields["llama.attention.head_count_kv"]),
    }
    for tensor in tensors:
        array = numpy.array(dequantize(tensor.data, tensor.tensor_type), dtype=numpy.float32)
        if tensor.name in _TOP_NAMES:
            yield _TOP_NAMES[tensor.name], array
            continue
        if tensor.name == "rope_freqs.weight":
            continue
        prefix, layer, name, _weight = tensor.name.split(".")
        if prefix != "blk" or name not in _BLOCK_NAMES:
            raise UnsupportedGguf(f"The tensor {tensor.name} is not known.")
        if name in heads:
            array = _unpermute(array, heads[name])
        yield f"model.layers.{layer}.{_BLOCK_NAMES[name]}.weight", array


def _unpermute(array: Any, heads: int) -> Any:
    """GGUF stores the rotary halves interleaved; Hugging Face stores them one after the other."""
    rows, columns = array.shape
    return array.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)
