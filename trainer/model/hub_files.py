"""A model's files on the Hugging Face Hub: listed with their hashes, fetched from where they broke off, checked."""

import hashlib
import json
import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from protocol import RunFailure
from storage import sha256_file, sync_file

PART_SUFFIX = ".part"
_WANTED = ("*.safetensors", "*.json", "*.jinja", "*.txt", "tokenizer.model")
_UNWANTED = ("consolidated*", ".*", "tunesmith-*")
_CHUNK_BYTES = 256 << 10
_CONNECT_SECONDS = 15.0
_READ_SECONDS = 30.0
# Seconds to wait before each further try; a connection that brought new bytes starts them over.
_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0)
_LISTING_PAUSES = (1.0, 3.0)
_BUSY = (408, 425, 429, 500, 502, 503, 504)
_PAST_END = 416
_GIT_OBJECT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class NotAHub(ValueError):
    """Something answered that is no model hub: a login page, a proxy."""


class CalledOff(Exception):
    """The transfer was called off; what has arrived stays for the next one."""


@dataclass(frozen=True)
class HubFile:
    """One file of a model: its name, its bytes, and the hash the Hub gives for it."""

    name: str
    bytes: int
    sha256: str | None
    git_object: str | None


@dataclass(frozen=True)
class HubModel:
    """The files of a model at one commit that training needs."""

    name: str
    commit: str
    files: tuple[HubFile, ...]


@dataclass
class Transfer:
    """Downloads into one folder that can be called off; counts what has arrived."""

    folder: Path
    is_called_off: threading.Event = field(default_factory=threading.Event)
    arrived: dict[str, int] = field(default_factory=dict)
    sha256: dict[str, str] = field(default_factory=dict)

    @property
    def done(self) -> int:
        """Bytes that have arrived, those of earlier attempts included."""
        return sum(list(self.arrived.values()))


def hub_host() -> str:
    """The Hub's name in messages."""
    return _endpoint().split("://", 1)[-1]


def _endpoint() -> str:
    """The Hub's address: HF_ENDPOINT where the worker's owner set one."""
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def list_model(name: str, revision: str | None, is_called_off: threading.Event) -> HubModel:
    """Asks the Hub for a model's commit, files, sizes and hashes."""
    import huggingface_hub

    hub = huggingface_hub.HfApi(endpoint=_endpoint())
    patience = _Patience(_LISTING_PAUSES, is_called_off)
    while True:
        try:
            info = hub.model_info(name, revision=revision, files_metadata=True, timeout=_READ_SECONDS)
            break
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
            raise NotAHub(f"the answer about {name} is no description of a model") from error
        except Exception as error:
            if not (_may_pass(error) and patience.wait()):
                raise
    if not isinstance(info.sha, str) or not _GIT_OBJECT.fullmatch(info.sha):
        raise NotAHub(f"the answer about {name} names no commit")
    return HubModel(name, info.sha, tuple(_described(file) for file in info.siblings or [] if _is_wanted(str(file.rfilename))))


def _is_wanted(name: str) -> bool:
    # Only files of the top folder: others are copies for other programs, and a path could lead elsewhere.
    if any(mark in name for mark in "/\\:") or any(fnmatchcase(name, unwanted) for unwanted in _UNWANTED):
        return False
    return any(fnmatchcase(name, wanted) for wanted in _WANTED)


def _described(file: Any) -> HubFile:
    name = str(file.rfilename)
    if not isinstance(file.size, int):
        raise NotAHub(f"the answer does not say how large {name} is")
    sha256 = str(file.lfs.sha256) if file.lfs else ""
    # For a file in large-file storage the git object is its pointer, not its content.
    git_object = "" if file.lfs else str(file.blob_id or "")
    return HubFile(
        name,
        file.size,
        sha256 if _SHA256.fullmatch(sha256) else None,
        git_object if _GIT_OBJECT.fullmatch(git_object) else None,
    )


def fetch_file(model: HubModel, file: HubFile, transfer: Transfer) -> None:
    """Brings one file, whole and checked, into the transfer's folder; a wrong one is deleted and fetched once more."""
    final = transfer.folder / file.name
    if final.is_file() and final.stat().st_size == file.bytes:
        transfer.sha256[file.name] = file.sha256 or sha256_file(final)
        transfer.arrived[file.name] = file.bytes
        return
    part = final.with_name(f"{final.name}{PART_SUFFIX}")
    for _ in range(2):
        hashes = _receive(model, file, part, transfer)
        if hashes is not None and hashes.fit(file):
            sync_file(part)
            os.replace(part, final)
            transfer.sha256[file.name] = hashes.sha256.hexdigest()
            return
        part.unlink(missing_ok=True)
        transfer.arrived[file.name] = 0
    message = f"{file.name} of {model.name} arrived twice with content that is not what {hub_host()} says it is."
    advice = "Start the run again. If it happens again, something on the network changes downloads: use another connection."
    raise RunFailure("MODEL_NOT_FOUND", message, advice)


