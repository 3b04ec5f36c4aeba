"""Stage 6: memory runs out inside a step; the step is done again in smaller pieces, with the same loss and gradient."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from gpu.harness import Never, Report, Trained, new_loop, placement, random_rows, reset_memory, settings, train
from gpu.shapes import middle_config, random_model

from data.encoder import Row
from loop.micro_batches import MicroBatch, as_micro_batch
from loop.objective import Objective
from model.lora import add_lora

_ROWS = 16
# bf16 sums come out a little different when they are cut up differently.
_TOLERANCE = 5e-3


def run(report: Report) -> None:
    """One step in small pieces, the same step at once, and at once with too little memory for it."""
    where = placement(report.tiny)
    length = 32 if report.tiny else 1024
    rows = random_rows(_ROWS, [length], middle_config(report.tiny).vocab_size)
    model = add_lora(random_model(middle_config(report.tiny), where.device, where.weights), settings(), where)
    start = {name: p.detach().clone() for name, p in model.named_parameters() if p.requires_grad}
    pieces, small_bytes = _one_step(report, model, start, rows, length, 2)
    whole, large_bytes = _one_step(report, model, start, rows, length, _ROWS)
    report.figure("peak_reserved_gib", in_pieces=round(small_bytes / 2**30, 3), at_once=round(large_bytes / 2**30, 3))
    if report.tiny:
        squeezed, _ = _one_step(report, model, start, rows, length, _ROWS, _ShortOfMemory)
    else:
        total = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction((small_bytes + large_bytes) / 2 / total)
        squeezed, _ = _one_step(report, model, start, rows, length, _ROWS)
        torch.cuda.set_per_process_memory_fraction(1.0)
    report.check("memory_ran_out_and_was_said", any("emory ran out" in text for text in squeezed.warnings), said=squeezed.warnings[:4])
    for name, other in (("pieces", pieces), ("squeezed", squeezed)):
        loss, norm = _difference(other, whole, "loss"), _difference(other, whole, "grad_norm")
        report.check(f"{name}_equal_at_once", max(loss, norm) <= (1e-5 if report.tiny else _TOLERANCE), loss=loss, grad_norm=norm)


def _difference(one: Trained, other: Trained, key: str) -> float:
    """Relative difference of the first step's figure."""
    expected = float(other.steps[0][key])
    return abs(float(one.steps[0][key]) - expected) / abs(expected)


def _one_step(
    report: Report,
    model: Any,
    start: dict[str, torch.Tensor],
    rows: Sequence[Row],
    length: int,
    at_once: int,
    objective: type[Objective] = Objective,
) -> tuple[Trained, int]:
    """One optimizer step over all rows from the same weights, and the bytes that the allocator held at most."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name in start:
                parameter.copy_(start[name])
    reset_memory(report.tiny)
    accumulated = _ROWS // at_once
    parameters = settings(
        per_device_train_batch_size=at_once, gradient_accumulation_steps=accumulated, max_steps=1, num_train_epochs=1, max_length=length
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        done = train(new_loop(model, placement(report.tiny), rows, parameters, folder, Never(), objective=objective), folder)
    return done, 0 if report.tiny else int(torch.cuda.max_memory_reserved())


class _ShortOfMemory(Objective):
    """Pretends, on a CPU, that memory ends at a quarter of the rows, as the GPU's allocator says it."""

    def sum_of_losses(self, batch: MicroBatch | Sequence[Row]) -> torch.Tensor:
        """The real sum, or what running out of memory raises."""
        if len(as_micro_batch(batch).rows) > _ROWS // 4:
            raise torch.OutOfMemoryError("pretended")
        return super().sum_of_losses(batch)
