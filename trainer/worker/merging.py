"""Merging a finished run: its adapter added to its base model, left on the volume as a whole model."""

import contextlib
import json
import os
import shutil
import socket
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from model.base_model import ResolvedModel, resolve
from protocol import RunFailure, parse_train_input
from run.results import read_result
from storage import free_bytes, read_json, sha256_bytes, sha256_file, sync_directory, volume_failure, write_json
from worker.lease import exclusive
from worker.safe_url import guard_hub

FOLDER = "merged"
_RECORD = "tunesmith-merge.json"
_STALE_SECONDS = 3600.0
_POLL_SECONDS = 1.0
_SPARE_BYTES = 256 << 20
_EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")
_NOT_COPIED = ("adapter_model.safetensors", "adapter_config.json", "training_summary.json", "README.md")
_USE_AS_IS = "Use the adapter together with its base model instead."


def merge_run(volume: Path, run_id: str) -> dict[str, Any]:
    """The reply to `merge`; a run that is merged already is answered from its record."""
    run_directory = volume / "runs" / run_id
    manifest = _adapter_manifest(run_directory, run_id)
    while True:
        done = _finished(run_directory, manifest)
        if done is not None:
            return {"v": 1, "run_id": run_id, "folder_key": f"runs/{run_id}/{FOLDER}", "files": done}
        with exclusive(run_directory / "merge.lock") as lock:
            if lock is not None:
                _merge(volume, run_directory, manifest)
                continue
        time.sleep(_POLL_SECONDS)


def _adapter_manifest(run_directory: Path, run_id: str) -> dict[str, Any]:
    result = read_result(run_directory)
    if result is None:
        raise RunFailure("NOT_FOUND", f"Run {run_id} has not ended on this volume.", "Merge it once it has ended.")
    if result["manifest_sha256"] is None:
        raise RunFailure("NOT_FOUND", f"Run {run_id} ended without an adapter.", "Choose a run that has an adapter.")
    path = run_directory / "manifest.json"
    if not path.is_file() or sha256_file(path) != result["manifest_sha256"]:
        raise RunFailure("NOT_FOUND", f"The list of the adapter's files of run {run_id} is missing or damaged.", "Start a new run.")
    manifest: dict[str, Any] = json.loads(path.read_bytes())
    return {**manifest, "sha256": result["manifest_sha256"]}


def _finished(run_directory: Path, manifest: dict[str, Any]) -> list[dict[str, Any]] | None:
    record = read_json(run_directory / FOLDER / _RECORD)
    if not isinstance(record, dict) or record.get("manifest_sha256") != manifest["sha256"]:
        return None
    files: list[dict[str, Any]] = record["files"]
    paths = [(run_directory / FOLDER / file["name"], file["bytes"]) for file in files]
    return files if all(path.is_file() and path.stat().st_size == size for path, size in paths) else None


def _merge(volume: Path, run_directory: Path, manifest: dict[str, Any]) -> None:
    if _finished(run_directory, manifest) is not None:
        return
    base = resolve(parse_train_input(read_json(run_directory / "config.json")).base_model, volume, _quiet, guard=guard_hub)
    if base.fingerprint != manifest["base_model"]["fingerprint"]:
        message = "The base model's files on this worker are not the ones this run was trained on."
        raise RunFailure("CONFIG_MISMATCH", message, "Put the original base model back, or train again.")
    _require_dense(base)
    _clear_leftovers(run_directory)
    _require_room(run_directory, base)
    building = run_directory / f"{FOLDER}.tmp-{socket.gethostname()}-{uuid.uuid4().hex}"
    building.mkdir()
    try:
        files = _build(building, run_directory, manifest, base)
        write_json(building / _RECORD, {"v": 1, "manifest_sha256": manifest["sha256"], "files": files})
        _publish(building, run_directory / FOLDER)
    except OSError as error:
        failure = volume_failure(error)
        if failure is None:
            raise
        raise RunFailure(failure.code, failure.message, "Free some space or enlarge the volume, then merge again.") from error
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _build(building: Path, run_directory: Path, manifest: dict[str, Any], base: ResolvedModel) -> list[dict[str, Any]]:
    from safetensors.torch import load

    from run.tensor_file import write_file
    from worker.merge_weights import BaseWeights, lora_pairs, place_pairs, shard_index, verify_merged, write_merged

    files = {file["name"]: file for file in manifest["adapter_files"]}
    config = json.loads(_adapter_file(run_directory, manifest, files["adapter_config.json"]))
    weights = BaseWeights(base.folder)
    adapter = load(_adapter_file(run_directory, manifest, files["adapter_model.safetensors"]))
    pairs = place_pairs(lora_pairs(adapter, config), weights)
    written = write_merged(weights, pairs, building)
    verify_merged(building, weights, pairs)
    index = shard_index(weights)
    if index is not None:
        written.append(write_file(building / "model.safetensors.index.json", json.dumps(index, indent=1).encode()))
    for name in ("config.json", "generation_config.json"):
        if (base.folder / name).is_file():
            written.append(write_file(building / name, (base.folder / name).read_bytes()))
    for name, file in files.items():
        # The tokenizer and the chat template are the adapter's: with those it was trained.
        if name not in _NOT_COPIED:
            written.append(write_file(building / Path(name).name, _adapter_file(run_directory, manifest, file)))
    for file in written:
        if sha256_file(building / file.name, from_disk=True) != file.sha256:
            raise OSError(f"{file.name} was not written as intended")
    return [file.as_json() for file in written]


