"""Checkpoints: the newest one that is whole, never a damaged one, never more than needed."""

from pathlib import Path

import pytest
import torch

from checkpoint import Checkpoint, CheckpointStore, restore_rng, rng_state
from run_progress import Progress


def _save(store: CheckpointStore, step: int, best: int | None = None) -> None:
    rng, python_rng = rng_state()
    progress = Progress(step=step, best_step=best, eval_base_rows=[1.5], fingerprint="f")
    store.save(Checkpoint({"a": torch.full((3,), float(step))}, {}, rng, python_rng, progress))


def _steps(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "checkpoints").iterdir())


def test_the_last_two_and_the_best_are_kept(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    for step, best in [(0, None), (2, 2), (4, 2), (6, 2), (8, 2)]:
        _save(store, step, best)
    assert _steps(tmp_path) == ["step-2", "step-6", "step-8"]
    adapter = store.adapter_at(2)
    assert adapter is not None
    assert float(adapter["a"][0]) == 2.0


@pytest.mark.parametrize("damage", ["flip", "cut", "unmarked", "no-manifest"])
def test_a_damaged_newest_checkpoint_is_passed_over(tmp_path: Path, damage: str) -> None:
    store = CheckpointStore(tmp_path)
    _save(store, 3)
    _save(store, 6)
    newest = tmp_path / "checkpoints" / "step-6"
    weights = newest / "adapter.safetensors"
    data = weights.read_bytes()
    if damage == "flip":
        weights.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    elif damage == "cut":
        weights.write_bytes(data[:-1])
    elif damage == "unmarked":
        (newest / "COMPLETE").unlink()
    else:
        (newest / "manifest.json").write_text("{")
    found = store.newest()
    assert found is not None
    assert found.progress == Progress(step=3, eval_base_rows=[1.5], fingerprint="f")
    assert _steps(tmp_path) == ["step-3"]


def test_what_a_killed_writer_left_is_swept_away(tmp_path: Path) -> None:
    (tmp_path / "checkpoints" / "tmp-9-123").mkdir(parents=True)
    assert CheckpointStore(tmp_path).newest() is None
    assert _steps(tmp_path) == []


def test_every_random_generator_continues_where_it_was(tmp_path: Path) -> None:
    import random

    import numpy

    store = CheckpointStore(tmp_path)
    random.gauss(0, 1)
    numpy.random.standard_normal()
    _save(store, 1)
    expected = (random.random(), random.gauss(0, 1), numpy.random.standard_normal(), float(torch.rand(())))
    saved = store.newest()
    assert saved is not None
    restore_rng(saved.rng, saved.python_rng)
    assert (random.random(), random.gauss(0, 1), numpy.random.standard_normal(), float(torch.rand(()))) == expected
