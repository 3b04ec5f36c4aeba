"""Stage 4: the shape of Qwen3-8B with random weights; speed and memory of bf16 LoRA, and of NF4 where bitsandbytes is."""

import gc
import importlib
import importlib.util
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from gpu.harness import Report, StopWhen, new_loop, peak_gib, placement, prepare_layers, random_rows, reset_memory, settings, train
from gpu.shapes import dense_config, random_model

from model.lora import add_lora

_GOAL_TOKENS_PER_S = 9000.0
_STEPS = 4
_ROWS_AT_ONCE = 4


def run(report: Report) -> None:
    """Packed rows of mixed lengths at 2,048 and 4,096 tokens; then the same with weights in 4 bits."""
    model = _with_lora(report, random_model(dense_config(report.tiny), *_device(report)))
    best = max(_measure(report, model, "bf16", length) for length in ((64, 128) if report.tiny else (2048, 4096)))
    if not report.tiny:
        report.target("8b_bf16_lora_packed", best, _GOAL_TOKENS_PER_S, "tokens/s")
    del model
    gc.collect()
    reset_memory(report.tiny)
    if report.tiny or importlib.util.find_spec("bitsandbytes") is None:
        report.figure("nf4", measured=False, reason="tiny shapes" if report.tiny else "bitsandbytes is not installed")
        return
    if report.seconds_left > 30:
        _measure(report, _with_lora(report, _in_four_bits(random_model(dense_config(False), *_device(report)))), "nf4", 4096)


def _device(report: Report) -> tuple[str, str]:
    where = placement(report.tiny)
    return where.device, where.weights


def _with_lora(report: Report, model: Any) -> Any:
    return add_lora(model, settings(lora_r=32, lora_alpha=32), placement(report.tiny))


def _measure(report: Report, model: Any, kind: str, length: int) -> float:
    """Tokens per second of optimizer steps over 16 packed rows of a quarter to the whole of `length` tokens."""
    reset_memory(report.tiny)
    kept = prepare_layers(model, report.tiny, _ROWS_AT_ONCE * length)
    lengths = [length, length // 2, length // 4, length * 3 // 4]
    rows = random_rows(16 * _STEPS, lengths, dense_config(report.tiny).vocab_size)
    parameters = settings(
        per_device_train_batch_size=_ROWS_AT_ONCE,
        gradient_accumulation_steps=4,
        num_train_epochs=1,
        max_steps=_STEPS,
        max_length=length,
        learning_rate=1e-4,
    )
    with tempfile.TemporaryDirectory() as name:
        loop = new_loop(model, placement(report.tiny), rows, parameters, Path(name), StopWhen(time.monotonic() + report.seconds_left / 2))
        done = train(loop, Path(name))
    finite = bool(done.losses) and all(loss == loss and loss < 1e4 for loss in done.losses)
    report.check(f"{kind}_{length}_loss_is_finite", finite, steps=len(done.steps))
    report.figure(
        f"{kind}_{length}",
        tokens_per_s=round(done.tokens_per_second, 1),
        peak_gib=peak_gib(report.tiny),
        steps=len(done.steps),
        layers_kept=kept,
        label="LoRA r32, packed, 16 rows a step",
        warnings=done.warnings[:3],
    )
    return done.tokens_per_second


def _in_four_bits(model: Any) -> Any:
    """Every projection of the layers in NF4 with double quantisation, as loading with 4-bit weights makes them."""
    four_bit: Any = importlib.import_module("bitsandbytes.nn")
    for layer in model.model.layers:
        for name, module in list(layer.named_modules()):
            if not isinstance(module, torch.nn.Linear):
                continue
            parent = layer.get_submodule(name.rpartition(".")[0])
            small = four_bit.Linear4bit(
                module.in_features,
                module.out_features,
                bias=module.bias is not None,
                compute_dtype=torch.bfloat16,
                compress_statistics=True,
                quant_type="nf4",
                device="meta",
            )
            weight = four_bit.Params4bit(module.weight.data, requires_grad=False, quant_type="nf4", compress_statistics=True)
            small.weight = weight.to("cuda")
            setattr(parent, name.rpartition(".")[2], small)
    return model
