"""Receives a training file in pieces: resumable, repeatable, and only ever visible whole and verified."""

import base64
import binascii
import os
import time
import zlib
from pathlib import Path
from typing import Any, BinaryIO

from protocol import InputError, RunFailure
from storage import free_bytes, is_disk_full, sha256_file, sync_directory
from worker.lease import exclusive

# A piece holds at most about 7 MB packed; text that unpacks to more than this is no training data.
MAX_PIECE_BYTES = 64 << 20
_SPARE_BYTES = 16 << 20
_LOCK_SECONDS = 60.0
_GZIP = 31
_RESEND = "Send the piece again."


def put_piece(volume: Path, job: dict[str, Any]) -> dict[str, Any]:
    """Takes one piece; answers how many bytes lie there, so that the app knows where to go on."""
    key, sha256, total = str(job["key"]), str(job["sha256"]), int(job["total_bytes"])
    if key != f"datasets/{sha256}.jsonl":
        raise InputError("input.key", f"datasets/{sha256}.jsonl", key)
    offset = int(job["offset"])
    data = _unpack(str(job["data"]), str(job["encoding"]), max(0, total - offset))
    target = volume / "datasets" / f"{sha256}.jsonl"
    part = target.parent / ".uploads" / f"{sha256}.part"
    part.parent.mkdir(parents=True, exist_ok=True)
    received = _Upload(target, part, total, sha256).take(offset, data)
    return {"v": 1, "key": key, "received_bytes": received, "is_complete": target.is_file()}


class _Upload:
    """One training file on its way; a lock keeps two jobs with the same file from mixing their bytes."""

    def __init__(self, target: Path, part: Path, total: int, sha256: str) -> None:
        self._target = target
        self._part = part
        self._total = total
        self._sha256 = sha256

    def take(self, offset: int, data: bytes) -> int:
        """Adds a piece and, with the last one, verifies the file and names it; returns how many bytes there are."""
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            with exclusive(self._part.with_suffix(".lock")) as lock:
                if lock is not None:
                    received = self._add(offset, data)
                    if received == self._total:
                        self._part.with_suffix(".lock").unlink(missing_ok=True)
                    return received
            if time.monotonic() > deadline:
                raise RunFailure("INTERNAL", "Another job is writing the same training file.", "Wait a minute, then send the piece again.")
            time.sleep(0.05)

    def _add(self, offset: int, data: bytes) -> int:
        if self._is_there(offset):
            return self._total
        with open(self._part, "ab") as file:
            received = min(file.tell(), self._total)
            if offset <= received and offset + len(data) > received:
                received = self._append(file, received, data[received - offset :])
        if received == self._total:
            self._finish()
        return received

    def _is_there(self, offset: int) -> bool:
        """Whether the whole file has arrived before; a copy that has been damaged since makes room for a new one."""
        if not self._target.is_file():
            return False
        size = self._target.stat().st_size
        if size == self._total and offset > 0:
            return True
        if sha256_file(self._target) != self._sha256:
            self._target.unlink()
            return False
        if size != self._total:
            raise InputError("input.total_bytes", f"{size}, which is what this hash stands for", self._total, _RESEND)
        return True

    def _append(self, file: BinaryIO, received: int, data: bytes) -> int:
        if received > 0 and file.tell() > received:
            file.truncate(received)
        free = free_bytes(self._part.parent)
        if free is not None and free < self._total - received + _SPARE_BYTES:
            raise _disk_full(self._total - received, free)
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        except OSError as error:
            if is_disk_full(error):
                os.truncate(self._part, received)
                raise _disk_full(self._total - received, None) from error
            raise
        return received + len(data)

    def _finish(self) -> None:
        if sha256_file(self._part) != self._sha256:
            self._part.unlink()
            message = "The training file that arrived is not the one that was announced: its hash differs."
            raise RunFailure("DATASET_MISMATCH", message, "Send it again from the beginning.")
        os.replace(self._part, self._target)
        sync_directory(self._target.parent)


def _disk_full(needed: int, free: int | None) -> RunFailure:
    left = "no space is" if free is None else f"{free / 1e6:.1f} MB are"
    message = f"The training file needs {needed / 1e6:.1f} MB more; {left} left on the volume."
    return RunFailure("DISK_FULL", message, "Free some space or enlarge the volume, then send it again.")


def _unpack(text: str, encoding: str, room: int) -> bytes:
    """The bytes of a piece; never unpacks more than the file still lacks, nor more than a piece may hold."""
    limit = min(room, MAX_PIECE_BYTES)
    try:
        sent = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise InputError("input.data", "base64", text, _RESEND) from error
    if encoding == "identity":
        data, is_whole = sent, True
    else:
        data, is_whole = _inflate(sent, limit + 1)
    if len(data) > limit:
        raise InputError("input.data", f"at most {limit} bytes at this offset", "more", _RESEND)
    if not is_whole:
        raise InputError("input.data", "one whole gzip stream", "a damaged one", _RESEND)
    return data


def _inflate(packed: bytes, limit: int) -> tuple[bytes, bool]:
    stream = zlib.decompressobj(_GZIP)
    try:
        data = stream.decompress(packed, limit)
    except zlib.error:
        return b"", False
    return data, stream.eof and not stream.unused_data
