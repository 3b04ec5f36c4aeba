"""Base models: found, converted once, cached whole, and explained when they cannot be had."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_model import CHATML, write_tiny_model

from model import loading
from model.base_model import DEMO_MODEL_ID, fingerprint, resolve
from model.cached_models import MANIFEST
from model.gguf_source import UnsupportedGguf, convert_gguf
from model.loading import Placement, choose_placement, load_base, load_tokenizer
from model.lora import lora_targets
from protocol import BaseModelRef, RunFailure
from storage import read_json

CPU = Placement("cpu", "float32", autocast=False)
DEMO = BaseModelRef("huggingface", DEMO_MODEL_ID, None)


def _interleave(weight: Any, heads: int) -> Any:
    """The order in which GGUF stores the rotary halves."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def _write_gguf(path: Path, model: Path, pre: str = "smollm") -> None:
    from gguf import GGUFWriter

    loaded = load_base(model, CPU, "eager")
    tokenizer = json.loads((model / "tokenizer.json").read_text())
    tokens = sorted(tokenizer["model"]["vocab"], key=lambda token: int(tokenizer["model"]["vocab"][token]))
    special = {token["content"] for token in tokenizer["added_tokens"]}
    config = loaded.config
    writer = GGUFWriter(str(path), "llama")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types([3 if token in special else 1 for token in tokens])
    writer.add_token_merges([" ".join(merge) for merge in tokenizer["model"]["merges"]])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(2)
    writer.add_chat_template(CHATML)
    names = {theirs: ours for ours, theirs in {**_block_names(config.num_hidden_layers), **_top_names()}.items()}
    for name, tensor in loaded.state_dict().items():
        array = tensor.numpy()
        if name.endswith("q_proj.weight"):
            array = _interleave(array, config.num_attention_heads)
        if name.endswith("k_proj.weight"):
            array = _interleave(array, config.num_key_value_heads)
        if name in names:
            writer.add_tensor(names[name], array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _top_names() -> dict[str, str]:
    """GGUF names of what stands outside the layers (the head is tied)."""
    return {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}


def _block_names(layers: int) -> dict[str, str]:
    pairs = {
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
    return {f"blk.{i}.{ours}.weight": f"model.layers.{i}.{theirs}.weight" for i in range(layers) for ours, theirs in pairs.items()}


@pytest.fixture(scope="module")
def gguf_file(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A GGUF file and the Llama folder it was made from."""
    folder = tmp_path_factory.mktemp("gguf")
    model = write_tiny_model(folder / "original", "llama")
    _write_gguf(folder / "tiny.gguf", model)
    return folder / "tiny.gguf", model


def test_a_converted_gguf_gives_the_logits_of_the_model_it_came_from(gguf_file: tuple[Path, Path], tmp_path: Path) -> None:
    file, original = gguf_file
    convert_gguf(file, tmp_path / "converted")
    ids = torch.tensor([[5, 20, 7, 99, 42, 3, 260]])
    with torch.no_grad():
        expected = load_base(original, Placement("cpu", "bfloat16", autocast=False), "eager")(input_ids=ids).logits.float()
        converted = load_base(tmp_path / "converted", Placement("cpu", "bfloat16", autocast=False), "eager")(input_ids=ids).logits.float()
    assert torch.allclose(converted, expected, rtol=1e-3, atol=1e-3)


def test_a_converted_tokenizer_splits_digits_and_ends_turns(gguf_file: tuple[Path, Path], tmp_path: Path) -> None:
    convert_gguf(gguf_file[0], tmp_path / "converted")
    tokenizer = load_tokenizer(tmp_path / "converted")
    assert tokenizer.tokenize("1234") == ["1", "2", "3", "4"]
    assert (tokenizer.eos_token, tokenizer.pad_token) == ("<|im_end|>", "<|im_end|>")
    ids = tokenizer("<|im_start|>user")["input_ids"]
    assert ids[0] == 1
    assert tokenizer.decode(tokenizer("Ünïcode 🙂 text")["input_ids"]) == "Ünïcode 🙂 text"


def test_a_gguf_with_an_unknown_tokenizer_is_refused(gguf_file: tuple[Path, Path], tmp_path: Path) -> None:
    _write_gguf(tmp_path / "other.gguf", gguf_file[1], pre="unheard-of")
    with pytest.raises(UnsupportedGguf):
        convert_gguf(tmp_path / "other.gguf", tmp_path / "converted")


def test_the_demo_model_is_unpacked_once_and_again_only_when_damaged(
    gguf_file: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNESMITH_DEMO_MODEL", str(gguf_file[0]))
    unpacked: list[str] = []

    def on_stage(**fields: Any) -> None:
        unpacked.append(fields["detail"])

    first = resolve(DEMO, tmp_path, on_stage)
    second = resolve(DEMO, tmp_path, on_stage)
    assert unpacked == ["Unpacking tiny.gguf"]
    assert first == second
    assert (first.id, first.resolved) == (DEMO_MODEL_ID, "gguf:tiny.gguf")
    assert read_json(first.folder / MANIFEST)["id"] == DEMO_MODEL_ID
    (first.folder / "model.safetensors").write_bytes(b"short")
    assert resolve(DEMO, tmp_path, on_stage).fingerprint == first.fingerprint
    assert len(unpacked) == 2


def test_a_model_that_cannot_be_fetched_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(RunFailure) as caught:
        resolve(BaseModelRef("huggingface", "some-org/some-model", None), tmp_path, lambda **_: None)
    assert caught.value.code == "MODEL_NOT_FOUND"
    assert "HF_HUB_OFFLINE forbids it to fetch models" in caught.value.message
    assert not list((tmp_path / "models").glob("*.tmp-*"))


def test_a_folder_with_pickled_weights_only_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(RunFailure, match="holds no safetensors file"):
        resolve(BaseModelRef("folder", str(tmp_path), None), tmp_path, lambda **_: None)


def test_the_fingerprint_changes_with_template_tokenizer_and_weights(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "model")
    seen = {fingerprint(folder)}
    for name in ["chat_template.jinja", "tokenizer.json", "config.json"]:
        path = folder / name
        path.write_text(path.read_text() + " ")
        seen.add(fingerprint(folder))
    write_tiny_model(folder, "llama")
    seen.add(fingerprint(folder))
    assert len(seen) == 5


def test_experts_of_a_mixture_are_never_adapted() -> None:
    from transformers import Qwen3MoeConfig, Qwen3MoeForCausalLM

    with torch.device("meta"):
        mixture = Qwen3MoeForCausalLM(Qwen3MoeConfig(num_hidden_layers=1, vocab_size=100))
    assert lora_targets(mixture) == ["q_proj", "k_proj", "v_proj", "o_proj"]


def test_a_cpu_uses_bf16_only_where_it_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNESMITH_DEVICE", "cpu")
    monkeypatch.setattr(loading, "_cpu_multiplies_bf16", lambda _torch: True)
    assert choose_placement(135_000_000).weights == "bfloat16"
    assert choose_placement(1_000_000).weights == "float32"
    monkeypatch.setattr(loading, "_cpu_multiplies_bf16", lambda _torch: False)
    assert choose_placement(135_000_000).weights == "float32"
