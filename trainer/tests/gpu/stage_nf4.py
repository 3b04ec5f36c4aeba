"""Stage 3: the trainer's 4-bit weights on this device are those of the CPU oracle, and of bitsandbytes where that is there."""

import importlib
import importlib.util
import math
import time
from typing import Any

import torch
from gpu.harness import Report, placement
from gpu.nf4_reference import restored

from model.nf4 import BYTES_PER_WEIGHT, pack, unpack

# Of Gaussian weights: root of the mean squared error over that of the weights.
_ERROR = (0.085, 0.1)
# A device may round a division to the other side of a middle between two values.
_SAME = 1 - 1e-4


def run(report: Report) -> None:
    """The same random tensor, packed here and put through the oracle."""
    device = placement(report.tiny).device
    torch.manual_seed(0)
    weights = torch.randn(1 << (16 if report.tiny else 24), dtype=torch.float32)
    weights[:64] = 0.0
    packed = pack(weights.to(device))
    back = unpack(packed.codes, packed.magnitudes, packed.shape, torch.float32).cpu()
    share = float(torch.isclose(back, restored(weights), rtol=1e-6, atol=0.0).double().mean())
    report.check("weights_equal_the_oracle", share >= _SAME, share=share)
    error = math.sqrt(float((back - weights).square().mean() / weights.square().mean()))
    report.check("error_is_that_of_nf4", _ERROR[0] < error < _ERROR[1], relative=round(error, 4))
    report.check("size_is_that_of_nf4", packed.bytes_per_weight == BYTES_PER_WEIGHT == 0.5625, bytes_per_weight=packed.bytes_per_weight)
    if importlib.util.find_spec("bitsandbytes") is None:
        report.figure("bitsandbytes", measured=False, reason="not installed")
    else:
        _compare(report, weights.to(device), back)
    if not report.tiny:
        _time(report)


def _compare(report: Report, weights: torch.Tensor, back: torch.Tensor) -> None:
    four_bit: Any = importlib.import_module("bitsandbytes.functional")
    packed, state = four_bit.quantize_4bit(weights, blocksize=64, quant_type="nf4", compress_statistics=False)
    theirs = four_bit.dequantize_4bit(packed, state).cpu().float()
    share = float((theirs.reshape(-1) == back.reshape(-1)).double().mean())
    report.check("weights_equal_bitsandbytes", share >= _SAME, share=share)


def _time(report: Report) -> None:
    """How fast codes become bf16 weights again, in 10⁹ weights a second, for the experts of one layer of the 80B shape."""
    packed = pack(torch.randn(512, 1024, 2048, device="cuda", dtype=torch.bfloat16))
    for repeat in range(2):
        torch.cuda.synchronize()
        began = time.perf_counter()
        for _ in range(10):
            unpack(packed.codes, packed.magnitudes, packed.shape, torch.bfloat16)
        torch.cuda.synchronize()
        if repeat:
            seconds = (time.perf_counter() - began) / 10
            report.figure("unpack", giga_weights_per_s=round(packed.shape.numel() / seconds / 1e9, 1))