def _adapter_file(run_directory: Path, manifest: dict[str, Any], file: dict[str, Any]) -> bytes:
    """One file of the packaged adapter, put together from its parts and verified."""
    parts = sorted((part for part in manifest["parts"] if part["file"] == file["name"]), key=lambda part: int(part["offset"]))
    data = b"".join((run_directory / "adapter" / Path(part["key"]).name).read_bytes() for part in parts)
    if sha256_bytes(data) != file["sha256"]:
        message = f"The adapter's file {file['name']} on the volume is damaged."
        raise RunFailure("NOT_FOUND", message, "Start a new run, or merge a copy of the adapter on your own computer.")
    return data


def _require_dense(base: ResolvedModel) -> None:
    config = read_json(base.folder / "config.json")
    levels = [config, *(config[name] for name in ("text_config", "llm_config") if isinstance(config.get(name), dict))]
    if any(isinstance(level.get(name), int) and level[name] > 1 for level in levels for name in _EXPERTS):
        message = f"{base.id} is a mixture of experts, and adapters of such models cannot be merged here."
        raise RunFailure("INVALID_INPUT", message, _USE_AS_IS)
    if any(level.get("quantization_config") for level in levels):
        message = f"The weights of {base.id} are stored in few bits, so the adapter cannot be added to them exactly."
        raise RunFailure("INVALID_INPUT", message, _USE_AS_IS)


def _require_room(run_directory: Path, base: ResolvedModel) -> None:
    needed = sum(path.stat().st_size for path in base.folder.glob("*.safetensors")) + _SPARE_BYTES
    free = free_bytes(run_directory)
    if free is not None and free < needed:
        message = f"The merged model needs {needed / 1e9:.1f} GB; {free / 1e9:.1f} GB are free on the volume."
        raise RunFailure("DISK_FULL", message, "Free some space or enlarge the volume, then merge again.")


def _clear_leftovers(run_directory: Path) -> None:
    """Removes what a merge left that was killed: ours, since we hold the lock, or one that is too old to be alive."""
    for leftover in _leftovers(run_directory):
        is_ours = leftover.name.startswith(f"{FOLDER}.tmp-{socket.gethostname()}-")
        newest = max((path.stat().st_mtime for path in [leftover, *leftover.iterdir()]), default=0.0)
        if is_ours or time.time() - newest > _STALE_SECONDS:
            shutil.rmtree(leftover, ignore_errors=True)


def _leftovers(run_directory: Path) -> Iterator[Path]:
    for pattern in (f"{FOLDER}.tmp-*", f"{FOLDER}.old-*"):
        with contextlib.suppress(FileNotFoundError):
            yield from run_directory.glob(pattern)


def _publish(building: Path, target: Path) -> None:
    """A reader sees the whole folder or none; a damaged one is put aside first."""
    sync_directory(building)
    if target.exists():
        old = target.with_name(f"{FOLDER}.old-{uuid.uuid4().hex}")
        os.rename(target, old)
        shutil.rmtree(old, ignore_errors=True)
    os.rename(building, target)
    sync_directory(target.parent)


def _quiet(**_: Any) -> None:
    """Nobody follows the stages of a merge."""
