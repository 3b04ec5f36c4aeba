"""The `checkpoints/` folder as files: what is whole, what may go. Needs no torch, so the handler can ask too."""

import contextlib
import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from storage import read_json, sha256_bytes, sha256_file, sync_directory, write_bytes

FILES = ("adapter.safetensors", "optimizer.safetensors", "rng.safetensors", "state.json")
MANIFEST = "manifest.json"
_COMPLETE = "COMPLETE"
_LATEST = "LATEST"
_STEP = re.compile(r"step-(0|[1-9]\d*)")
_OLD = re.compile(r"old-(0|[1-9]\d*)-.*")


def step_folder(root: Path, step: int) -> Path:
    """Where the checkpoint of a step is."""
    return root / f"step-{step}"


def steps(root: Path) -> list[int]:
    """The steps that have a folder, whole or not, ascending."""
    if not root.is_dir():
        return []
    return sorted(int(match[1]) for entry in root.iterdir() if (match := _STEP.fullmatch(entry.name)))


def is_valid(folder: Path) -> bool:
    """True when the checkpoint was finished and every file has the size and hash that were meant."""
    try:
        manifest = (folder / MANIFEST).read_bytes()
        mark = (folder / _COMPLETE).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return False
    listed = read_json(folder / MANIFEST)
    files = listed.get("files") if isinstance(listed, dict) and listed.get("v") == 1 else None
    if mark != sha256_bytes(manifest) or not isinstance(files, list):
        return False
    try:
        named = {file["name"]: file for file in files}
        return set(named) == set(FILES) and all(_is_intact(folder / name, named[name]) for name in FILES)
    except (OSError, KeyError, TypeError):
        return False


def _is_intact(path: Path, file: dict[str, object]) -> bool:
    return path.stat().st_size == file["bytes"] and sha256_file(path) == file["sha256"]


def newest_valid_step(run_directory: Path) -> int | None:
    """The step a dispatch of this run would continue from; None when there is nothing to continue."""
    root = run_directory / "checkpoints"
    return next((step for step in reversed(steps(root)) if is_valid(step_folder(root, step))), None)


def publish(root: Path, building: Path, step: int) -> None:
    """Puts a finished folder in place; at no moment is a valid checkpoint of that step missing without a copy."""
    final, old = step_folder(root, step), root / f"old-{step}-{os.getpid()}"
    manifest = (building / MANIFEST).read_bytes()
    sync_directory(building)
    if final.exists():
        os.rename(final, old)
    os.rename(building, final)
    sync_directory(root)
    write_bytes(final / _COMPLETE, sha256_bytes(manifest).encode())
    write_bytes(root / _LATEST, f"step-{step}\n".encode())
    discard(old)


def recover(root: Path) -> None:
    """Clears up after a killed writer: half-written folders go, a replaced checkpoint comes back if its successor is not whole."""
    for leftover in root.glob("tmp-*"):
        discard(leftover)
    for old in root.glob("old-*"):
        match = _OLD.fullmatch(old.name)
        final = step_folder(root, int(match[1])) if match else None
        if final is not None and not is_valid(final) and is_valid(old):
            discard(final)
            with contextlib.suppress(OSError):
                os.rename(old, final)
            continue
        discard(old)


def set_aside(root: Path, step: int) -> None:
    """Takes a damaged checkpoint out of the way; it is kept until a newer one is whole."""
    target = root / f"damaged-{step}"
    with contextlib.suppress(OSError):
        discard(target)
        os.rename(step_folder(root, step), target)


def discard(folder: Path) -> None:
    """Removes a folder; without its mark it is no checkpoint, so a half-removed one is never read."""
    with contextlib.suppress(OSError):
        (folder / _COMPLETE).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def prune(root: Path, keep: Iterable[int]) -> None:
    """Removes what is no longer needed, also of steps that a checkpoint just written has made void."""
    wanted = set(keep)
    for step in steps(root):
        if step not in wanted:
            discard(step_folder(root, step))
    for damaged in root.glob("damaged-*"):
        discard(damaged)


def make_room(run_directory: Path) -> bool:
    """Removes the oldest checkpoint that is neither the newest valid one nor the best; False when there is none."""
    root = run_directory / "checkpoints"
    for leftover in [*root.glob("damaged-*"), *root.glob("tmp-*"), *root.glob("old-*")]:
        discard(leftover)
        return True
    newest = newest_valid_step(run_directory)
    kept = {newest, best_step(root, newest)}
    oldest = next((step for step in steps(root) if step not in kept), None)
    if oldest is None:
        return False
    discard(step_folder(root, oldest))
    return True


def best_step(root: Path, step: int | None) -> int | None:
    """The best evaluated step that the checkpoint of a step knows of."""
    state = read_json(step_folder(root, step) / "state.json") if step is not None else None
    progress = state.get("progress") if isinstance(state, dict) else None
    best = progress.get("best_step") if isinstance(progress, dict) else None
    return best if isinstance(best, int) else None
