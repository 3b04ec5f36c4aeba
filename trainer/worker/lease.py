"""One trainer per run: numbered claims and a heartbeat between workers, a file lock between processes of one host.

No clock is compared with another host's, and no file lock is needed on the volume: a claim is a name that can be
created once (run/attempts.py), and a holder counts as gone when its heartbeat does not change while we watch.
"""

import contextlib
import json
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from process_identity import lives_on_this_host, own_process
from run.attempts import claim_attempt, newest_attempt
from run.status_manager import last_attempt
from storage import read_json, require_writable, write_json

HEARTBEAT_SECONDS = 5.0
STALE_SECONDS = 60.0
Monotonic = Callable[[], float]


class LeaseLost(Exception):
    """Another worker took the run over; this one must stop at once and write nothing more."""


class Lease:
    """The right to train one run, held by a worker until it is released or goes stale."""

    def __init__(self, run_directory: Path, record: dict[str, Any]) -> None:
        self._directory = run_directory
        self._record = record

    @property
    def attempt(self) -> int:
        """Which attempt at the run this is, from 1."""
        return int(self._record["attempt"])

    def next_attempt(self) -> int:
        """Counts a further attempt by the same worker.

        Raises LeaseLost when another worker was given it, and a RunFailure when the volume takes nothing any more.
        """
        require_writable(self._directory)
        self.renew()
        if not claim_attempt(self._directory, self.attempt + 1, json.dumps(self._record)):
            raise self._lost()
        self._record["attempt"] = self.attempt + 1
        self.renew()
        return self.attempt

    def renew(self) -> None:
        """Shows that the holder lives; raises LeaseLost when the lease is no longer ours."""
        if newest_attempt(self._directory) != self.attempt:
            raise self._lost()
        self._record["heartbeatMs"] = time.time_ns() // 1_000_000
        self._record["beat"] = int(self._record["beat"]) + 1
        write_json(self._directory / "lease.json", self._record)

    def release(self) -> None:
        """Gives the run back; the record stays, and the claims count the attempts."""
        self._record["released"] = True
        with contextlib.suppress(LeaseLost, OSError):
            self.renew()

    def _lost(self) -> LeaseLost:
        return LeaseLost(f"The lease of {self._directory.name} belongs to another worker")


@dataclass(frozen=True)
class _Sight:
    """What this process saw of a holder's heartbeat, and since when by its own clock."""

    attempt: int
    beat: str
    since: float


# Kept for the process, so that a worker may ask again and again while it waits for a holder to come back.
_sights: dict[Path, _Sight] = {}


def try_acquire(run_directory: Path, worker_id: str, now: Monotonic = time.monotonic) -> Lease | None:
    """Takes the run's lease when it is free or its holder is gone; None while the holder may live.

    A holder on another host is gone when its heartbeat stays the same for STALE_SECONDS of our own clock, so the
    first call never takes a lease that was not released. A volume that cannot be written is a RunFailure.
    """
    require_writable(run_directory)
    newest = newest_attempt(run_directory)
    if newest > 0 and not _is_free(run_directory, newest, now()):
        return None
    attempt = (newest or last_attempt(run_directory / "events")) + 1
    record: dict[str, Any] = {
        "workerId": worker_id,
        "attempt": attempt,
        "heartbeatMs": time.time_ns() // 1_000_000,
        "beat": 0,
        "nonce": uuid.uuid4().hex,
        **own_process(),
        "released": False,
    }
    if not claim_attempt(run_directory, attempt, json.dumps(record)):
        return None
    lease = Lease(run_directory, record)
    try:
        lease.renew()
    except LeaseLost:
        return None
    _sights.pop(run_directory, None)
    return lease


def _is_free(run_directory: Path, newest: int, now: float) -> bool:
    record = read_json(run_directory / "lease.json")
    # A claim whose holder has not written its record yet, or whose record an older holder wrote over.
    is_known = isinstance(record, dict) and record.get("attempt") == newest
    if is_known and record.get("released") is True:
        return True
    if is_known and (lives := lives_on_this_host(record)) is not None:
        return not lives
    beat = json.dumps(record, sort_keys=True)
    seen = _sights.get(run_directory)
    if seen is None or (seen.attempt, seen.beat) != (newest, beat):
        _sights[run_directory] = _Sight(newest, beat, now)
        return False
    return now - seen.since >= STALE_SECONDS


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
            # Network volumes may have no locks at all; there the claims alone decide.
            return error.errno in (errno.ENOSYS, errno.ENOTSUP, errno.EINVAL)
        return True

    def _unlock(file: BinaryIO) -> None:
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_UN)
