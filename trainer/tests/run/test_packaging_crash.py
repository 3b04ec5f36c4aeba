"""Packaging that is killed, or fails, at any change of the disk: the next attempt ends with a valid result."""

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
from packable import Packable
from peft import PeftModel
from safetensors.torch import load_file
from support import RUN_ID, Volume, planet_rows
from transformers import AutoModelForCausalLM

from run import export
from run.results import read_result
from storage import sha256_file


@pytest.fixture
def parts(volume: Volume) -> Packable:
    """A model ready to be packaged."""
    return Packable(volume)


class _Killed(BaseException):
    """Stands for the end of the process at a call; no handler of ours catches it."""


_CHANGES = ("fsync", "rename", "replace", "mkdir", "unlink", "rmdir", "write")


class _EndAt:
    """Ends the process, or lets the call fail, at the n-th change of the disk below a folder."""

    def __init__(self, number: int, error: BaseException) -> None:
        self.calls = 0
        self._number = number
        self._error = error

    def __enter__(self) -> "_EndAt":
        self._patches = contextlib.ExitStack()
        for name in _CHANGES:
            self._patches.enter_context(mock.patch.object(os, name, self._counting(getattr(os, name))))
        real_open = open
        self._patches.enter_context(mock.patch("builtins.open", self._opening(real_open)))
        return self

    def __exit__(self, *_: object) -> None:
        self._patches.close()

    def _count(self) -> None:
        self.calls += 1
        if self.calls == self._number:
            raise self._error

    def _counting(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            self._count()
            return real(*arguments, **named)

        return call

    def _opening(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(file: Any, mode: str = "r", *arguments: Any, **named: Any) -> Any:
            if mode.strip("bt") != "r":
                self._count()
            return real(file, mode, *arguments, **named)

        return call


def _changes_of_packaging(parts: Packable) -> int:
    with _EndAt(0, _Killed()) as counter:
        parts.package()
    return counter.calls


def _assert_whole_or_absent(volume: Volume, target: Path) -> None:
    """A manifest that is there lists parts that are there."""
    if (volume.run / "manifest.json").exists():
        volume.collect(target)


def _assert_survives(parts: Packable, tmp_path: Path, number: int, error: BaseException) -> None:
    with pytest.raises(type(error)), _EndAt(number, error):
        parts.package()
    _assert_whole_or_absent(parts.volume, tmp_path / "between")
    parts.package()
    read = load_file(str(parts.volume.collect(tmp_path / "adapter") / "adapter_model.safetensors"))
    assert all(torch.equal(read[name], tensor) for name, tensor in parts.state().items())
    assert sorted(path.name for path in parts.volume.run.iterdir()) == ["adapter", "manifest.json"]


def test_packaging_that_is_killed_anywhere_is_done_again_and_whole(parts: Packable, tmp_path: Path) -> None:
    """Every ninth change of the disk in turn; the slow test takes all of them."""
    total = _changes_of_packaging(parts)
    assert total > 30
    for number in range(1, total + 1, 9):
        _assert_survives(parts, tmp_path, number, _Killed())


@pytest.mark.slow
@pytest.mark.parametrize("error", [_Killed(), OSError(5, "Input/output error")], ids=["killed", "failed"])
def test_packaging_that_ends_at_any_change_of_the_disk_is_done_again_and_whole(
    parts: Packable, tmp_path: Path, error: BaseException
) -> None:
    for number in range(1, _changes_of_packaging(parts) + 1):
        with contextlib.suppress(BaseException), _EndAt(number, error):
            parts.package()
        _assert_whole_or_absent(parts.volume, tmp_path / "between")
        parts.package()
        parts.volume.collect(tmp_path / "adapter")


def _end_while_packaging(volume: Volume, job: dict[str, Any], number: int, attempt: int) -> bool:
    """An attempt that is killed at the n-th change of the disk from the stage 'packaging' on; False when it got through."""
    real = export.package_adapter
    bomb = _EndAt(number, _Killed())

    def package(*arguments: Any, **named: Any) -> str:
        bomb.__enter__()
        return real(*arguments, **named)

    try:
        with mock.patch.object(export, "package_adapter", package):
            volume.attempt(job, number=attempt)
    except _Killed:
        return True
    finally:
        if bomb.calls:
            bomb.__exit__()
    return False


def _assert_ends_with_a_result(volume: Volume, tmp_path: Path, at: int) -> bool:
    shutil.rmtree(volume.run, ignore_errors=True)
    job = volume.job(planet_rows(12), max_steps=2, evals_per_epoch=1)
    was_killed = _end_while_packaging(volume, job, at, 1)
    if was_killed:
        between = read_result(volume.run)
        # Killed after result.json was put in place: the run has ended, and nothing may follow.
        result = between if between is not None else volume.attempt(job, number=2)
    else:
        result = read_result(volume.run)
    assert result is not None
    assert (result["run_id"], result["status"], result["steps_done"]) == (RUN_ID, "completed", 2)
    assert result["manifest_sha256"] == sha256_file(volume.run / "manifest.json")
    folder = volume.collect(tmp_path / "adapter")
    PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(str(volume.model), dtype=torch.float32), str(folder))
    assert result["last_seq"] == len(volume.events())
    return was_killed


@pytest.mark.parametrize("at", [2, 40])
def test_an_attempt_killed_while_packaging_is_followed_by_one_with_a_valid_result(volume: Volume, tmp_path: Path, at: int) -> None:
    assert _assert_ends_with_a_result(volume, tmp_path, at)


@pytest.mark.slow
def test_an_attempt_killed_at_any_change_of_the_disk_from_packaging_to_the_result_is_made_good(volume: Volume, tmp_path: Path) -> None:
    number = 1
    while _assert_ends_with_a_result(volume, tmp_path, number):
        number += 1
    assert number > 50
