"""Files of the volume for the app: one piece, a list of names, events after a number, the mark of a stopped run."""

import base64
import contextlib
import errno
import gzip
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from protocol import RunFailure, is_event
from run.event_segments import parsed, segments
from storage import sha256_bytes
from worker.stop_mark import write_stop_mark

MAX_LISTED = 1000
# An answer much larger than this would be refused by the job platform.
_MAX_EVENT_BYTES = 1 << 20
_SAMPLE_BYTES = 64 * 1024
_WORTH_PACKING = 0.9
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_AGAIN = "Look at what is on the volume, then try again."


def get_piece(volume: Path, job: dict[str, Any]) -> dict[str, Any]:
    """One piece of a file with its hash, packed where that makes it smaller."""
    key, offset = str(job["key"]), int(job["offset"])
    with open_key(volume, key) as file:
        total = os.fstat(file.fileno()).st_size
        file.seek(min(offset, total))
        data = file.read(int(job["max_bytes"]))
    is_packed = len(gzip.compress(data[:_SAMPLE_BYTES], 1)) < _WORTH_PACKING * len(data[:_SAMPLE_BYTES])
    sent = gzip.compress(data, 6, mtime=0) if is_packed else data
    return {
        "v": 1,
        "key": key,
        "offset": offset,
        "bytes": len(data),
        "total_bytes": total,
        "sha256": sha256_bytes(data),
        "encoding": "gzip" if is_packed else "identity",
        "data": base64.b64encode(sent).decode("ascii"),
    }


def list_files(volume: Path, job: dict[str, Any]) -> dict[str, Any]:
    """Names and sizes below a folder, in order, at most MAX_LISTED; links are not followed."""
    prefix = str(job["prefix"])
    files: list[dict[str, Any]] = []
    for key, facts in _walk(_inside(volume, prefix), prefix):
        if len(files) == MAX_LISTED:
            return {"v": 1, "files": files, "is_truncated": True}
        files.append({"key": key, "bytes": facts.st_size, "modified_ms": max(0, facts.st_mtime_ns // 1_000_000)})
    return {"v": 1, "files": files, "is_truncated": False}


def read_run_events(volume: Path, job: dict[str, Any]) -> dict[str, Any]:
    """The events of a run after a number, as many as were asked for and fit into one answer."""
    run_id, after = str(job["run_id"]).lower(), int(job["after_seq"])
    folder = _inside(volume, f"runs/{run_id}")
    if not folder.is_dir():
        raise RunFailure("NOT_FOUND", f"Run {run_id} is not on the volume of this worker.", _AGAIN)
    events: list[dict[str, Any]] = []
    room = _MAX_EVENT_BYTES
    for line in _event_lines(segments(folder / "events"), after):
        event = _event(line)
        if event is None or event["seq"] <= after:
            continue
        if len(events) == int(job["max_events"]) or (events and len(line) > room):
            return {"v": 1, "run_id": run_id, "events": events, "has_more": True}
        events.append(event)
        room -= len(line)
    return {"v": 1, "run_id": run_id, "events": events, "has_more": False}


def mark_stop(volume: Path, job: dict[str, Any]) -> dict[str, Any]:
    """Leaves the word that the user stopped a run, before any later dispatch of it looks."""
    run_id = str(job["run_id"]).lower()
    write_stop_mark(_inside(volume, f"runs/{run_id}"))
    return {"v": 1, "run_id": run_id}


def open_key(volume: Path, key: str) -> BinaryIO:
    """Opens a plain file of the volume by its key; nothing that a link could lead out of it."""
    path = _inside(volume, key)
    # Without O_NONBLOCK a named pipe would be waited for.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.ENXIO):
            raise _absent(key) from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _absent(key)
    return os.fdopen(descriptor, "rb")


def _inside(volume: Path, key: str) -> Path:
    """Where a key lies; refuses one that leaves the volume, also through a link on the way."""
    if not all(_NAME.match(name) for name in key.split("/")):
        raise _absent(key)
    root = volume.resolve()
    path = root.joinpath(*key.split("/"))
    if path.resolve() != path:
        raise RunFailure("NOT_FOUND", f"{key} leads through a link, and links are not followed.", "Replace the link by the file itself.")
    return path


def _absent(key: str) -> RunFailure:
    return RunFailure("NOT_FOUND", f"{key} is not a file on the volume of this worker.", _AGAIN)


def _walk(folder: Path, key: str) -> Iterator[tuple[str, os.stat_result]]:
    try:
        facts = folder.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return
    if stat.S_ISREG(facts.st_mode):
        yield key, facts
    elif stat.S_ISDIR(facts.st_mode):
        with contextlib.suppress(FileNotFoundError):
            for entry in sorted(folder.iterdir()):
                if _NAME.match(entry.name):
                    yield from _walk(entry, f"{key}/{entry.name}")


def _event_lines(files: list[Path], after: int) -> Iterator[bytes]:
    """Whole lines from the first segment that can hold a later number; a torn last line is left for the next time."""
    for segment, following in zip(files, [*files[1:], None], strict=True):
        if following is not None and 0 < _first_seq(following) <= after + 1:
            continue
        yield from segment.read_bytes().split(b"\n")[:-1]


def _first_seq(segment: Path) -> int:
    with open(segment, "rb") as file:
        event = parsed(file.readline())
    return int(event["seq"]) if event else 0


def _event(line: bytes) -> dict[str, Any] | None:
    """An event of the contract; a line of a trainer that knew other kinds is none."""
    event = parsed(line)
    return event if event is not None and is_event(event) else None
