"""Losses that go wrong: skipped, rolled back once, then ended with what was good before."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from loop_support import encoded_rows, events_of, make_loop, poison, scale_losses
from support import StopAt

from loop.divergence import has_diverged, is_calm, note_loss
from run.checkpoint import CheckpointStore
from run.run_progress import Progress
from run.status_manager import EventLog


@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_a_step_whose_loss_or_gradient_is_not_a_number_is_skipped_counted_and_said(tiny: Path, tmp_path: Path, what: str) -> None:
    """Would catch NaN weights behind a loss that is shown as 0.0 for ever."""
    loop = make_loop(tiny, tmp_path, encoded_rows(tiny, 12), num_train_epochs=2)
    poison(loop, lambda progress: progress.step + 1 in (2, 3), what)
    assert loop.run() == "finished"
    assert all(bool(tensor.isfinite().all()) for tensor in loop.adapter().values())
    assert [event["step"] for event in events_of(tmp_path, "skipped_step")] == [2, 3]
    assert [event["step"] for event in events_of(tmp_path, "step")] == [1, 4, 5, 6]
    assert (loop.progress.good_steps, loop.progress.skipped_steps) == (4, 2)


def test_three_such_steps_put_the_newest_good_checkpoint_back_and_halve_the_rate_once(tiny: Path, tmp_path: Path) -> None:
    """Would catch a run that goes on from weights that lead to NaN, or with an optimizer that remembers them."""
    settings: dict[str, Any] = {"num_train_epochs": 4, "save_every_steps": 3, "lr_scheduler_type": "constant", "learning_rate": 1e-3}
    loop = make_loop(tiny, tmp_path, encoded_rows(tiny, 12), **settings)
    poison(loop, lambda progress: progress.step >= 4 and progress.learning_rate_factor == 1)
    assert loop.run() == "finished"
    (event,) = events_of(tmp_path, "rolled_back")
    assert (event["step"], event["learning_rate_factor"]) == (3, 0.5)
    steps = [(event["step"], event["learning_rate"]) for event in events_of(tmp_path, "step")]
    assert steps[:4] == [(1, 1e-3), (2, 1e-3), (3, 1e-3), (4, 1e-3)]
    assert steps[4:] == [(step, 5e-4) for step in range(4, 13)]
    plain = make_loop(tiny, tmp_path / "plain", encoded_rows(tiny, 12), **{**settings, "num_train_epochs": 1})
    plain.run()
    plain.progress.learning_rate_factor = 0.5
    plain._step(4)
    assert events_of(tmp_path / "plain", "step")[-1]["loss"] == next(e["loss"] for e in events_of(tmp_path, "step")[4:] if e["step"] == 4)


def test_three_more_such_steps_end_the_run_as_diverged(tiny: Path, tmp_path: Path) -> None:
    """Would catch a run that goes back to the same checkpoint for ever."""
    loop = make_loop(tiny, tmp_path, encoded_rows(tiny, 12), num_train_epochs=4, save_every_steps=2)
    poison(loop, lambda progress: progress.step >= 4)
    assert loop.run() == "diverged"
    assert len(events_of(tmp_path, "rolled_back")) == 1
    assert len(events_of(tmp_path, "skipped_step")) == 6
    assert loop.load_last_good() == 4
    saved = CheckpointStore(tmp_path).adapter_at(4)
    assert saved is not None
    assert all(torch.equal(saved[name], tensor) for name, tensor in loop.adapter().items())


def test_without_a_checkpoint_to_go_back_to_the_run_ends_as_diverged(tiny: Path, tmp_path: Path) -> None:
    loop = make_loop(tiny, tmp_path, encoded_rows(tiny, 12), num_train_epochs=4, save_every_steps=100)
    poison(loop, lambda progress: True)
    assert loop.run() == "diverged"
    assert loop.progress.step == 3
    assert loop.load_last_good() is None


@pytest.mark.parametrize("stop_after", [4, 7])
def test_a_run_with_skips_and_a_rollback_continues_to_the_digit(tiny: Path, tmp_path: Path, stop_after: int) -> None:
    """Would catch detectors whose memory is not in the checkpoint, so that a resumed run decides otherwise."""
    rows = encoded_rows(tiny, 12)
    settings: dict[str, Any] = {"num_train_epochs": 4, "save_every_steps": 2}
    whole = make_loop(tiny, tmp_path / "whole", rows, **settings)
    poison(whole, lambda progress: progress.step in (4, 5, 6) and progress.learning_rate_factor == 1)
    assert whole.run() == "finished"

    stop = StopAt("shutdown", after_step=stop_after)
    log = EventLog(tmp_path / "parts", 1, lambda line: stop.see(json.loads(line)))
    first = make_loop(tiny, tmp_path / "parts", rows, stop=stop, log=log, **settings)
    poison(first, lambda progress: progress.step in (4, 5, 6) and progress.learning_rate_factor == 1)
    assert first.run() == "shutdown"
    first.save()
    saved = CheckpointStore(tmp_path / "parts").newest()
    assert saved is not None
    second = make_loop(tiny, tmp_path / "parts", rows, saved=saved, **settings)
    poison(second, lambda progress: progress.step in (4, 5, 6) and progress.learning_rate_factor == 1)
    assert second.run() == "finished"
    assert [e["loss"] for e in events_of(tmp_path / "parts", "step")] == [e["loss"] for e in events_of(tmp_path / "whole", "step")]
    assert all(torch.equal(whole.adapter()[name], tensor) for name, tensor in second.adapter().items())
    timeless = {"seconds", "train_seconds", "peak_memory_bytes"}
    assert {k: v for k, v in asdict(second.progress).items() if k not in timeless} == {
        k: v for k, v in asdict(whole.progress).items() if k not in timeless
    }


def test_a_finite_loss_that_explodes_ends_the_run(tiny: Path, tmp_path: Path) -> None:
    """Would catch a run that is paid for to its end although its loss left for good."""
    loop = make_loop(tiny, tmp_path, encoded_rows(tiny, 12), num_train_epochs=20, save_every_steps=5)
    scale_losses(loop, lambda step: 1.0 if step <= 12 else 50.0)
    assert loop.run() == "diverged"
    assert loop.progress.step == 13
    assert loop.progress.skipped_steps == 0
    assert loop.load_last_good() == 10


def _steps_until_diverged(losses: list[float]) -> int | None:
    progress = Progress()
    for number, loss in enumerate(losses, start=1):
        note_loss(progress, loss)
        if has_diverged(progress):
            return number
    return None


def test_the_smoothed_loss_over_three_times_its_start_is_divergence() -> None:
    rising = [2.0] * 10 + [12.0] * 30
    found = _steps_until_diverged(rising)
    assert found is not None
    assert 12 <= found <= 20


def test_a_loss_that_stays_above_minimum_plus_five_deviations_for_twenty_steps_is_divergence() -> None:
    """Would catch the slow kind: a loss that doubles and stays, never reaching three times its start."""
    falling = [3.0 - 0.02 * i + (0.05 if i % 2 else -0.05) for i in range(100)]
    assert _steps_until_diverged(falling) is None
    found = _steps_until_diverged([*falling, *[2.6] * 60])
    assert found is not None
    assert 120 <= found <= 140
    for_a_while = [*falling, *[2.6] * 12, *[1.1] * 60]
    assert _steps_until_diverged(for_a_while) is None


@pytest.mark.parametrize("scale", [5.0, 0.5, 0.01])
def test_noise_and_learning_by_heart_are_not_divergence(scale: float) -> None:
    """Would catch a detector that ends healthy runs: noisy batches, a plateau, tiny losses that flicker."""
    torch.manual_seed(3)
    noise = (1 + 0.3 * torch.randn(600)).clamp(min=0.05).tolist()
    assert _steps_until_diverged([scale * value for value in noise]) is None
    falling = [scale * (0.98**i + 0.02 * value) for i, value in enumerate(noise)]
    assert _steps_until_diverged(falling) is None


def test_weights_after_a_bad_step_are_no_place_to_go_back_to() -> None:
    assert is_calm(Progress())
    assert not is_calm(Progress(skipped_in_row=1))
    assert not is_calm(Progress(steps_above=1))
