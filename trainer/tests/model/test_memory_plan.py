"""The memory plan against what models really hold, and frozen weights that really stay as they are."""

from pathlib import Path
from typing import Any

import pytest
import torch
from gpu.shapes import mixture_config, random_model
from support import hyperparameters
from tiny_model import write_tiny_model

from model.experts import empty_model
from model.loading import Placement, Quantization, load_base
from model.lora import add_lora
from model.plan import plan_lora, plan_memory
from model.weights_fingerprint import weights_fingerprint
from protocol import Hyperparameters

CPU = Placement("cpu", "float32", autocast=False)
IDS = torch.arange(3, 27)[None]


def settings(**changes: Any) -> Hyperparameters:
    """Hyperparameters of a usual run."""
    return Hyperparameters(**hyperparameters(**{"lora_r": 4, "lora_dropout": 0.0, **changes}))


def write_family(folder: Path, family: str) -> Path:
    """A tiny model of a family; a dense one wide enough that its blocks of 64 weights count."""
    if family != "qwen3_next":
        return write_tiny_model(folder, family)
    random_model(mixture_config(True), "cpu", "float32").save_pretrained(str(folder))
    return folder


def held(tensors: Any) -> int:
    """Bytes of distinct tensors."""
    return sum(tensor.untyped_storage().nbytes() for tensor in {t.data_ptr(): t for t in tensors}.values())


def train_a_step(model: Any) -> torch.optim.Optimizer:
    """One step of AdamW on whatever may be trained."""
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    model(IDS, labels=IDS).loss.backward()
    optimizer.step()
    return optimizer


@pytest.mark.parametrize("family", ["qwen3", "llama", "gemma3", "qwen3_next"])
def test_the_plan_counts_the_bytes_that_weights_adapter_and_optimizer_take(tmp_path: Path, family: str) -> None:
    """A plan that is off by a layer, or that forgets tied weights, refuses runs that fit or lets others die."""
    folder = write_family(tmp_path, family)
    plan = plan_lora(folder, settings())
    memory = plan_memory(plan, settings(), 64, CPU)
    model = add_lora(load_base(folder, CPU, "eager"), settings(), CPU)
    frozen = [p for p in model.parameters() if not p.requires_grad]
    trained = [p for p in model.parameters() if p.requires_grad]
    assert memory.weights_bytes == held(frozen)
    assert memory.adapter_bytes == held(trained)
    optimizer = train_a_step(model)
    moments = [value for state in optimizer.state.values() for value in state.values() if value.numel() > 1]
    assert memory.optimizer_bytes == held(moments) + held(p.grad for p in trained)


def test_the_plan_of_packed_experts_is_what_they_take_and_one_layer_in_full(tmp_path: Path) -> None:
    """The large mixture has 3 GB to spare at most steps; the one layer that is unpacked must be in the plan."""
    folder = write_family(tmp_path, "qwen3_next")
    plan = plan_lora(folder, settings(load_in_4bit=True))
    placement = Placement("cpu", "float32", autocast=False, quantization=plan.quantization)
    model = load_base(folder, placement, "eager")
    buffers = [b for name, b in model.named_buffers() if name.endswith(".magnitudes")]
    in_full = plan.largest_expert_layer * 4
    assert plan_memory(plan, settings(), 64, placement).weights_bytes == held(model.parameters()) + held(buffers) + in_full


def test_the_plan_of_a_dense_model_in_nf4_is_near_what_bitsandbytes_holds(tmp_path: Path) -> None:
    """Quantised magnitudes, and a head and embeddings that are not: a plan in bytes per parameter would miss them."""
    pytest.importorskip("bitsandbytes")
    from transformers import Qwen3Config, Qwen3ForCausalLM

    wide = Qwen3Config(vocab_size=320, hidden_size=512, intermediate_size=1536, num_hidden_layers=2, num_attention_heads=8, head_dim=64)
    Qwen3ForCausalLM(wide).save_pretrained(str(tmp_path))
    plan = plan_lora(tmp_path, settings(load_in_4bit=True))
    quantization: Quantization = "nf4"
    assert plan.quantization == quantization
    placement = Placement("cpu", "bfloat16", autocast=True, quantization=quantization)
    model = load_base(tmp_path, placement, "eager")
    states = [p.quant_state for p in model.parameters() if hasattr(p, "quant_state")]
    extra = [t for state in states for t in (state.absmax, state.code, state.offset, state.state2.absmax, state.state2.code)]
    found = held([*model.parameters(), *extra])
    assert plan_memory(plan, settings(), 64, placement).weights_bytes == pytest.approx(found, rel=0.01)
    kept = {name for name, p in model.named_parameters() if p.dtype == torch.bfloat16}
    assert {"model.embed_tokens.weight", "lm_head.weight"} <= kept


@pytest.mark.parametrize("family", ["qwen3", "llama", "gemma3", "qwen3_next"])
def test_the_plan_counts_the_adapter_that_peft_makes(tmp_path: Path, family: str) -> None:
    """peft has its own way of finding layers: LoRA on every routed expert shows only in what it made."""
    folder = write_family(tmp_path, family)
    plan = plan_lora(folder, settings())
    with torch.device("meta"):
        model = add_lora(empty_model(folder, torch.float32, "eager"), settings(), CPU)
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) == plan.parameters_trainable


def test_layers_that_see_images_get_no_adapter() -> None:
    """Their layers have the same names as those of the text model, and text teaches them nothing."""
    from transformers import AutoModelForCausalLM, Gemma3Config

    small = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1, "num_attention_heads": 4}
    text = {**small, "num_key_value_heads": 2, "head_dim": 16, "vocab_size": 320}
    with torch.device("meta"):
        model = add_lora(AutoModelForCausalLM.from_config(Gemma3Config(text_config=text, vision_config=small)), settings(), CPU)
    adapted = [name for name, p in model.named_parameters() if p.requires_grad]
    assert len(adapted) == 14 and all("language_model" in name for name in adapted)


@pytest.mark.parametrize("quantization", ["none", "nf4-experts"])
def test_training_leaves_the_base_as_it_was_and_a_change_shows(tmp_path: Path, quantization: Quantization) -> None:
    """An adapter that was trained on a base which moved along fits no published model."""
    folder = write_family(tmp_path, "qwen3_next" if quantization == "nf4-experts" else "qwen3")
    placement = Placement("cpu", "float32", autocast=False, quantization=quantization)
    model = load_base(folder, placement, "eager")
    before = weights_fingerprint(model)
    wrapped = add_lora(model, settings(), placement)
    train_a_step(wrapped)
    assert weights_fingerprint(wrapped) == before
    with torch.no_grad():
        next(p for p in reversed(list(wrapped.parameters())) if not p.requires_grad).view(-1)[-1].add_(1)
    assert weights_fingerprint(wrapped) != before


def test_a_large_base_is_sampled_from_its_first_to_its_last_tensor() -> None:
    """Hashing all of a large model would take minutes; looking at its beginning alone would miss most changes."""
    layers = [torch.nn.Linear(1024, 1024, bias=False) for _ in range(20)]
    model = torch.nn.Sequential(*layers).requires_grad_(False)
    before = weights_fingerprint(model)
    for layer in (layers[0], layers[-1]):
        with torch.no_grad():
            layer.weight[0, 0] += 1
        after = weights_fingerprint(model)
        assert after != before
        before = after
