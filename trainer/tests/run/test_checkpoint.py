"""Checkpoints: the newest one that is whole, never a damaged one, never more than needed."""

import contextlib
import json
import os
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from run import checkpoint_files
from run.checkpoint import Checkpoint, CheckpointStore, restore_rng, rng_state
from run.checkpoint_files import FILES, newest_valid_step
from run.run_progress import Progress
from run.tensor_file import write_tensors
from storage import sha256_bytes


def _save(store: CheckpointStore, step: int, best: int | None = None, size: int = 3) -> None:
    rng, python_rng = rng_state()
    progress = Progress(step=step, best_step=best, eval_base_rows=[1.5], fingerprint="f")
    store.save(Checkpoint({"a": torch.full((size,), float(step))}, {"a.step": torch.tensor(2.0)}, rng, python_rng, progress))


def _steps(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "checkpoints").iterdir() if path.is_dir())


def _step_found(tmp_path: Path) -> int | None:
    found = CheckpointStore(tmp_path).newest()
    return None if found is None else found.progress.step


def test_the_last_two_and_the_best_are_kept(tmp_path: Path) -> None:
    """Would catch a volume that fills up, or a best step whose weights are gone at the end."""
    store = CheckpointStore(tmp_path)
    for step, best in [(0, None), (2, 2), (4, 2), (6, 2), (8, 2)]:
        _save(store, step, best)
    assert _steps(tmp_path) == ["step-2", "step-6", "step-8"]
    assert (tmp_path / "checkpoints" / "LATEST").read_text() == "step-8\n"
    adapter = store.adapter_at(2)
    assert adapter is not None
    assert float(adapter["a"][0]) == 2.0


def test_walking_back_finds_the_best_weights_of_that_time_too(tmp_path: Path) -> None:
    """Would catch an older checkpoint whose best weights were removed when a newer best appeared."""
    store = CheckpointStore(tmp_path)
    for step, best in [(2, 2), (4, 2), (6, 6)]:
        _save(store, step, best)
    (tmp_path / "checkpoints" / "step-6" / "state.json").unlink()
    found = store.newest()
    assert found is not None
    assert (found.progress.step, found.progress.best_step) == (4, 2)
    assert store.adapter_at(2) is not None


def _flip(path: Path, at: int = -1) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a flipped bit in the weights": lambda step: _flip(step / "adapter.safetensors"),
    "a flipped bit in the header": lambda step: _flip(step / "optimizer.safetensors", 20),
    "weights cut short": lambda step: _cut(step / "adapter.safetensors"),
    "an empty file": lambda step: (step / "rng.safetensors").write_bytes(b""),
    "a missing file": lambda step: (step / "state.json").unlink(),
    "no mark": lambda step: (step / "COMPLETE").unlink(),
    "an empty mark": lambda step: (step / "COMPLETE").write_bytes(b""),
    "no manifest": lambda step: (step / "manifest.json").unlink(),
    "a torn manifest": lambda step: _cut(step / "manifest.json"),
    "a manifest that lists nothing": lambda step: _forge(step, {"v": 1, "files": []}),
    "a manifest that lists other files": lambda step: _forge(step, {"v": 1, "files": [{"name": "../../x", "bytes": 1, "sha256": ""}]}),
    "a manifest nested without end": lambda step: (step / "manifest.json").write_bytes(b"[" * 100_000),
    "a folder instead of a file": lambda step: _make_folder(step / "state.json"),
}


def _make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _first(data: bytes, length: int) -> bytes:
    return data[:length]


