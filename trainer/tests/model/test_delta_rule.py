"""Linear attention: the function that the trainer puts in place of the library's gives the same numbers and gradients."""

from typing import Any

import pytest
import torch
from gpu.shapes import mixture_config, random_model
from transformers.models.qwen3_next import modeling_qwen3_next as published

from model.delta_rule import gated_delta_rule, use_own_delta_rule

_PLAIN = published.torch_chunk_gated_delta_rule


def _inputs(length: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(length)
    query, key, value = (torch.randn(2, length, 4, width, generator=generator) for width in (16, 16, 24))
    decay, written = -2.0 * torch.rand(2, length, 4, generator=generator), torch.rand(2, length, 4, generator=generator)
    return [query, key, value, decay, written]


@pytest.mark.parametrize("length", [1, 5, 64, 65, 200])
@pytest.mark.parametrize("has_state", [False, True])
def test_equals_the_librarys_own_form(length: int, has_state: bool) -> None:
    """A chunk that sees the wrong state, or padding that leaks into it, would train another model than is published."""
    start = torch.randn(2, 4, 16, 24, generator=torch.Generator().manual_seed(1)) if has_state else None
    found: list[list[torch.Tensor]] = []
    functions: tuple[Any, ...] = (_PLAIN, gated_delta_rule)
    for function in functions:
        given = [tensor.requires_grad_() for tensor in _inputs(length)]
        read, state = function(*given, initial_state=start, output_final_state=True, use_qk_l2norm_in_kernel=True)
        assert state is not None
        gradients = torch.autograd.grad((read * torch.arange(read.numel()).view_as(read).cos()).sum() + state.sin().sum(), given)
        found.append([read, state, *gradients])
    for expected, own in zip(*found, strict=True):
        worst = float((own - expected).abs().max().detach())
        assert worst <= 2e-6 * max(float(expected.abs().max().detach()), 0.1)


def test_a_model_is_told_to_use_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the library renames its function, the replacement would silently do nothing."""
    monkeypatch.setattr(published, "torch_chunk_gated_delta_rule", _PLAIN)
    model = random_model(mixture_config(True), "cpu", "float32").eval()
    ids = torch.arange(3, 90)[None]
    calls = 0

    def counted(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        return gated_delta_rule(*arguments, **options)

    with torch.no_grad():
        expected = model(ids).logits
        assert use_own_delta_rule(model)
        assert published.torch_chunk_gated_delta_rule is gated_delta_rule
        monkeypatch.setattr(published, "torch_chunk_gated_delta_rule", counted)
        torch.testing.assert_close(model(ids).logits, expected, rtol=1e-4, atol=1e-4)
    assert calls
