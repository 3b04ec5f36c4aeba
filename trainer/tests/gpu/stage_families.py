"""Stage 2: tiny models of every family learn eight rows by heart on this device, and resuming continues their curve."""

import tempfile
from pathlib import Path
from typing import Any

import torch
from gpu.harness import Never, Report, Trained, new_loop, placement, random_rows, settings, train
from gpu.shapes import FAMILIES, write_family

from data.encoder import Row
from model.loading import load_base
from model.lora import add_lora
from run.checkpoint import CheckpointStore

_STEPS = 60
# bf16 products on a GPU are not repeatable to the digit, so a resumed curve may leave the other by this share of a loss.
_TOLERANCE = 0.02


def run(report: Report) -> None:
    """One family after the other, as many as time allows."""
    for family in FAMILIES:
        with tempfile.TemporaryDirectory() as name:
            _family(report, family, Path(name))


def _family(report: Report, family: str, folder: Path) -> None:
    model_folder = write_family(folder / "model", family)
    rows = random_rows(8, [24, 17, 31, 12], 300)
    steps = 8 if report.tiny else _STEPS
    whole = _train(report, model_folder, rows, folder / "whole", steps)
    learned = whole.losses[-1] < (0.9 if report.tiny else 0.25) * whole.losses[0]
    report.check(f"{family}_learns", learned, first=round(whole.losses[0], 4), last=round(whole.losses[-1], 4), steps=steps)
    _train(report, model_folder, rows, folder / "parts", steps // 2)
    resumed = _train(report, model_folder, rows, folder / "parts", steps)
    pairs = list(zip(resumed.losses[-(steps // 2) :], whole.losses[-(steps // 2) :], strict=True))
    difference = max(abs(a - b) / max(abs(b), 0.05) for a, b in pairs)
    report.check(f"{family}_resumes", difference <= (0.0 if report.tiny else _TOLERANCE), largest_relative_difference=difference)


def _train(report: Report, model_folder: Path, rows: list[Row], folder: Path, steps: int) -> Trained:
    """Trains to `steps`, going on from the folder's newest checkpoint if there is one, and leaves a checkpoint."""
    where = placement(report.tiny)
    parameters = settings(max_steps=steps, num_train_epochs=steps, per_device_train_batch_size=8, lora_dropout=0.1)
    torch.manual_seed(parameters.seed)
    model: Any = add_lora(load_base(model_folder, where, "sdpa"), parameters, where)
    folder.mkdir(exist_ok=True)
    saved = CheckpointStore(folder).newest()
    loop = new_loop(model, where, rows, parameters, folder, Never(), saved)
    done = train(loop, folder)
    loop.save()
    return done
