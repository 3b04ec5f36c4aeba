"""One trainer per run: a lease file with heartbeats between workers, a file lock between processes."""

import contextlib
import os
import socket
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from status_manager import last_attempt
from storage import read_json, write_json

HEARTBEAT_SECONDS = 5.0
STALE_SECONDS = 30.0


class LeaseLost(Exception):
    """Another worker took the run over; this one must stop at once and write nothing more."""


class Lease:
    """The right to train one run, held by a worker until it is released or goes stale."""

    def __init__(self, path: Path, record: dict[str, Any]) -> None:
        self._path = path
        self._record = record

    @property
    def attempt(self) -> int:
        """Which attempt at the run this is, from 1."""
        return int(self._record["attempt"])

    def next_attempt(self) -> int:
        """Counts a further attempt by the same worker."""
        self._record["attempt"] = self.attempt + 1
        self.renew()
        return self.attempt

    def renew(self) -> None:
        """Shows that the holder lives; raises LeaseLost when the lease is no longer ours."""
        current = read_json(self._path)
        if not isinstance(current, dict) or current.get("nonce") != self._record["nonce"]:
            raise LeaseLost(f"The lease of {self._path.parent.name} belongs to another worker")
        self._record["heartbeatMs"] = _now_ms()
        write_json(self._path, self._record)

    def release(self) -> None:
        """Gives the run back; the record stays, since it counts the attempts."""
        self._record["released"] = True
        with contextlib.suppress(LeaseLost, OSError):
            self.renew()


def try_acquire(run_directory: Path, worker_id: str) -> Lease | None:
    """Takes the run's lease when it is free or its holder is gone; None while the holder lives."""
    path = run_directory / "lease.json"
    run_directory.mkdir(parents=True, exist_ok=True)
    with exclusive(run_directory / "lease.lock") as guard:
        if guard is None:
            return None
        current = read_json(path)
        if current is None and path.exists() and time.time() - path.stat().st_mtime < STALE_SECONDS:
            return None
        if isinstance(current, dict) and _is_live(current):
            return None
        if path.exists() and not _set_aside(path, current):
            return None
        past = int(current["attempt"]) if isinstance(current, dict) else 0
        attempt = max(past, last_attempt(run_directory / "events")) + 1
        return _create(path, worker_id, attempt)


def _set_aside(path: Path, seen: Any) -> bool:
    """Removes the stale lease we saw; False, and no harm done, when another worker was quicker."""
    aside = path.with_name(f"lease.stale-{uuid.uuid4().hex}")
    try:
        os.rename(path, aside)
    except FileNotFoundError:
        return False
    taken = read_json(aside)
    if taken != seen and isinstance(taken, dict):
        with contextlib.suppress(FileExistsError, OSError):
            os.link(aside, path)
        aside.unlink(missing_ok=True)
        return False
    aside.unlink(missing_ok=True)
    return True


def _create(path: Path, worker_id: str, attempt: int) -> Lease | None:
    record: dict[str, Any] = {
        "workerId": worker_id,
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "attempt": attempt,
        "heartbeatMs": _now_ms(),
        "nonce": uuid.uuid4().hex,
        "started": process_start(os.getpid()),
        "released": False,
    }
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
    except FileExistsError:
        return None
    write_json(path, record)
    return Lease(path, record)


def _is_live(record: dict[str, Any]) -> bool:
    if record.get("released"):
        return False
    fresh = _now_ms() - int(record.get("heartbeatMs", 0)) < STALE_SECONDS * 1000
    if record.get("host") != socket.gethostname() or os.name == "nt":
        return fresh
    started = process_start(int(record["pid"]))
    if record.get("started") is not None:
        return bool(started == record["started"])
    return fresh and _exists(int(record["pid"]))


def process_start(pid: int) -> str | None:
    """Tells a process from a later one with the same id (Linux); None when unknown or gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except (OSError, IndexError):
        return None
    return None if fields[0] == "Z" else f"{boot}:{fields[19]}"


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[BinaryIO | None]:
    """Holds a lock that the kernel frees when this process dies; yields None when it is taken."""
    with open(path, "ab+") as file:
        if not _lock(file):
            yield None
            return
        try:
            yield file
        finally:
            _unlock(file)


if sys.platform == "win32":
    import msvcrt

    def _lock(file: BinaryIO) -> bool:
        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(file: BinaryIO) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import errno
    import fcntl

    def _lock(file: BinaryIO) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            # Network volumes may have no locks at all; there the lease file alone decides.
            return error.errno in (errno.ENOSYS, errno.ENOTSUP, errno.EINVAL)
        return True

    def _unlock(file: BinaryIO) -> None:
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_UN)
