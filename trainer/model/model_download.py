"""Downloads a model into a folder beside the cache: room, several files at once, progress, and plain words for what fails."""

import contextlib
import json
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from model.background import in_background
from model.cached_models import clear_unfinished, reuse_damaged, unfinished_folder
from model.download_lock import DownloadLock
from model.hub_files import PART_SUFFIX, HubModel, NotAHub, Transfer, fetch_file, hub_host, list_model
from protocol import BaseModelRef, RunFailure
from storage import free_bytes, is_disk_full

_FILES_AT_ONCE = 8
_REPORT_SECONDS = 2.0
# Beyond the model itself: what a run writes, and file systems' own needs.
_SPARE_SHARE, _SPARE_BYTES = 0.05, 256 << 20


class DownloadStopped(Exception):
    """The download ended because the run is to end; the next one goes on from there."""


class LockLost(Exception):
    """Another worker took the download over."""


@dataclass(frozen=True)
class Order:
    """What is to be downloaded, who is told how far it is, and who may call it off."""

    reference: BaseModelRef
    folder: Path
    on_stage: Callable[..., object]
    is_stopped: Callable[[], bool]


@dataclass(frozen=True)
class Download:
    """A complete download, not yet part of the cache."""

    building: Path
    origin: dict[str, object]
    sha256: dict[str, str]


def download_model(order: Order, lock: DownloadLock) -> Download:
    """Fetches a Hugging Face model; raises a RunFailure the user can act on, DownloadStopped, or LockLost."""
    name = order.reference.name
    try:
        model = _list(order, lock)
        _require_trainable(model)
        building = unfinished_folder(order.folder, model.commit)
        reuse_damaged(order.folder, building, model.commit, PART_SUFFIX)
        clear_unfinished(order.folder, building)
        building.mkdir(parents=True, exist_ok=True)
        _require_room(building, model)
        transfer = Transfer(building)
        try:
            _fetch(order, lock, model, transfer)
        except OSError as error:
            if is_disk_full(error):
                _give_room_back(building)
            raise
    except (RunFailure, DownloadStopped, LockLost):
        raise
    except Exception as error:
        failure = explain(name, order.reference.revision, error)
        if failure is None:
            raise
        raise failure from error
    _drop_strangers(building, model)
    return Download(building, {"source": f"huggingface:{name}@{model.commit}", "commit": model.commit}, transfer.sha256)


def _list(order: Order, lock: DownloadLock) -> HubModel:
    found: list[HubModel] = []
    is_called_off = threading.Event()
    order.on_stage(detail=f"Looking up {order.reference.name}")

    def ask() -> None:
        found.append(list_model(order.reference.name, order.reference.revision, is_called_off))

    in_background([ask], 1, is_called_off, lambda: _keep_on(order, lock))
    return found[0]


def _fetch(order: Order, lock: DownloadLock, model: HubModel, transfer: Transfer) -> None:
    total, last = sum(file.bytes for file in model.files), time.monotonic()

    def report() -> None:
        order.on_stage(detail=f"Downloading {model.name}", done=min(transfer.done, total), total=total, unit="bytes")

    def watch() -> None:
        nonlocal last
        _keep_on(order, lock)
        if time.monotonic() - last >= _REPORT_SECONDS:
            last = time.monotonic()
            report()

    # The large ones first, so that no thread is left alone with one at the end.
    files = sorted(model.files, key=lambda file: file.bytes, reverse=True)
    in_background([partial(fetch_file, model, file, transfer) for file in files], _FILES_AT_ONCE, transfer.is_called_off, watch)
    report()


def _keep_on(order: Order, lock: DownloadLock) -> None:
    if order.is_stopped():
        raise DownloadStopped
    if not lock.is_held:
        raise LockLost


