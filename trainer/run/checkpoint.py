"""Atomic checkpoints: everything a step needs to be continued to the digit, no pickles."""

import os
import random
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy
import torch
from safetensors.torch import load_file, save_file

from run_progress import Progress
from storage import read_json, sha256_file, sync_directory, sync_file, write_json

_COMPLETE = "COMPLETE"
_KEEP_LAST = 2
Tensors = dict[str, torch.Tensor]


@dataclass
class Checkpoint:
    """A checkpoint read back."""

    adapter: Tensors
    optimizer: Tensors
    rng: Tensors
    python_rng: list[Any]
    progress: Progress


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

    def __init__(self, run_directory: Path) -> None:
        self._root = run_directory / "checkpoints"

    def save(self, checkpoint: Checkpoint) -> int:
        """Writes a checkpoint and removes the ones no longer needed; returns its size in bytes."""
        step = checkpoint.progress.step
        self._root.mkdir(parents=True, exist_ok=True)
        building = self._root / f"tmp-{step}-{os.getpid()}"
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir()
        try:
            total = self._write(building, checkpoint)
            final = self._root / f"step-{step}"
            shutil.rmtree(final, ignore_errors=True)
            os.rename(building, final)
            sync_directory(self._root)
            (final / _COMPLETE).touch()
            sync_directory(final)
        except OSError:
            shutil.rmtree(building, ignore_errors=True)
            raise
        self._prune(checkpoint.progress)
        return total

    def _write(self, directory: Path, checkpoint: Checkpoint) -> int:
        save_file(checkpoint.adapter, str(directory / "adapter.safetensors"))
        save_file(checkpoint.optimizer, str(directory / "optimizer.safetensors"))
        save_file(checkpoint.rng, str(directory / "rng.safetensors"))
        write_json(directory / "state.json", {"python_rng": checkpoint.python_rng, "progress": asdict(checkpoint.progress)})
        names = ("adapter.safetensors", "optimizer.safetensors", "rng.safetensors", "state.json")
        files: list[dict[str, Any]] = []
        for name in names:
            path = directory / name
            sync_file(path)
            files.append({"name": name, "bytes": path.stat().st_size, "sha256": sha256_file(path)})
        write_json(directory / "manifest.json", {"v": 1, "files": files})
        sync_directory(directory)
        return sum(file["bytes"] for file in files)

    def newest(self) -> Checkpoint | None:
        """The newest checkpoint whose every hash is right; damaged and newer ones are removed."""
        for leftover in self._root.glob("tmp-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        for step in sorted(self._steps(), reverse=True):
            directory = self._root / f"step-{step}"
            if is_valid(directory):
                return _read(directory)
            shutil.rmtree(directory, ignore_errors=True)
        return None

    def adapter_at(self, step: int) -> Tensors | None:
        """The adapter weights saved at a step, None when that checkpoint is gone or damaged."""
        directory = self._root / f"step-{step}"
        return load_file(str(directory / "adapter.safetensors")) if is_valid(directory) else None

    def _steps(self) -> list[int]:
        if not self._root.is_dir():
            return []
        return [int(entry.name[5:]) for entry in self._root.iterdir() if entry.name[:5] == "step-" and entry.name[5:].isdigit()]

    def _prune(self, progress: Progress) -> None:
        keep = set(sorted((step for step in self._steps() if step <= progress.step), reverse=True)[:_KEEP_LAST])
        if progress.best_step is not None:
            keep.add(progress.best_step)
        for step in self._steps():
            if step not in keep:
                directory = self._root / f"step-{step}"
                # Without the mark it is no checkpoint, so a half-deleted one can never be read.
                (directory / _COMPLETE).unlink(missing_ok=True)
                shutil.rmtree(directory, ignore_errors=True)


def is_valid(directory: Path) -> bool:
    """True when the checkpoint was finished and every file has the recorded hash."""
    manifest = read_json(directory / "manifest.json")
    if not (directory / _COMPLETE).exists() or not isinstance(manifest, dict):
        return False
    try:
        return all(_is_intact(directory / file["name"], file["bytes"], file["sha256"]) for file in manifest["files"])
    except (OSError, KeyError, TypeError):
        return False


def _is_intact(path: Path, size: int, sha256: str) -> bool:
    return path.stat().st_size == size and sha256_file(path) == sha256


def _read(directory: Path) -> Checkpoint:
    state = read_json(directory / "state.json")
    return Checkpoint(
        adapter=load_file(str(directory / "adapter.safetensors")),
        optimizer=load_file(str(directory / "optimizer.safetensors")),
        rng=load_file(str(directory / "rng.safetensors")),
        python_rng=state["python_rng"],
        progress=Progress(**state["progress"]),
    )
