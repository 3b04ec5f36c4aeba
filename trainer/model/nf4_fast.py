"""NF4 codes to weights on a GPU, as fast as can be had there: a kernel counts only after it agreed with plain torch.

Unpacking is most of what a mixture of experts costs besides its products: every pass over a layer reads all its codes and
writes all its weights. Plain torch moves each weight several times on the way, one fused kernel once.
"""

import functools
import importlib.util
import logging
from collections.abc import Callable
from typing import Any

import torch

from model.nf4 import BLOCK, CODEBOOK, pack, unpack_plainly

Unpack = Callable[[torch.Tensor, torch.Tensor, torch.Size, torch.dtype], torch.Tensor]
_SAMPLE = (64, 4 * BLOCK)
# Rounding to 16 bits may differ in the last of 8 places; a wrong code differs by far more.
_TOLERANCE = 2.0**-7


@functools.lru_cache(maxsize=8)
def fastest_unpack(device: torch.device, dtype: torch.dtype) -> Unpack:
    """The first of bitsandbytes' kernel, a compiled one and plain torch that works on this device."""
    for name, make in (("bitsandbytes", bitsandbytes_unpack), ("a compiled kernel", compiled_unpack)):
        try:
            candidate = make(device)
            if candidate is not None and _agrees(candidate, device, dtype):
                return candidate
            reason = "not installed" if candidate is None else "gives other weights"
        except Exception as error:
            # Compilers and drivers fail in ways of their own; whatever it is, plain torch does the same work.
            reason = f"{type(error).__name__}: {error}"
        logging.getLogger(__name__).info("NF4 without %s: %s", name, reason[:200])
    return unpack_plainly


def bitsandbytes_unpack(device: torch.device) -> Unpack | None:
    """The kernel of bitsandbytes on the trainer's own codes, which are laid out alike; None where it is not installed."""
    if importlib.util.find_spec("bitsandbytes") is None:
        return None
    functional: Any = importlib.import_module("bitsandbytes.functional")
    codebook = torch.tensor(CODEBOOK, device=device)

    def unpack(codes: torch.Tensor, magnitudes: torch.Tensor, shape: torch.Size, dtype: torch.dtype) -> torch.Tensor:
        state = functional.QuantState(absmax=magnitudes, shape=shape, code=codebook, blocksize=BLOCK, quant_type="nf4", dtype=dtype)
        weights: torch.Tensor = functional.dequantize_4bit(codes.view(-1, 1), state)
        return weights.view(shape)

    return unpack


def compiled_unpack(device: torch.device) -> Unpack:
    """The same arithmetic as plain torch, fused by torch's compiler into one pass over the codes."""
    codebook = torch.tensor(CODEBOOK, device=device)
    shifts = torch.tensor([4, 0], dtype=torch.uint8, device=device)
    expand: Any = torch.compile(_expand, dynamic=True)

    def unpack(codes: torch.Tensor, magnitudes: torch.Tensor, shape: torch.Size, dtype: torch.dtype) -> torch.Tensor:
        weights: torch.Tensor = expand(codes, magnitudes, codebook, shifts, dtype)
        return weights.view(shape)

    return unpack


def _expand(
    codes: torch.Tensor, magnitudes: torch.Tensor, codebook: torch.Tensor, shifts: torch.Tensor, dtype: torch.dtype
) -> torch.Tensor:
    """Upper half of each byte, then its lower half; no step needs more than its own element, so all fuse."""
    both = (codes[:, None] >> shifts) & 15
    return (codebook[both.long()].view(-1, BLOCK) * magnitudes[:, None]).to(dtype)


def _agrees(candidate: Unpack, device: torch.device, dtype: torch.dtype) -> bool:
    weights = torch.randn(_SAMPLE, generator=torch.Generator().manual_seed(0))
    packed = pack(weights.to(device))
    arguments = (packed.codes, packed.magnitudes, packed.shape, dtype)
    found, expected = candidate(*arguments), unpack_plainly(*arguments)
    is_same_kind = found.dtype == expected.dtype and found.shape == expected.shape
    return is_same_kind and torch.allclose(found.float(), expected.float(), rtol=_TOLERANCE, atol=0.0)