def _forge(step: Path, manifest: object) -> None:
    data = json.dumps(manifest).encode()
    (step / "manifest.json").write_bytes(data)
    (step / "COMPLETE").write_text(sha256_bytes(data))


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_newest_checkpoint_is_passed_over(tmp_path: Path, damage: str) -> None:
    """Would catch a loader that trusts the highest number, or a manifest that proves nothing."""
    store = CheckpointStore(tmp_path)
    _save(store, 3)
    _save(store, 6)
    DAMAGES[damage](tmp_path / "checkpoints" / "step-6")
    assert newest_valid_step(tmp_path) == 3
    found = store.newest()
    assert found is not None
    assert found.progress == Progress(step=3, eval_base_rows=[1.5], fingerprint="f")
    assert _steps(tmp_path) == ["damaged-6", "step-3"]
    _save(store, 6)
    assert _steps(tmp_path) == ["step-3", "step-6"]


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_whatever_happens_to_the_files_an_intact_checkpoint_is_found_and_none_is_made_up(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Fuzz: any bytes in any file of any checkpoint; the newest untouched one wins, byte for byte."""
    tmp_path = tmp_path_factory.mktemp("run")
    store = CheckpointStore(tmp_path)
    for step in (2, 4, 6):
        _save(store, step, best=2)
    names = st.sampled_from([*FILES, "manifest.json", "COMPLETE"])
    touched = set()
    for step in data.draw(st.sets(st.sampled_from([2, 4, 6]))):
        path = tmp_path / "checkpoints" / f"step-{step}" / data.draw(names)
        before = path.read_bytes()
        after = data.draw(st.one_of(st.binary(max_size=300), st.integers(0, len(before)).map(partial(_first, before))))
        path.write_bytes(after)
        if after.strip() != before.strip() if path.name == "COMPLETE" else after != before:
            touched.add(step)
    intact = sorted({2, 4, 6} - touched)
    found = store.newest()
    assert (None if found is None else found.progress.step) == (intact[-1] if intact else None)
    if found is not None:
        assert float(found.adapter["a"][0]) == found.progress.step


def test_progress_of_another_patch_version_is_read_and_nonsense_is_not(tmp_path: Path) -> None:
    """A newer patch may add a counter; a checkpoint without its step is none, although its hashes are right."""
    store = CheckpointStore(tmp_path)
    for step in (2, 4):
        _save(store, step)
    for step, change in ((2, {"new_counter": 1}), (4, {"step": 9})):
        folder = tmp_path / "checkpoints" / f"step-{step}"
        state = json.loads((folder / "state.json").read_text())
        state["progress"].update(change)
        (folder / "state.json").write_text(json.dumps(state))
        manifest = json.loads((folder / "manifest.json").read_text())
        data = (folder / "state.json").read_bytes()
        manifest["files"] = [
            {"name": "state.json", "bytes": len(data), "sha256": sha256_bytes(data)} if file["name"] == "state.json" else file
            for file in manifest["files"]
        ]
        _forge(folder, manifest)
    assert _step_found(tmp_path) == 2


def test_what_a_killed_writer_left_is_swept_away(tmp_path: Path) -> None:
    (tmp_path / "checkpoints" / "tmp-9-123").mkdir(parents=True)
    assert CheckpointStore(tmp_path).newest() is None
    assert _steps(tmp_path) == []


class _Killed(BaseException):
    """Stands for the end of the process: no handler of ours catches it."""


def _run_until_call(number: int, action: Callable[[], object]) -> bool:
    """Ends the action at its n-th change of the disk; False when it got through."""
    calls = [0]

    def counting(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            calls[0] += 1
            if calls[0] == number:
                raise _Killed
            return real(*arguments, **named)

        return call

    with contextlib.ExitStack() as patches:
        for name in ("fsync", "rename", "replace", "mkdir", "unlink", "rmdir"):
            patches.enter_context(mock.patch.object(os, name, counting(getattr(os, name))))
        try:
            action()
        except _Killed:
            return True
    return False


def test_a_writer_killed_at_any_call_leaves_the_checkpoint_before_or_the_one_after(tmp_path: Path) -> None:
    """Would catch a moment at which neither is on the disk, also when a checkpoint of the same step is replaced."""
    number = 0
    while True:
        number += 1
        run = tmp_path / str(number)
        store = CheckpointStore(run)
        _save(store, 3, best=3)
        _save(store, 6, best=3)
        was_killed = _run_until_call(number, partial(_save, store, 6, best=3, size=5))
        found = store.newest()
        assert found is not None
        assert found.progress.step == 6
        assert len(found.adapter["a"]) in (3, 5)
        assert store.adapter_at(3) is not None
        if not was_killed:
            break
    assert number > 12


def test_going_back_to_an_accepted_checkpoint_makes_the_newer_ones_void(tmp_path: Path) -> None:
    """Would catch a run that was put back and, killed before its next checkpoint, continues on the void course."""
    store = CheckpointStore(tmp_path)
    for step in (4, 6):
        _save(store, step)
    found = store.newest(lambda progress: progress.step < 6)
    assert found is not None
    assert (found.progress.step, _step_found(tmp_path)) == (4, 4)
    _save(store, 5)
    assert _steps(tmp_path) == ["step-4", "step-5"]


def test_nothing_accepted_leaves_everything_in_place(tmp_path: Path) -> None:
    """Would catch the best weights being put aside when no checkpoint is fit to continue from."""
    store = CheckpointStore(tmp_path)
    _save(store, 4, best=4)
    assert store.newest(lambda _: False) is None
    assert store.adapter_at(4) is not None


def test_every_random_generator_continues_where_it_was(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    random.gauss(0, 1)
    numpy.random.standard_normal()
    _save(store, 1)
    expected = (random.random(), random.gauss(0, 1), numpy.random.standard_normal(), float(torch.rand(())))
    saved = store.newest()
    assert saved is not None
    restore_rng(saved.rng, saved.python_rng)
    assert (random.random(), random.gauss(0, 1), numpy.random.standard_normal(), float(torch.rand(()))) == expected


def test_tensors_come_back_bit_for_bit_through_the_safetensors_library(tmp_path: Path) -> None:
    """Would catch a wrong offset, alignment or type in the file we write ourselves."""
    torch.manual_seed(0)
    tensors = {
        "half": torch.randn(3, 5).to(torch.bfloat16),
        "scalar": torch.tensor(7.0),
        "empty": torch.zeros(0, 4),
        "bytes": torch.arange(7, dtype=torch.uint8),
        "flags": torch.tensor([True, False, True]),
        "wide": torch.randn(2, 2, dtype=torch.float64),
        "turned": torch.randn(4, 6).t(),
        "counts": torch.arange(5),
        "ümlaut": torch.randn(1).to(torch.float16),
    }
    written = write_tensors(tmp_path / "x.safetensors", tensors, {"format": "pt"})
    read = load_file(str(tmp_path / "x.safetensors"))
    assert read.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert read[name].dtype == tensor.dtype
        assert torch.equal(read[name], tensor)
    assert written.sha256 == sha256_bytes((tmp_path / "x.safetensors").read_bytes())


def test_room_is_made_from_the_oldest_that_is_neither_newest_nor_best(tmp_path: Path) -> None:
    """Would catch a full volume costing the best weights, or the only ones that can be continued."""
    store = CheckpointStore(tmp_path)
    for step, best in [(2, 2), (4, 2), (6, 2)]:
        _save(store, step, best)
    assert checkpoint_files.make_room(tmp_path)
    assert _steps(tmp_path) == ["step-2", "step-6"]
    assert not checkpoint_files.make_room(tmp_path)
    assert _steps(tmp_path) == ["step-2", "step-6"]
