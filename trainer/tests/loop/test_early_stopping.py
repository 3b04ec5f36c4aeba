"""Early stopping: half a percent counts, patience is in evaluations, the best weights come back."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from loop_support import encoded_rows, events_of, make_loop
from support import StopAt

from loop.early_stopping import has_stopped_improving, note_evaluation
from loop.objective import RowScore
from loop.training_loop import TrainingLoop
from run.checkpoint import CheckpointStore
from run.run_progress import Progress
from run.status_manager import EventLog


def _evaluations_until_stopped(losses: list[float], patience: int | None) -> int | None:
    progress = Progress()
    for number, loss in enumerate(losses):
        note_evaluation(progress, loss)
        if has_stopped_improving(progress, patience):
            return number
    return None


@pytest.mark.parametrize(
    ("losses", "patience", "stops_at"),
    [
        ([2.0, 1.5, 1.4, 1.41, 1.42, 1.43], 3, 5),
        ([2.0, 1.5, 1.4, 1.41, 1.42, 1.3, 1.29, 1.35, 1.36], 3, None),
        # Less than 0.5 % each, although every evaluation is a new best.
        ([2.0, 1.995, 1.992, 1.991], 3, 3),
        # Small improvements that add up to 0.5 % of the reference count.
        ([2.0, 1.995, 1.98, 1.975, 1.96], 2, None),
        ([2.0, 2.1, 2.2], 2, 2),
        ([2.0, 2.1, 2.2, 2.3, 2.4], None, None),
        ([2.0, float("nan"), float("nan")], 2, 2),
    ],
)
def test_patience_runs_out_after_evaluations_without_half_a_percent(
    losses: list[float], patience: int | None, stops_at: int | None
) -> None:
    assert _evaluations_until_stopped(losses, patience) == stops_at


def _score_as(loop: TrainingLoop, monkeypatch: pytest.MonkeyPatch, losses: dict[int, float]) -> None:
    """Gives evaluations after these steps these losses."""

    def scores(rows: list[Any]) -> list[RowScore]:
        return [RowScore(losses[loop.progress.step] * len(row.labels), 0) for row in rows]

    monkeypatch.setattr(loop._held_out._objective, "row_scores", scores)


LOSSES = {0: 3.0, 1: 2.0, 2: 1.5, 3: 1.6, 4: 1.7, 5: 1.8, 6: 1.9}


def test_the_run_ends_when_patience_runs_out_and_the_best_weights_come_back(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Would catch a run that ships its last weights although they are the overfitted ones."""
    rows = encoded_rows(tiny, 16)
    loop = make_loop(
        tiny, tmp_path, rows[:12], held_out=rows[12:], evals_per_epoch=3, num_train_epochs=4, early_stopping_patience=3, save_every_steps=50
    )
    _score_as(loop, monkeypatch, LOSSES)
    loop.evaluate_base()
    assert loop.run() == "early_stopping"
    assert loop.progress.step == 5
    assert loop.load_best() == 2
    saved = CheckpointStore(tmp_path).adapter_at(2)
    assert saved is not None
    assert all(torch.equal(saved[name], tensor) for name, tensor in loop.adapter().items())


@pytest.mark.parametrize("stop_after", [3, 5])
def test_an_interrupted_run_stops_early_at_the_same_step(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_after: int
) -> None:
    """Would catch patience that starts anew with every attempt."""
    rows = encoded_rows(tiny, 16)
    settings: dict[str, Any] = {"evals_per_epoch": 3, "num_train_epochs": 4, "early_stopping_patience": 3}
    stop = StopAt("shutdown", after_step=stop_after)
    log = EventLog(tmp_path, 1, lambda line: stop.see(json.loads(line)))
    first = make_loop(tiny, tmp_path, rows[:12], held_out=rows[12:], stop=stop, log=log, **settings)
    _score_as(first, monkeypatch, LOSSES)
    first.evaluate_base()
    assert first.run() == "shutdown"
    first.save()
    before = asdict(first.progress)
    saved = CheckpointStore(tmp_path).newest()
    assert saved is not None
    assert asdict(saved.progress) == before
    second = make_loop(tiny, tmp_path, rows[:12], held_out=rows[12:], saved=saved, **settings)
    _score_as(second, monkeypatch, LOSSES)
    assert second.run() == "early_stopping"
    assert second.progress.step == 5
    assert [event["step"] for event in events_of(tmp_path, "eval")] == [0, 1, 2, 3, 4, 5]
