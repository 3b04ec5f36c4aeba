"""The adapter as it leaves the worker: files, parts of at most 64 MB, manifest, all read back before they count."""

import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from model.base_model import ResolvedModel
from protocol import TRAINER_VERSION, RunFailure, TrainInput
from run.checkpoint_files import make_room
from run.model_card import model_card
from run.tensor_file import Tensors, WrittenFile, write_file, write_tensors
from storage import is_disk_full, sha256_bytes, sha256_file, sync_directory, sync_file, volume_failure, write_json

PART_BYTES = 64_000_000
_WEIGHTS = "adapter_model.safetensors"
_CONFIG = "adapter_config.json"
_FILE_NAME = re.compile(r"[A-Za-z0-9._-]+")
# Formats that can run code when they are read; an adapter never needs one.
_REFUSED = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt")
# A crash while packaging leaves these; the next attempt packages again from its checkpoint.
_LEFTOVERS = ("adapter-files.tmp-*", "adapter.tmp-*", "adapter.old-*", "manifest.json.tmp-*", "result.json.tmp-*")


def package_adapter(
    run_directory: Path,
    *,
    model: Any,
    tokenizer: Any,
    base: ResolvedModel,
    job: TrainInput,
    config_sha256: str,
    summary: dict[str, Any],
) -> str:
    """Writes adapter files, parts and manifest.json; returns the manifest's hash.

    On a full volume older checkpoints make room; a volume that takes no adapter at all is a RunFailure.
    """
    while True:
        try:
            return _package(run_directory, model, tokenizer, base, job, config_sha256, summary)
        except OSError as error:
            sweep(run_directory)
            if is_disk_full(error) and make_room(run_directory):
                continue
            failure = volume_failure(error)
            if failure is None:
                raise
            message = f"The adapter could not be written. {failure.message} Its weights are in the run's newest checkpoint."
            raise RunFailure(failure.code, message, failure.advice) from error


def sweep(run_directory: Path) -> None:
    """Removes what an interrupted packaging left."""
    for pattern in _LEFTOVERS:
        for leftover in run_directory.glob(pattern):
            if leftover.is_dir():
                shutil.rmtree(leftover, ignore_errors=True)
            else:
                leftover.unlink(missing_ok=True)


def _package(
    run_directory: Path,
    model: Any,
    tokenizer: Any,
    base: ResolvedModel,
    job: TrainInput,
    config_sha256: str,
    summary: dict[str, Any],
) -> str:
    sweep(run_directory)
    files, parts = (run_directory / f"{name}.tmp-{os.getpid()}" for name in ("adapter-files", "adapter"))
    files.mkdir(parents=True)
    parts.mkdir()
    described = _write_files(files, model, tokenizer, base, summary)
    listed: list[dict[str, Any]] = []
    for file in described:
        _split(files / file.name, parts, listed)
    _verify_parts(parts, described, listed)
    shutil.rmtree(files)
    # The old list goes before the parts it lists, so that no manifest ever names a part that is not there.
    (run_directory / "manifest.json").unlink(missing_ok=True)
    _replace_folder(parts, run_directory / "adapter")
    manifest = {
        "v": 1,
        "run_id": job.run_id,
        "created_ms": time.time_ns() // 1_000_000,
        "adapter_files": [file.as_json() for file in described],
        "parts": listed,
        "base_model": {"id": base.id, "revision": base.revision, "fingerprint": base.fingerprint},
        "dataset_sha256": job.dataset.sha256,
        "config_sha256": config_sha256,
        "trainer_version": TRAINER_VERSION,
    }
    write_json(run_directory / "manifest.json", manifest)
    return sha256_file(run_directory / "manifest.json", from_disk=True)


def _replace_folder(built: Path, target: Path) -> None:
    old = target.with_name(f"{target.name}.old-{os.getpid()}")
    if target.exists():
        os.rename(target, old)
    os.rename(built, target)
    sync_directory(target.parent)
    shutil.rmtree(old, ignore_errors=True)


