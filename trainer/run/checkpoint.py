"""Atomic checkpoints: everything a step needs to be continued to the digit, no pickles."""

import contextlib
import errno
import json
import os
import random
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from run import checkpoint_files as files
from run.resume_conditions import ResumeConditions, read_conditions
from run.run_progress import Progress
from run.tensor_file import Tensors, byte_count, write_file, write_tensors
from storage import free_bytes, is_disk_full, is_read_only, read_json

__all__ = ["Checkpoint", "CheckpointNotSaved", "CheckpointStore", "Tensors", "restore_rng", "rng_state"]

_KEEP_LAST = 2
# Room that the next checkpoint, the adapter and the log need besides this one; small runs need little more than their own size.
_ROOM_FACTOR = 2.5
_LEAST_MARGIN_BYTES = 32_000_000
_MOST_MARGIN_BYTES = 1_000_000_000


@dataclass
class Checkpoint:
    """A checkpoint to be written, or read back."""

    adapter: Tensors
    optimizer: Tensors
    rng: Tensors
    python_rng: list[Any]
    progress: Progress
    conditions: ResumeConditions | None = None


class CheckpointNotSaved(OSError):
    """The volume did not take a checkpoint; `message` says so to the user, and training can go on without."""

    def __init__(self, step: int, cause: OSError) -> None:
        super().__init__(cause.errno, cause.strerror)
        why = "the volume is full" if is_disk_full(cause) else "the volume is read-only" if is_read_only(cause) else str(cause)
        self.message = (
            f"degraded: the checkpoint of step {step} was not saved, because {why}. "
            "Training goes on; if the worker is lost now, it continues from an earlier checkpoint."
        )


def rng_state() -> tuple[Tensors, list[Any]]:
    """The state of every random generator that training draws from."""
    state: Any = numpy.random.get_state(legacy=True)
    name, keys, position, has_gauss, gauss = state
    tensors = {"torch": torch.get_rng_state(), "numpy": torch.from_numpy(keys.astype(numpy.int64))}
    if torch.cuda.is_available():
        tensors["cuda"] = torch.cuda.get_rng_state()
    version, internal, gauss_next = random.getstate()
    return tensors, [version, list(internal), gauss_next, [name, position, has_gauss, gauss]]


def restore_rng(tensors: Tensors, python_rng: list[Any]) -> None:
    """Puts every random generator back to a saved state."""
    version, internal, gauss_next, (name, position, has_gauss, gauss) = python_rng
    random.setstate((version, tuple(internal), gauss_next))
    numpy.random.set_state((name, tensors["numpy"].numpy().astype(numpy.uint32), position, has_gauss, gauss))
    torch.set_rng_state(tensors["torch"])
    if torch.cuda.is_available() and "cuda" in tensors:
        torch.cuda.set_rng_state(tensors["cuda"])