class _Hashes:
    """What identifies a file's content, computed as it passes by."""

    def __init__(self, size: int) -> None:
        self.sha256 = hashlib.sha256()
        # Git's own name of a file that is not in large-file storage: an identity, not a protection.
        self._git = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)

    def update(self, data: bytes) -> None:
        self.sha256.update(data)
        self._git.update(data)

    def fit(self, file: HubFile) -> bool:
        if file.sha256 is not None:
            return self.sha256.hexdigest() == file.sha256
        return file.git_object is None or self._git.hexdigest() == file.git_object


def _receive(model: HubModel, file: HubFile, part: Path, transfer: Transfer) -> _Hashes | None:
    """Writes what is missing of a file; its hashes, or None when it came in another length.

    Every byte is written at its own place, never appended: should two workers ever write the same part, they write the same.
    """
    if part.is_file() and part.stat().st_size > file.bytes:
        part.unlink()
    hashes, offset = _Hashes(file.bytes), 0
    patience = _Patience(_PAUSES, transfer.is_called_off)
    with open(part, "r+b" if part.exists() else "w+b") as target:
        while data := target.read(_CHUNK_BYTES):
            _go_on(transfer)
            hashes.update(data)
            offset = transfer.arrived[file.name] = offset + len(data)
        while offset < file.bytes:
            try:
                for place, data in _stream(model, file, offset):
                    _go_on(transfer)
                    if place != offset:
                        # The server starts from the beginning although only the rest was asked for.
                        hashes = _Hashes(file.bytes)
                    if place + len(data) > file.bytes:
                        return None
                    target.seek(place)
                    target.write(data)
                    hashes.update(data)
                    offset = transfer.arrived[file.name] = place + len(data)
                    patience.renew()
            except Exception as error:
                if _status(error) == _PAST_END:
                    return None
                if not (_may_pass(error) and patience.wait()):
                    raise
            else:
                if offset < file.bytes and not patience.wait():
                    return None
    return hashes


def _stream(model: HubModel, file: HubFile, offset: int) -> Iterator[tuple[int, bytes]]:
    """Pieces of a file from an offset on, each with its place."""
    import httpx
    import huggingface_hub
    from huggingface_hub.utils import build_hf_headers, hf_raise_for_status

    url = huggingface_hub.hf_hub_url(model.name, file.name, revision=model.commit, endpoint=_endpoint())
    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    timeout = httpx.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS)
    with huggingface_hub.get_session().stream("GET", url, headers=headers, timeout=timeout, follow_redirects=True) as response:
        if response.status_code >= 400:
            response.read()
            hf_raise_for_status(response)
        is_rest = response.status_code == 206
        if is_rest and not response.headers.get("Content-Range", "").startswith(f"bytes {offset}-"):
            raise httpx.RemoteProtocolError("another part of the file came than the one asked for")
        place = offset if is_rest else 0
        for data in response.iter_bytes(_CHUNK_BYTES):
            yield place, data
            place += len(data)


def _go_on(transfer: Transfer) -> None:
    if transfer.is_called_off.is_set():
        raise CalledOff


class _Patience:
    """Waits longer before each further try, and gives up after the last."""

    def __init__(self, pauses: tuple[float, ...], is_called_off: threading.Event) -> None:
        self._pauses, self._is_called_off, self._tries = pauses, is_called_off, 0

    def renew(self) -> None:
        self._tries = 0

    def wait(self) -> bool:
        if self._tries == len(self._pauses):
            return False
        if self._is_called_off.wait(self._pauses[self._tries]):
            raise CalledOff
        self._tries += 1
        return True


def _status(error: Exception) -> int | None:
    from huggingface_hub.errors import HfHubHTTPError

    return int(error.response.status_code) if isinstance(error, HfHubHTTPError) and error.response is not None else None


def _may_pass(error: Exception) -> bool:
    """Whether asking again may help: the network failed, or the Hub is busy."""
    import httpx

    return _status(error) in _BUSY or (isinstance(error, httpx.TransportError) and not isinstance(error, httpx.UnsupportedProtocol))
