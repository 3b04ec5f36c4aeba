"""Stage 1: what the device is, and the ceilings that no training can exceed."""

import time
from collections.abc import Callable

import torch
from gpu.harness import Report


def run(report: Report) -> None:
    """Measures bf16 matrix products (TFLOP/s) and device copies (GB/s)."""
    if report.tiny:
        size, copied, repeats = 256, 1 << 20, 3
        device = "cpu"
    else:
        size, copied, repeats = 8192, 4 << 30, 20
        device = "cuda"
        properties = torch.cuda.get_device_properties(0)
        report.figure(
            "device",
            memory_gib=round(properties.total_memory / 2**30, 1),
            capability=f"{properties.major}.{properties.minor}",
            bf16=torch.cuda.is_bf16_supported(),
        )
        report.check("bf16_supported", torch.cuda.is_bf16_supported())
    left = torch.randn(size, size, device=device, dtype=torch.bfloat16)
    right = torch.randn(size, size, device=device, dtype=torch.bfloat16)
    seconds = _seconds(lambda: torch.mm(left, right), repeats, device)
    report.figure("bf16_matrix_product", size=size, tflop_per_s=round(2 * size**3 / seconds / 1e12, 2))
    source = torch.empty(copied, device=device, dtype=torch.uint8)
    target = torch.empty_like(source)
    seconds = _seconds(lambda: target.copy_(source), repeats, device)
    report.figure("copy", bytes=copied, gb_per_s=round(2 * copied / seconds / 1e9, 1))
    report.check("product_is_finite", bool(torch.isfinite(torch.mm(left, right)).all()))


def _seconds(work: Callable[[], object], repeats: int, device: str) -> float:
    """Mean seconds of one call, after one that warms up."""
    work()
    _wait(device)
    began = time.perf_counter()
    for _ in range(repeats):
        work()
    _wait(device)
    return (time.perf_counter() - began) / repeats


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()