class CheckpointStore:
    """The `checkpoints/` folder of one run."""

    def __init__(
        self,
        run_directory: Path,
        conditions: ResumeConditions | None = None,
        free: Callable[[Path], int | None] = free_bytes,
    ) -> None:
        self._run_directory = run_directory
        self._root = run_directory / "checkpoints"
        self._free = free
        self.conditions = conditions

    def save(self, checkpoint: Checkpoint) -> int:
        """Writes a checkpoint and removes the ones no longer needed; returns its size in bytes.

        When the volume is full, the oldest checkpoint that is not the best goes first; CheckpointNotSaved when that does not help.
        """
        needed = sum(byte_count(tensors) for tensors in (checkpoint.adapter, checkpoint.optimizer, checkpoint.rng))
        step = checkpoint.progress.step
        try:
            self._ensure_room(needed)
            try:
                total = self._write(checkpoint)
            except OSError as error:
                if not is_disk_full(error) or not files.make_room(self._run_directory):
                    raise
                total = self._write(checkpoint)
        except OSError as error:
            raise CheckpointNotSaved(step, error) from error
        files.prune(self._root, self._kept(checkpoint.progress))
        return total

    def _ensure_room(self, needed: int) -> None:
        """Frees room before the volume, which others write to as well, is full to the last byte."""
        self._root.mkdir(parents=True, exist_ok=True)
        wanted = _ROOM_FACTOR * needed + min(_MOST_MARGIN_BYTES, _LEAST_MARGIN_BYTES + needed)
        while (free := self._free(self._root)) is not None and free < wanted:
            if not files.make_room(self._run_directory):
                if free < needed:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                return

    def _write(self, checkpoint: Checkpoint) -> int:
        step = checkpoint.progress.step
        building = self._root / f"tmp-{step}-{os.getpid()}"
        files.discard(building)
        try:
            building.mkdir(parents=True)
            total = self._write_files(building, checkpoint)
            files.publish(self._root, building, step)
        except OSError:
            files.recover(self._root)
            raise
        return total

    def _write_files(self, folder: Path, checkpoint: Checkpoint) -> int:
        conditions = checkpoint.conditions or self.conditions
        state = {
            "python_rng": checkpoint.python_rng,
            "progress": asdict(checkpoint.progress),
            "conditions": conditions.as_json() if conditions else None,
        }
        written = [
            write_tensors(folder / "adapter.safetensors", checkpoint.adapter),
            write_tensors(folder / "optimizer.safetensors", checkpoint.optimizer),
            write_tensors(folder / "rng.safetensors", checkpoint.rng),
            write_file(folder / "state.json", json.dumps(state).encode()),
        ]
        manifest = {"v": 1, "files": [file.as_json() for file in written]}
        write_file(folder / files.MANIFEST, json.dumps(manifest, indent=1).encode())
        return sum(file.bytes for file in written)

    def newest(self, accept: Callable[[Progress], bool] = lambda _: True) -> Checkpoint | None:
        """The newest checkpoint that is whole and accepted; newer ones are set aside, so that none is continued from later."""
        files.recover(self._root)
        refused: list[int] = []
        for step in reversed(files.steps(self._root)):
            folder = files.step_folder(self._root, step)
            found = _read(folder, step) if files.is_valid(folder) else None
            if found is None:
                files.set_aside(self._root, step)
            elif not accept(found.progress):
                refused.append(step)
            else:
                for newer in refused:
                    files.set_aside(self._root, newer)
                return found
        return None

    def adapter_at(self, step: int) -> Tensors | None:
        """The adapter weights saved at a step, None when that checkpoint is gone or damaged."""
        folder = files.step_folder(self._root, step)
        if not files.is_valid(folder):
            return None
        with contextlib.suppress(OSError, SafetensorError):
            return load_file(str(folder / "adapter.safetensors"))
        return None

    def _kept(self, progress: Progress) -> set[int]:
        """The last two, and the best as each of them knows it, so that walking back loses no weights."""
        last = [step for step in files.steps(self._root) if step <= progress.step][-_KEEP_LAST:]
        best = {progress.best_step, *(files.best_step(self._root, step) for step in last)}
        return {*last, *(step for step in best if step is not None)}


def _read(folder: Path, step: int) -> Checkpoint | None:
    """A checkpoint whose hashes are right; None when its content is not what this trainer writes."""
    state = read_json(folder / "state.json")
    try:
        known = {field.name for field in fields(Progress)}
        progress = Progress(**{name: value for name, value in state["progress"].items() if name in known})
        if progress.step != step:
            return None
        return Checkpoint(
            adapter=load_file(str(folder / "adapter.safetensors")),
            optimizer=load_file(str(folder / "optimizer.safetensors")),
            rng=load_file(str(folder / "rng.safetensors")),
            python_rng=list(state["python_rng"]),
            progress=progress,
            conditions=read_conditions(state.get("conditions")),
        )
    except (OSError, KeyError, TypeError, AttributeError, SafetensorError):
        return None
