"""One worker at a time fetches a model onto a volume that several workers may share.

The volume may be a network file system without file locks, and its hosts' clocks may differ. So a lock is a file that is
created once, its holder rewrites it every few seconds, and it counts as left behind when it does not change while we
watch. Two holders at once, which a stalled volume can bring about for seconds, write the same bytes to the same places.
"""

import contextlib
import json
import os
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from process_identity import lives_on_this_host, own_process
from storage import read_json

BEAT_SECONDS = 5.0
STALE_SECONDS = 40.0
# A holder that could not renew for so long stops writing, well before anybody takes over.
_FENCE_SECONDS = 20.0
_CONFIRM_SECONDS = 0.3


class DownloadLock:
    """The right to fetch one model; renewed on a thread until it is left."""

    def __init__(self, path: Path, record: dict[str, Any]) -> None:
        self._path, self._record = path, record
        self._renewed = time.monotonic()
        self._is_lost = False
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="download-lock", daemon=True)

    def __enter__(self) -> "DownloadLock":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        # Not for ever: a stalled volume may keep it.
        self._thread.join(_FENCE_SECONDS)
        with contextlib.suppress(OSError):
            if _nonce(read_json(self._path)) == self._record["nonce"]:
                self._path.unlink(missing_ok=True)

    @property
    def is_held(self) -> bool:
        """False once another worker took over, or may soon do so."""
        return not self._is_lost and time.monotonic() - self._renewed < _FENCE_SECONDS

    def _beat(self) -> None:
        while not self._left.wait(BEAT_SECONDS):
            try:
                if _nonce(read_json(self._path)) != self._record["nonce"]:
                    self._is_lost = True
                    return
                self._record["beat"] += 1
                _write(self._path, self._record)
                self._renewed = time.monotonic()
            except OSError:
                # A volume that stalls for a moment; if it goes on, the fence ends the download.
                continue


@dataclass
class LockWatch:
    """Tries to take a model's lock, again and again, remembering since when its holder shows no life."""

    path: Path
    _seen: str | None = None
    _since: float = 0.0

    def take(self) -> DownloadLock | None:
        """The lock when it is free or its holder is gone; None while somebody may hold it."""
        record = {"nonce": uuid.uuid4().hex, "beat": 0, **own_process()}
        try:
            with open(self.path, "x", encoding="utf-8") as file:
                json.dump(record, file)
            return DownloadLock(self.path, record)
        except FileExistsError:
            if not self._is_left_behind():
                return None
        _write(self.path, record)
        # Somebody else may have found it left behind at the same moment: the last one to write has it.
        time.sleep(_CONFIRM_SECONDS)
        return DownloadLock(self.path, record) if _nonce(read_json(self.path)) == record["nonce"] else None

    def _is_left_behind(self) -> bool:
        record = read_json(self.path)
        if isinstance(record, dict) and lives_on_this_host(record) is False:
            return True
        now, seen = time.monotonic(), json.dumps(record)
        if seen != self._seen:
            self._seen, self._since = seen, now
        return now - self._since >= STALE_SECONDS


def _write(path: Path, record: dict[str, Any]) -> None:
    """Replaces the lock's file; its temporary name is not made from the process's number, which two containers may share."""
    temporary = path.with_name(f"{path.name}-{record['nonce']}")
    temporary.write_text(json.dumps(record), encoding="utf-8")
    os.replace(temporary, path)


def _nonce(record: Any) -> object:
    return record.get("nonce") if isinstance(record, dict) else None
