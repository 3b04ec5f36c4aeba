"""NF4: codes and sizes as published, against an oracle of its own and against bitsandbytes."""

import itertools
import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings, strategies
from torch import nn

from model import nf4_fast
from model.nf4 import BYTES_PER_WEIGHT, CODEBOOK, can_pack, keep_packed, pack, unpack, unpack_plainly


def oracle(weights: torch.Tensor) -> torch.Tensor:
    """Every weight replaced by the nearest of the sixteen values, by trying all of them."""
    values = torch.tensor(CODEBOOK, dtype=torch.float64)
    blocks = weights.double().reshape(-1, 64)
    largest = blocks.abs().amax(1, keepdim=True).float().double()
    nearest = ((blocks / largest.clamp_min(1e-300))[..., None] - values).abs().argmin(-1)
    return (values.float()[nearest] * largest.float()).reshape(weights.shape)


def test_nf4_gives_each_weight_its_nearest_value_and_takes_the_published_size() -> None:
    """A code off by one, or the wrong half of a byte, would pass unnoticed in a trained model."""
    weights = torch.randn(96, 64, generator=torch.Generator().manual_seed(3))
    packed = pack(weights)
    back = unpack(packed.codes, packed.magnitudes, packed.shape, torch.float32)
    torch.testing.assert_close(back, oracle(weights), rtol=0, atol=0)
    assert packed.bytes_per_weight == BYTES_PER_WEIGHT == 0.5625
    error = math.sqrt(float((back - weights).square().mean() / weights.square().mean()))
    assert 0.085 < error < 0.1


@given(strategies.integers(0, 2**31), strategies.sampled_from([1e-20, 1e-3, 1.0, 1e4]), strategies.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_nf4_survives_zero_blocks_and_any_scale(seed: int, scale: float, blocks: int) -> None:
    """A block of zeros must not divide by zero, and no scale may lose more than half a step."""
    weights = torch.randn(blocks, 64, generator=torch.Generator().manual_seed(seed)) * scale
    weights[0] = 0
    packed = pack(weights)
    back = unpack(packed.codes, packed.magnitudes, packed.shape, torch.float32)
    assert torch.equal(back[0], torch.zeros(64))
    widest = max(b - a for a, b in itertools.pairwise(CODEBOOK)) / 2
    assert bool(((back - weights).abs() <= weights.abs().amax(1, keepdim=True) * (widest + 1e-6)).all())


def test_nf4_codes_are_those_of_bitsandbytes() -> None:
    """Weights packed here must mean the same to whoever unpacks them with the usual library."""
    functional = pytest.importorskip("bitsandbytes.functional")
    weights = torch.randn(64 * 64, generator=torch.Generator().manual_seed(5))
    theirs, state = functional.quantize_4bit(weights, blocksize=64, quant_type="nf4", compress_statistics=False)
    own = pack(weights)
    assert torch.equal(own.codes, theirs.reshape(-1))
    assert torch.equal(own.magnitudes, state.absmax)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_unpacking_rounds_once(dtype: torch.dtype) -> None:
    """Values and magnitudes rounded before they are multiplied would each lose what the model's type could still hold."""
    weights = torch.randn(32, 128, generator=torch.Generator().manual_seed(7))
    packed = pack(weights)
    back = unpack(packed.codes, packed.magnitudes, packed.shape, dtype)
    torch.testing.assert_close(back, oracle(weights).to(dtype), rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_kernel_of_bitsandbytes_unpacks_our_codes(dtype: torch.dtype) -> None:
    """On a GPU it does the unpacking: another order of codes or blocks would train on noise."""
    pytest.importorskip("bitsandbytes")
    weights = torch.randn(3, 32, 128, generator=torch.Generator().manual_seed(8))
    packed = pack(weights)
    arguments = (packed.codes, packed.magnitudes, packed.shape, dtype)
    kernel = nf4_fast.bitsandbytes_unpack(torch.device("cpu"))
    assert kernel is not None
    torch.testing.assert_close(kernel(*arguments), unpack(*arguments), rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_is_compiled_is_the_same_arithmetic(dtype: torch.dtype) -> None:
    """On a GPU without bitsandbytes the compiled form unpacks; here it runs uncompiled, which changes no digit."""
    weights = torch.randn(3, 32, 128, generator=torch.Generator().manual_seed(9))
    packed = pack(weights)
    codebook, shifts = torch.tensor(CODEBOOK), torch.tensor([4, 0], dtype=torch.uint8)
    found = nf4_fast._expand(packed.codes, packed.magnitudes, codebook, shifts, dtype).view(packed.shape)
    torch.testing.assert_close(found, unpack(packed.codes, packed.magnitudes, packed.shape, dtype), rtol=0, atol=0)


def _swapped(codes: torch.Tensor, *rest: Any) -> torch.Tensor:
    """A kernel that takes the lower half of each byte first."""
    return unpack((codes << 4) | (codes >> 4), *rest)


def _broken(*_: Any) -> torch.Tensor:
    raise RuntimeError("no kernel image is available for this device")


@pytest.mark.parametrize("bad", [_swapped, _broken])
def test_a_kernel_that_fails_or_errs_is_not_used(monkeypatch: pytest.MonkeyPatch, bad: nf4_fast.Unpack) -> None:
    """A driver or compiler that does not fit must cost speed, not the run, and never its numbers."""
    monkeypatch.setattr(nf4_fast, "bitsandbytes_unpack", lambda _device: bad)
    monkeypatch.setattr(nf4_fast, "compiled_unpack", lambda _device: bad)
    nf4_fast.fastest_unpack.cache_clear()
    assert nf4_fast.fastest_unpack(torch.device("cpu"), torch.float32) is unpack_plainly
    nf4_fast.fastest_unpack.cache_clear()


def test_a_parameter_kept_packed_reads_as_its_weights_and_passes_gradients_to_its_input() -> None:
    """Unpacking must not cut the graph: adapters before a packed layer would get no gradient."""
    layer = nn.Linear(64, 8, bias=False)
    before = layer.weight.detach().clone()
    packed = pack(before)
    keep_packed(layer, "weight", packed, torch.float32)
    expected = unpack(packed.codes, packed.magnitudes, packed.shape, torch.float32)
    given_input = torch.randn(2, 64, requires_grad=True)
    layer(given_input).sum().backward()
    assert given_input.grad is not None
    torch.testing.assert_close(given_input.grad, expected.sum(0).expand(2, -1))
    stored = sum(p.numel() * p.element_size() for p in [*layer.parameters(), *layer.buffers()])
    assert stored == before.numel() * BYTES_PER_WEIGHT
    assert not any(p.requires_grad for p in layer.parameters())


def test_a_tensor_that_does_not_divide_into_blocks_is_not_packed() -> None:
    """Its last weights would be lost."""
    assert not can_pack(torch.Size((3, 21)))
    assert can_pack(torch.Size((4, 16)))
