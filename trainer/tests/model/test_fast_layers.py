"""Layers with fewer passes over memory: the same output and the same gradients as the layers they replace."""

from pathlib import Path
from statistics import median
from typing import Any

import pytest
import torch
from gpu.shapes import FAMILIES, mixture_config, random_model, write_family
from support import hyperparameters

from model.fast_layers import replace_layers, use_fast_layers
from model.grouped_experts import use_grouped_experts
from model.loading import Placement, load_base
from model.lora import add_lora
from protocol import Hyperparameters

CPU = Placement("cpu", "float32", autocast=False)
IDS = torch.arange(3, 43).view(2, 20)


def adapted(folder: Path, dropout: float) -> Any:
    """A model with an adapter that already does something."""
    torch.manual_seed(1)
    parameters = Hyperparameters(**hyperparameters(lora_r=4, lora_alpha=6, lora_dropout=dropout))
    model = add_lora(load_base(folder, CPU, "sdpa"), parameters, CPU)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.05, generator=torch.Generator().manual_seed(len(name)))
    return model.train()


def computed(model: Any) -> list[torch.Tensor]:
    """Logits, and the gradient of every trained weight."""
    torch.manual_seed(3)
    logits = model(input_ids=IDS).logits
    logits.float().log_softmax(-1)[..., 5].sum().backward()
    return [logits.detach(), *(parameter.grad for parameter in model.parameters() if parameter.requires_grad)]


def nudged(model: Any, seed: int) -> Any:
    """The same model with every weight moved by at most one rounding of float32."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1 + (2 * torch.rand(parameter.shape, generator=generator) - 1) * torch.finfo(torch.float32).eps)
    return model


def distance(found: list[torch.Tensor], expected: list[torch.Tensor]) -> float:
    """The largest difference in any tensor, as a share of that tensor's largest number."""
    pairs = zip(found, expected, strict=True)
    return max(float((own - plain).abs().max()) / max(float(plain.abs().max()), 1e-6) for own, plain in pairs)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_replaced_layers_compute_the_same(tmp_path: Path, family: str, dropout: float) -> None:
    """A scaling applied twice, a dropout mask in the wrong place or a norm of another kind trains something else.

    How far two right ways to compute lie apart depends on the model and the processor, so it is measured here:
    by what the plain layers do when each weight moves by one rounding.
    """
    folder = write_family(tmp_path / "model", family)
    expected = computed(adapted(folder, dropout))
    model = adapted(folder, dropout)
    counts = replace_layers(model)
    assert counts["lora"] > 0
    assert counts["norm"] > 0
    by_rounding = median(distance(computed(nudged(adapted(folder, dropout), seed)), expected) for seed in range(3))
    assert by_rounding < 1e-2
    assert distance(computed(model), expected) <= 4 * by_rounding


def test_a_disabled_adapter_stays_disabled(tmp_path: Path) -> None:
    """The base model's own answers are measured with the adapter switched off; a replaced layer must not keep it on."""
    model = adapted(write_family(tmp_path / "model", "qwen3"), 0.0).eval()
    with torch.no_grad(), model.disable_adapter():
        expected = model(input_ids=IDS).logits
    replace_layers(model)
    with torch.no_grad():
        with model.disable_adapter():
            torch.testing.assert_close(model(input_ids=IDS).logits, expected, rtol=1e-4, atol=1e-4)
        assert float((model(input_ids=IDS).logits - expected).abs().max()) > 1e-2


def test_nothing_is_replaced_on_a_cpu(tmp_path: Path) -> None:
    """Runs on a CPU are compared with the reference to the digit; what is made for GPUs must not change them."""
    model = adapted(write_family(tmp_path / "model", "qwen3"), 0.0)
    assert use_fast_layers(model, CPU) == {}
    assert not any("forward" in vars(module) for module in model.modules())


def test_grouped_experts_compute_what_single_experts_do() -> None:
    """A row that is sent to the wrong expert, or added to the wrong token, gives a model that is merely worse."""
    found = []
    for is_own in (False, True):
        model = random_model(mixture_config(True), "cpu", "float32")
        model.config._experts_implementation = "eager"
        if is_own:
            assert use_grouped_experts(model)
        states = model.get_input_embeddings()(IDS).detach().requires_grad_()
        logits = model(inputs_embeds=states).logits
        (gradient,) = torch.autograd.grad(logits.log_softmax(-1)[..., 5].sum(), states)
        found.append((logits.detach(), gradient))
    for expected, own in zip(*found, strict=True):
        assert float((own - expected).abs().max()) <= 2e-4 * float(expected.abs().max())
