"""Durable small writes: temporary name, fsync, rename; hashes; canonical JSON; volumes that cannot be written."""

import contextlib
import errno
import hashlib
import json
import math
import os
import shutil
import uuid
from pathlib import Path
from typing import Any

from protocol import RunFailure

_CHUNK_BYTES = 4 << 20


def write_bytes(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Replaces `path` atomically: a reader sees the old content or the new, never a part.

    Without `durable` a power cut may undo it; that is for files that are only a hint.
    """
    temporary = path.with_name(f"{path.name}.tmp-{os.getpid()}")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    if durable:
        sync_directory(path.parent)


def write_json(path: Path, value: Any, *, durable: bool = True) -> None:
    """Replaces a JSON file atomically."""
    write_bytes(path, json.dumps(value, ensure_ascii=False, indent=1).encode(), durable=durable)


def read_json(path: Path) -> Any:
    """The content of a JSON file, or None when it is absent or not JSON."""
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError, RecursionError):
        return None


def sync_directory(path: Path) -> None:
    """Makes a rename durable where the system allows opening a directory."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def sync_file(path: Path) -> None:
    """Flushes a file that a library wrote for us."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _forget_cached(descriptor: int) -> None:
    """Lets the system read a synced file from the disk again, where it can be asked to."""
    if hasattr(os, "posix_fadvise"):
        with contextlib.suppress(OSError):
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def sha256_bytes(data: bytes) -> str:
    """Lower-case hexadecimal SHA-256 of bytes."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path, *, from_disk: bool = False) -> str:
    """Lower-case hexadecimal SHA-256 of a file, read in pieces; `from_disk` asks for the disk's copy, not the memory's."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        if from_disk:
            _forget_cached(file.fileno())
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def canonical_json(value: Any) -> bytes:
    """RFC 8785 form (sorted keys, ECMAScript numbers), so that the app computes the same hash."""
    return _canonical(value).encode()


def _canonical(value: Any) -> str:
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{_canonical(key)}:{_canonical(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_canonical(item) for item in value) + "]"
    if isinstance(value, float):
        return _ecmascript_number(value)
    return json.dumps(value, ensure_ascii=False)


def _ecmascript_number(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError("JSON has no number for infinity or NaN")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{tail}e{'+' if point > 0 else '-'}{abs(point - 1)}"


def is_disk_full(error: BaseException) -> bool:
    """True for 'no space left', 'quota exceeded' and 'file too large for its limit'."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def is_read_only(error: BaseException) -> bool:
    """True for 'read-only file system' and for a folder that this process may not write to."""
    return isinstance(error, OSError) and error.errno in (errno.EROFS, errno.EACCES, errno.EPERM)


def volume_failure(error: BaseException) -> RunFailure | None:
    """What to tell the user when the volume is full or read-only; None for any other error."""
    if is_disk_full(error):
        message = "The volume is full, so the run's files could not be written."
        return RunFailure("DISK_FULL", message, "Free some space or enlarge the volume, then start the run again.")
    if is_read_only(error):
        message = "The volume can be read but not written, so the run's files could not be saved."
        advice = "Give the worker write access to the volume (attach it without 'read-only'), then start the run again."
        return RunFailure("VOLUME_READ_ONLY", message, advice)
    return None


def require_writable(folder: Path) -> None:
    """Makes the folder and proves that it takes a file; a RunFailure says what is wrong with it."""
    probe = folder / f"probe.tmp-{uuid.uuid4().hex}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with open(probe, "wb") as file:
            file.write(b"tunesmith")
            file.flush()
            os.fsync(file.fileno())
        probe.unlink()
    except OSError as error:
        with contextlib.suppress(OSError):
            probe.unlink(missing_ok=True)
        failure = volume_failure(error)
        if failure is None:
            raise
        raise failure from error


def free_bytes(folder: Path) -> int | None:
    """Free bytes of the volume a folder is on; None where the system does not say."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return None
    # Some network volumes report a size of zero, which means that they do not know.
    return usage.free if usage.total > 0 else None