def _require_trainable(model: HubModel) -> None:
    names = {file.name for file in model.files}
    if not any(name.endswith(".safetensors") for name in names):
        message = f"{model.name} has no safetensors weights."
        raise RunFailure("MODEL_NOT_FOUND", message, "Choose a model that is published as safetensors.")
    if "config.json" not in names:
        message = f"{model.name} holds no config.json, so it is not a whole model; it may be an adapter."
        raise RunFailure("MODEL_NOT_FOUND", message, "Choose the base model that it belongs to.")


def _require_room(building: Path, model: HubModel) -> None:
    there = sum(path.stat().st_size for path in building.iterdir() if path.is_file())
    missing = max(0, sum(file.bytes for file in model.files) - there)
    free = free_bytes(building)
    if missing and free is not None and free < missing * (1 + _SPARE_SHARE) + _SPARE_BYTES:
        message = f"The base model needs {missing / 1e9:.1f} GB; {free / 1e9:.1f} GB are free on the volume."
        raise RunFailure("DISK_FULL", message, "Free some space or enlarge the volume, then start the run again.")


def _give_room_back(building: Path) -> None:
    """On a full volume, pieces make room for what else has to be written there; whole files stay."""
    with contextlib.suppress(OSError):
        for path in building.glob(f"*{PART_SUFFIX}"):
            path.unlink(missing_ok=True)


def _drop_strangers(building: Path, model: HubModel) -> None:
    """Leaves only the files of this commit, should a damaged model have brought others along."""
    names = {file.name for file in model.files}
    for path in building.iterdir():
        if path.name not in names:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def explain(name: str, revision: str | None, error: Exception) -> RunFailure | None:
    """What to tell the user when the Hub gives no model; None for errors of another kind."""
    import httpx
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    hub = hub_host()
    if isinstance(error, GatedRepoError):
        advice = f"Accept its licence on {hub} and give the worker a token (HF_TOKEN), then start the run again."
        return RunFailure("MODEL_GATED", f"{name} may be used only after its licence was accepted.", advice)
    if isinstance(error, RevisionNotFoundError):
        message = f"{name} has no revision {revision!r} on {hub}."
        return RunFailure("MODEL_NOT_FOUND", message, "Check the revision's name, or leave it empty for the newest one.")
    if isinstance(error, (RepositoryNotFoundError, HFValidationError)):
        advice = "Check the spelling, or choose a local folder. A private model needs a token (HF_TOKEN) that may read it."
        return RunFailure("MODEL_NOT_FOUND", f"{name} was not found on {hub}.", advice)
    if isinstance(error, OfflineModeIsEnabled):
        message = f"{name} is not on this worker, and HF_HUB_OFFLINE forbids it to fetch models."
        return RunFailure("MODEL_NOT_FOUND", message, "Choose a model that is on the volume, or unset HF_HUB_OFFLINE.")
    if isinstance(error, HfHubHTTPError):
        return _explain_status(name, hub, error.response.status_code if error.response is not None else 0)
    if isinstance(error, (NotAHub, json.JSONDecodeError)):
        message = f"What answered as {hub} is no model hub: {error}."
        return RunFailure(
            "MODEL_NOT_FOUND", message, "A proxy or a login page may be in between. Check the worker's network and HF_ENDPOINT."
        )
    if isinstance(error, httpx.HTTPError):
        message = f"{name} is not on this worker and {hub} could not be reached."
        return RunFailure("MODEL_NOT_FOUND", message, "Check the network connection, or choose a local folder.")
    return None


def _explain_status(name: str, hub: str, status: int) -> RunFailure:
    if status in (401, 403):
        advice = f"Give the worker a token (HF_TOKEN) of {hub} that may read this model, then start the run again."
        return RunFailure("MODEL_GATED", f"{hub} does not let this worker read {name} ({status}).", advice)
    if status == 404:
        return RunFailure("MODEL_NOT_FOUND", f"{name} was not found on {hub}.", "Check the spelling, or choose a local folder.")
    advice = "Start the run again in a few minutes; what has arrived is kept."
    return RunFailure("MODEL_NOT_FOUND", f"{hub} did not deliver {name}: it answered with status {status}.", advice)
