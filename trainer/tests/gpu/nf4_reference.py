"""An NF4 oracle, written for being obviously right: every weight becomes the nearest of sixteen values.

The values are those of QLoRA (Dettmers et al. 2023, appendix E), scaled by the largest magnitude of a block of 64 weights.
"""

import torch

_BLOCK = 64
_NEGATIVE = (
    -1.0,
    -0.6961928009986877,
    -0.5250730514526367,
    -0.39491748809814453,
    -0.28444138169288635,
    -0.18477343022823334,
    -0.09105003625154495,
)
_POSITIVE = (
    0.07958029955625534,
    0.16093020141124725,
    0.24611230194568634,
    0.33791524171829224,
    0.44070982933044434,
    0.5626170039176941,
    0.7229568362236023,
    1.0,
)
VALUES = (*_NEGATIVE, 0.0, *_POSITIVE)


def restored(weights: torch.Tensor) -> torch.Tensor:
    """What is left of float32 weights after NF4, in the same shape, on the CPU."""
    blocks = weights.detach().cpu().double().reshape(-1, _BLOCK)
    largest = blocks.abs().amax(dim=1, keepdim=True)
    scaled = blocks / largest.clamp_min(torch.finfo(torch.float32).tiny)
    best, distance = torch.zeros_like(blocks), torch.full_like(blocks, float("inf"))
    for value in VALUES:
        away = (scaled - value).abs()
        best = torch.where(away < distance, value, best)
        distance = torch.minimum(away, distance)
    return (best * largest).float().reshape(weights.shape)
