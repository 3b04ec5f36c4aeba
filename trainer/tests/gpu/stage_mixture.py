"""Stage 5: the shape of Qwen3-Next-80B-A3B with random weights, experts in NF4; memory and speed by tokens per pass."""

import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from gpu.harness import Report, StopWhen, new_loop, peak_gib, placement, prepare_layers, random_rows, reset_memory, settings, train
from gpu.shapes import mixture_config

from model.experts import expert_parameters, pack_random_experts
from model.lora import add_lora

_GOAL_TOKENS_PER_S = 5000.0
_GOAL_TOKENS = 8192
_ROW_TOKENS = 1024
_STEPS = 3
_CARD_GB = 80.0


def run(report: Report) -> None:
    """2k to 16k tokens per micro-batch, in rows of equal length, as hybrids are trained: side by side, never packed."""
    began = time.monotonic()
    config = mixture_config(report.tiny)
    model = random_mixture(config, placement(report.tiny).device)
    held = [*model.parameters(), *model.buffers()]
    size = sum(tensor.numel() * tensor.element_size() for tensor in held)
    report.figure("built", seconds=round(time.monotonic() - began, 1), weight_bytes=size, peak_gib=peak_gib(report.tiny))
    wrapped = add_lora(model, settings(lora_r=16, lora_alpha=32), placement(report.tiny))
    prepare_layers(wrapped, report.tiny)
    trained = sum(p.numel() for p in wrapped.parameters() if p.requires_grad)
    report.check("experts_are_packed", not expert_parameters(model))
    report.figure("lora", trained=trained, targets=sorted(wrapped.peft_config["default"].target_modules))
    for tokens in (128, 256) if report.tiny else (2048, 4096, _GOAL_TOKENS, 16_384):
        if report.seconds_left < 10:
            report.figure(f"tokens_{tokens}", measured=False, reason="the time is used up")
            continue
        _measure(report, wrapped, tokens, config.vocab_size)


def _measure(report: Report, model: Any, tokens: int, vocabulary: int) -> None:
    """Optimizer steps of one micro-batch with this many tokens."""
    reset_memory(report.tiny)
    length = 64 if report.tiny else _ROW_TOKENS
    count = tokens // length
    rows = random_rows(count * _STEPS, [length], vocabulary)
    parameters = settings(
        per_device_train_batch_size=count,
        gradient_accumulation_steps=1,
        num_train_epochs=1,
        max_steps=_STEPS,
        max_length=length,
        learning_rate=1e-4,
        packing=False,
    )
    with tempfile.TemporaryDirectory() as name:
        stop = StopWhen(time.monotonic() + report.seconds_left / 2)
        done = train(new_loop(model, placement(report.tiny), rows, parameters, Path(name), stop), Path(name))
    finite = bool(done.losses) and all(loss == loss and loss < 1e4 for loss in done.losses)
    report.check(f"tokens_{tokens}_loss_is_finite", finite, steps=len(done.steps), losses=[round(loss, 4) for loss in done.losses])
    peak = peak_gib(report.tiny)
    rate = done.tokens_per_second
    report.figure(f"tokens_{tokens}", tokens_per_s=round(rate, 1), peak_gib=peak, steps=len(done.steps), warnings=done.warnings[:3])
    if tokens == _GOAL_TOKENS and not report.tiny:
        report.target("80b_a3b_expert_nf4_8k", rate, _GOAL_TOKENS_PER_S, "tokens/s")
        used = peak * 2**30 / 1e9
        report.target("80b_a3b_room_left_on_80_gb", _CARD_GB - used, 0.0, "GB")


def random_mixture(config: Any, device: str) -> Any:
    """The frozen model, built layer by layer: only one layer's experts are ever there in bf16."""
    from transformers import AutoModelForCausalLM

    dtype = torch.float32 if device == "cpu" else torch.bfloat16
    torch.manual_seed(0)
    with torch.device("meta"):
        model: Any = AutoModelForCausalLM.from_config(config, dtype=dtype, attn_implementation="sdpa")
    for layer in model.model.layers:
        _fill(model, layer, device)
        pack_random_experts(model, layer)
    for name, module in [*model.model.named_children(), ("lm_head", model.lm_head)]:
        if name == "rotary_emb":
            with torch.device(device):
                model.model.rotary_emb = type(module)(config)
        elif name != "layers":
            _fill(model, module, device)
    model.tie_weights()
    return model.requires_grad_(False)


def _fill(model: Any, module: Any, device: str) -> None:
    """Gives a part that has no storage yet the random weights that a new model of this kind has."""
    module.to_empty(device=device)
    with torch.no_grad():
        for part in module.modules():
            model._init_weights(part)
