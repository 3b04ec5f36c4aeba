"""Experts in 4 bits: the same answers as the full model with rounded experts, and an adapter that fits the full model."""

import weakref
from pathlib import Path
from typing import Any

import pytest
import torch
from gpu.shapes import mixture_config, random_model
from support import hyperparameters
from tiny_model import write_tiny_model

from model import nf4
from model.experts import expert_parameters, load_with_packed_experts
from model.loading import Placement, load_base
from model.lora import add_lora
from model.nf4 import BYTES_PER_WEIGHT, pack, unpack
from protocol import Hyperparameters, RunFailure

PACKED = Placement("cpu", "float32", autocast=False, quantization="nf4-experts")
CPU = Placement("cpu", "float32", autocast=False)
IDS = torch.arange(3, 27)[None]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Qwen3-Next on disk, each expert in tensors of its own as published."""
    path = tmp_path_factory.mktemp("next")
    random_model(mixture_config(True), "cpu", "float32").save_pretrained(str(path))
    return path


def rounded(folder: Path) -> Any:
    """The full model, its experts replaced by what NF4 makes of them."""
    model = load_base(folder, CPU, "eager")
    with torch.no_grad():
        for name in expert_parameters(model):
            parameter = model.get_parameter(name)
            packed = pack(parameter)
            parameter.copy_(unpack(packed.codes, packed.magnitudes, packed.shape, parameter.dtype))
    return model.eval()


def test_packed_experts_answer_as_the_full_model_with_rounded_experts(folder: Path) -> None:
    """A gate taken for an up projection, or experts in another order, would give a model that is merely worse."""
    model = load_base(folder, PACKED, "eager")
    with torch.no_grad():
        torch.testing.assert_close(model(IDS).logits, rounded(folder)(IDS).logits, rtol=1e-5, atol=1e-5)


def test_packed_experts_take_the_size_of_nf4_and_nothing_else_is_packed(folder: Path) -> None:
    """Experts left in 16 bits fill the card; a packed router or head costs quality."""
    full = load_base(folder, CPU, "eager")
    experts = set(expert_parameters(full))
    model = load_base(folder, PACKED, "eager")
    held = dict([*model.named_parameters(), *model.named_buffers()])
    packed = sum(t.numel() * t.element_size() for name, t in held.items() if ".experts.parametrizations." in name)
    assert packed == sum(full.get_parameter(name).numel() for name in experts) * BYTES_PER_WEIGHT
    for name, parameter in full.named_parameters():
        if name not in experts:
            torch.testing.assert_close(held[name], parameter, rtol=0, atol=0)
    assert not any(t.is_meta for t in held.values())


def test_adapters_learn_through_packed_experts_and_fit_the_full_model(folder: Path) -> None:
    """Unpacked weights must pass gradients on with checkpointing, and the adapter must belong to the published model."""
    parameters = Hyperparameters(**hyperparameters(lora_dropout=0.0))
    torch.manual_seed(1)
    model = add_lora(load_base(folder, PACKED, "eager"), parameters, PACKED)
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    model.enable_input_require_grads()
    model.train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    losses = []
    for _ in range(4):
        loss = model(IDS, labels=IDS).loss
        loss.backward()
        losses.append(float(loss.detach()))
        optimizer.step()
        optimizer.zero_grad()
    assert losses[-1] < losses[0]
    trained = {name: p.detach() for name, p in model.named_parameters() if p.requires_grad}
    assert trained and all("experts" not in name for name in trained)
    full = add_lora(rounded(folder), parameters, CPU)
    missing = full.load_state_dict(trained, strict=False)
    assert not missing.unexpected_keys
    with torch.no_grad():
        torch.testing.assert_close(model.eval()(IDS).logits, full.eval()(IDS).logits, rtol=1e-4, atol=1e-4)


class Watched:
    """Unpacks as usual, and knows which of the unpacked weights are still in memory."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls, self.most = 0, 0
        self._seen: list[weakref.ref[Any]] = []
        monkeypatch.setattr(nf4, "unpack", self._unpack)

    def _unpack(self, codes: torch.Tensor, magnitudes: torch.Tensor, shape: torch.Size, dtype: torch.dtype) -> torch.Tensor:
        # Memory that numpy lends to torch is given back when the last tensor over it is gone, autograd's own too.
        lent = nf4.unpack_plainly(codes, magnitudes, shape, dtype).numpy().copy()
        self.calls += 1
        self._seen.append(weakref.ref(lent))
        self.most = max(self.most, self.alive)
        return torch.from_numpy(lent)

    @property
    def alive(self) -> int:
        """Unpacked tensors that something still holds."""
        return sum(seen() is not None for seen in self._seen)