def _write_files(folder: Path, model: Any, tokenizer: Any, base: ResolvedModel, summary: dict[str, Any]) -> list[WrittenFile]:
    """The files of the adapter, each synced and described as it was meant."""
    from peft import get_peft_model_state_dict

    # Asked for without embeddings, because peft would look on the network whether the base has other ones.
    state: Tensors = get_peft_model_state_dict(model, save_embedding_layers=False)
    weights = write_tensors(folder / _WEIGHTS, state, {"format": "pt"})
    _verify_weights(folder / _WEIGHTS, weights, state)
    tokenizer.save_pretrained(str(folder))
    template = folder / "chat_template.jinja"
    if tokenizer.chat_template and not template.exists():
        write_file(template, str(tokenizer.get_chat_template()).encode())
    write_file(folder / _CONFIG, _as_json(_adapter_config(model, base, state)))
    write_file(folder / "training_summary.json", _as_json(summary))
    write_file(folder / "README.md", model_card(base, summary).encode())
    described = []
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            shutil.rmtree(path)
            continue
        if path.suffix in _REFUSED or not _FILE_NAME.fullmatch(path.name):
            raise ValueError(f"{path.name} must not be part of an adapter")
        sync_file(path)
        is_ours = path.name == _WEIGHTS
        described.append(weights if is_ours else WrittenFile(path.name, path.stat().st_size, sha256_file(path)))
    return described


def _as_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode()


def _adapter_config(model: Any, base: ResolvedModel, state: Tensors) -> dict[str, Any]:
    """peft's own description, with the hub's name of the base and an explicit list of layer names."""
    from peft import PeftConfig

    config: PeftConfig = model.peft_config["default"]
    described: dict[str, Any] = config.to_dict()
    described = {name: sorted(value) if isinstance(value, (set, frozenset)) else value for name, value in described.items()}
    targets = described["target_modules"]
    if targets is not None:
        described["target_modules"] = _target_suffixes(targets, state)
    described.update(base_model_name_or_path=base.id, revision=base.revision, inference_mode=True)
    return described


def _target_suffixes(targets: str | list[str], state: Tensors) -> list[str]:
    """The last names of the adapted layers, as every tool reads them; never a pattern or a full path."""
    adapted = {match[1] for name in state if (match := re.search(r"\.?([^.]+)\.lora_(?:A|B|embedding_A|embedding_B)\b", name))}
    if isinstance(targets, str):
        return sorted(adapted)
    return sorted({name.rsplit(".", 1)[-1] for name in targets} & adapted)


def _split(path: Path, parts: Path, listed: list[dict[str, Any]]) -> None:
    """Moves a file into parts, one after the other, so that it never needs twice its room by more than a part."""
    for offset, data in _pieces(path):
        part = parts / f"part-{len(listed) + 1:04d}"
        written = write_file(part, data)
        listed.append(
            {"key": f"adapter/{part.name}", "bytes": written.bytes, "sha256": written.sha256, "file": path.name, "offset": offset}
        )
    path.unlink()
    sync_directory(parts)


def _pieces(path: Path) -> Iterator[tuple[int, bytes]]:
    offset = 0
    with open(path, "rb") as source:
        while (data := source.read(PART_BYTES)) or offset == 0:
            yield offset, data
            offset += len(data)
            if len(data) < PART_BYTES:
                return


def _verify_weights(path: Path, meant: WrittenFile, state: Tensors) -> None:
    """Reads the weights back: the hash, every name and shape that peft asks for, every value, and that it is finite."""
    import torch
    from safetensors import safe_open

    if path.stat().st_size != meant.bytes or sha256_file(path, from_disk=True) != meant.sha256:
        raise OSError(f"{path.name} was not written as intended")
    if not state:
        raise ValueError("The adapter has no weights")
    with safe_open(str(path), framework="pt") as opened:
        names: list[str] = list(opened.keys())
        if set(names) != set(state):
            raise ValueError("The adapter's file does not hold the weights that it should")
        for name in names:
            read: torch.Tensor = opened.get_tensor(name)
            expected = state[name].detach().to("cpu")
            if read.dtype != expected.dtype or not torch.equal(read, expected):
                raise ValueError(f"{name} is not a finite number everywhere, or was not written as intended")
            if not bool(read.isfinite().all()):
                raise ValueError(f"{name} holds a value that is not a finite number")


def _verify_parts(parts: Path, described: list[WrittenFile], listed: list[dict[str, Any]]) -> None:
    """Reads every part back from the disk, and checks that together they are the files."""
    import hashlib

    for file in described:
        digest, offset = hashlib.sha256(), 0
        for part in (part for part in listed if part["file"] == file.name):
            path = parts / str(part["key"]).split("/", 1)[1]
            data = path.read_bytes()
            if part["offset"] != offset or len(data) != part["bytes"] or sha256_bytes(data) != part["sha256"]:
                raise OSError(f"{part['key']} was not written as intended")
            digest.update(data)
            offset += len(data)
        if offset != file.bytes or digest.hexdigest() != file.sha256:
            raise OSError(f"The parts of {file.name} do not add up to it")
