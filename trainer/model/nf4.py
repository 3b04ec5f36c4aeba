"""4-bit NormalFloat in plain torch: codes, magnitudes, and parameters that hold them.

The sixteen values and the blocks of 64 weights are those of QLoRA (Dettmers et al. 2023, appendix E). A weight takes 0.5 byte
for its code and 4/64 byte for its share of the block's largest magnitude in float32: 0.5625 bytes.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize

BLOCK = 64
BYTES_PER_WEIGHT = 0.5 + 4 / BLOCK
CODEBOOK = (
    -1.0,
    -0.6961928009986877,
    -0.5250730514526367,
    -0.39491748809814453,
    -0.28444138169288635,
    -0.18477343022823334,
    -0.09105003625154495,
    0.0,
    0.07958029955625534,
    0.16093020141124725,
    0.24611230194568634,
    0.33791524171829224,
    0.44070982933044434,
    0.5626170039176941,
    0.7229568362236023,
    1.0,
)
# Weights that are worked on at once, so that what is needed meanwhile stays near 256 MB.
_PIECE = 1 << 25


@dataclass(frozen=True)
class Packed:
    """A tensor in NF4: two codes a byte (the first in the upper half), and the largest magnitude of each block."""

    codes: torch.Tensor
    magnitudes: torch.Tensor
    shape: torch.Size

    @property
    def bytes_per_weight(self) -> float:
        """Bytes of codes and magnitudes together, per weight."""
        return (self.codes.numel() + 4 * self.magnitudes.numel()) / self.shape.numel()


def can_pack(shape: torch.Size) -> bool:
    """Whether a tensor divides into whole blocks."""
    return shape.numel() % BLOCK == 0 and shape.numel() > 0


def pack(weights: torch.Tensor) -> Packed:
    """The nearest code of every weight, relative to the largest magnitude of its block."""
    flat = weights.detach().reshape(-1)
    codebook = torch.tensor(CODEBOOK, device=flat.device)
    middles = (codebook[1:] + codebook[:-1]) / 2
    codes = torch.empty(flat.numel() // 2, dtype=torch.uint8, device=flat.device)
    magnitudes = torch.empty(flat.numel() // BLOCK, dtype=torch.float32, device=flat.device)
    for start in range(0, flat.numel(), _PIECE):
        blocks = flat[start : start + _PIECE].float().reshape(-1, BLOCK)
        largest = blocks.abs().amax(1)
        scaled = blocks / torch.where(largest > 0, largest, 1.0)[:, None]
        found = torch.bucketize(scaled.reshape(-1), middles, out_int32=True).to(torch.uint8)
        codes[start // 2 : (start + found.numel()) // 2] = (found[0::2] << 4) | found[1::2]
        magnitudes[start // BLOCK : start // BLOCK + len(largest)] = largest
    return Packed(codes, magnitudes, weights.shape)


def unpack(codes: torch.Tensor, magnitudes: torch.Tensor, shape: torch.Size, dtype: torch.dtype) -> torch.Tensor:
    """The weights that the codes stand for: products in float32, rounded once to this type."""
    if codes.is_cuda:
        from model.nf4_fast import fastest_unpack

        return fastest_unpack(codes.device, dtype)(codes, magnitudes, shape, dtype)
    return unpack_plainly(codes, magnitudes, shape, dtype)


def unpack_plainly(codes: torch.Tensor, magnitudes: torch.Tensor, shape: torch.Size, dtype: torch.dtype) -> torch.Tensor:
    """`unpack` in plain torch, on any device; what every other way has to agree with."""
    codebook = torch.tensor(CODEBOOK, device=codes.device)
    # Both codes of a byte are looked up at once.
    pairs = torch.stack([codebook.repeat_interleave(16), codebook.repeat(16)], dim=1)
    weights = torch.empty(magnitudes.numel(), BLOCK, device=codes.device, dtype=dtype)
    step = _PIECE // BLOCK
    for start in range(0, magnitudes.numel(), step):
        some = magnitudes[start : start + step]
        found = pairs.index_select(0, codes[start * BLOCK // 2 : (start + len(some)) * BLOCK // 2].int())
        weights[start : start + step] = found.view(-1, BLOCK).mul_(some[:, None])
    return weights.view(shape)


class UnpackedWeight(nn.Module):
    """A parametrisation: the parameter holds codes, its users see weights, made anew at every use."""

    def __init__(self, packed: Packed, dtype: torch.dtype) -> None:
        super().__init__()
        self.register_buffer("magnitudes", packed.magnitudes, persistent=False)
        self._shape, self._dtype = packed.shape, dtype

    @torch.no_grad()
    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """The weights of the codes."""
        magnitudes: Any = self.magnitudes
        return unpack(codes, magnitudes, self._shape, self._dtype)


def keep_packed(module: nn.Module, name: str, packed: Packed, dtype: torch.dtype) -> None:
    """Puts a frozen parameter of a module in NF4; whoever reads it gets weights of this type."""
    delattr(module, name)
    module.register_parameter(name, nn.Parameter(packed.codes, requires_grad=False))
    parametrize.register_parametrization(module, name, UnpackedWeight(packed, dtype), unsafe=True)