def test_unpacked_experts_are_gone_after_each_layer_and_each_is_unpacked_once_a_pass(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights kept for the backward pass fill the card with the model in 16 bits; a loop over experts would unpack all for each."""
    model = add_lora(load_base(folder, PACKED, "eager"), Hyperparameters(**hyperparameters(lora_dropout=0.0)), PACKED)
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    model.enable_input_require_grads()
    model.train()
    watched = Watched(monkeypatch)
    layers = len(model.base_model.model.model.layers)
    loss = model(IDS, labels=IDS).loss
    assert (watched.calls, watched.alive) == (2 * layers, 0)
    loss.backward()
    del loss
    assert (watched.calls, watched.alive) == (4 * layers, 0)
    assert watched.most <= 2


def test_qwen3_moe_loads_from_either_layout_of_its_files(tmp_path: Path) -> None:
    """Files hold each expert by itself, or all of a layer in one tensor; the packed model is the same."""
    from safetensors.torch import save_file
    from transformers import Qwen3MoeConfig

    small = {"vocab_size": 320, "hidden_size": 64, "intermediate_size": 128, "moe_intermediate_size": 32, "num_hidden_layers": 2}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "num_experts": 4, "num_experts_per_tok": 2}
    full = random_model(Qwen3MoeConfig(**small, **heads, tie_word_embeddings=False), "cpu", "float32")
    full.save_pretrained(str(tmp_path / "apart"))
    full.config.save_pretrained(str(tmp_path / "together"))
    save_file(full.state_dict(), str(tmp_path / "together" / "model.safetensors"), metadata={"format": "pt"})
    answers = []
    for layout in ("apart", "together"):
        model = load_base(tmp_path / layout, PACKED, "eager")
        assert not expert_parameters(model)
        with torch.no_grad():
            answers.append(model(IDS).logits)
    torch.testing.assert_close(answers[0], answers[1], rtol=0, atol=0)
    with torch.no_grad():
        torch.testing.assert_close(answers[0], rounded(tmp_path / "apart")(IDS).logits, rtol=1e-5, atol=1e-5)


def test_a_missing_expert_is_named(folder: Path, tmp_path: Path) -> None:
    """Weights that are not there must not become random ones."""
    from safetensors.torch import load_file, save_file

    tensors = load_file(str(folder / "model.safetensors"))
    lost = "model.layers.1.mlp.experts.2.up_proj.weight"
    save_file({name: t for name, t in tensors.items() if name != lost}, str(tmp_path / "model.safetensors"), metadata={"format": "pt"})
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    with pytest.raises(RunFailure, match=lost):
        load_with_packed_experts(tmp_path, device="cpu", dtype=torch.float32, attention="eager")


@pytest.mark.parametrize("family", ["qwen3", "llama"])
def test_a_dense_model_in_nf4_trains_and_its_adapter_fits_the_full_model(tmp_path: Path, family: str) -> None:
    """4-bit loading must leave the adapter in float32, or small updates are lost."""
    pytest.importorskip("bitsandbytes")
    folder = write_tiny_model(tmp_path / family, family)
    placement = Placement("cpu", "float32", autocast=False, quantization="nf4")
    torch.manual_seed(1)
    model = add_lora(load_base(folder, placement, "eager"), Hyperparameters(**hyperparameters(lora_dropout=0.0)), placement)
    layer = model.base_model.model.model.layers[0].self_attn.q_proj
    assert layer.base_layer.weight.dtype == torch.uint8
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    assert {p.dtype for p in trained.values()} == {torch.float32}
    optimizer = torch.optim.AdamW(trained.values(), lr=1e-2)
    losses = []
    for _ in range(4):
        loss = model(IDS % 64, labels=IDS % 64).loss
        loss.backward()
        losses.append(float(loss.detach()))
        optimizer.step()
        optimizer.zero_grad()
    assert losses[-1] < losses[0]
    full = add_lora(load_base(folder, CPU, "eager"), Hyperparameters(**hyperparameters(lora_dropout=0.0)), CPU)
    assert not full.load_state_dict({name: p.detach() for name, p in trained.items()}, strict=False).unexpected_keys
