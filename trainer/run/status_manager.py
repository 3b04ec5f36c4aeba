"""The event log of a run: append-only segments, one sequence over all attempts, and status.json."""

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from storage import sync_directory, write_json

SEGMENT_EVENTS = 512
HEARTBEAT_SECONDS = 8.0
_STATUS_SECONDS = 1.0

Event = dict[str, Any]


def read_events(directory: Path) -> Iterator[Event]:
    """Every whole event of a run in order; a torn last line is not one."""
    for segment in _segments(directory):
        for line in segment.read_bytes().split(b"\n")[:-1]:
            event = _parsed(line)
            if event is not None:
                yield event


class EventLog:
    """Appends events to `events/` and hands each line on; safe to call from several threads."""

    def __init__(self, run_directory: Path, attempt: int, relay: Callable[[bytes], None] | None = None) -> None:
        self._directory = run_directory / "events"
        self._directory.mkdir(parents=True, exist_ok=True)
        self._status_path = run_directory / "status.json"
        self._lock = threading.RLock()
        self._relay = relay
        self._status: dict[str, Any] = {}
        self._status_due = 0.0
        self._stage = "preparing"
        self.attempt = attempt
        self.last_seq, self._in_segment, self._segment_number = self._recover()
        self._file = self._open_segment()
        self._last_emit = time.monotonic()

    def emit(self, kind: str, **fields: Any) -> Event:
        """Records one event; the line is in the file when this returns."""
        with self._lock:
            event: Event = {"seq": self.last_seq + 1, "attempt": self.attempt, "t": time.time_ns() // 1_000_000, "kind": kind, **fields}
            line = json.dumps(event, ensure_ascii=False, allow_nan=False).encode() + b"\n"
            if self._in_segment >= SEGMENT_EVENTS:
                self._next_segment()
            self._file.write(line)
            self._file.flush()
            self.last_seq += 1
            self._in_segment += 1
            self._last_emit = time.monotonic()
            if kind == "stage":
                self._stage = fields["stage"]
            self._note_status(event)
        if self._relay is not None:
            self._relay(line)
        return event

    def log(self, level: str, message: str) -> None:
        """Records a line for the user's log."""
        self.emit("log", level=level, message=message[:2000])

    def heartbeat_if_quiet(self) -> None:
        """Records a heartbeat when nothing else was recorded for a while."""
        with self._lock:
            if time.monotonic() - self._last_emit >= HEARTBEAT_SECONDS:
                self.emit("heartbeat", stage=self._stage)

    def sync(self) -> None:
        """Makes what was recorded survive a power cut."""
        with self._lock:
            os.fsync(self._file.fileno())
            self._write_status(force=True)

    def close(self) -> None:
        """Flushes and closes the current segment."""
        with self._lock:
            if not self._file.closed:
                self.sync()
                self._file.close()

    def _recover(self) -> tuple[int, int, int]:
        """Last sequence number, events in the last segment, its number; drops a torn last line."""
        last_seq, in_segment, number = 0, 0, 0
        for segment in _segments(self._directory):
            data = segment.read_bytes()
            whole = data[: data.rfind(b"\n") + 1]
            while whole and _parsed(whole[:-1].rsplit(b"\n", 1)[-1]) is None:
                whole = whole[: whole[:-1].rfind(b"\n") + 1]
            if len(whole) != len(data):
                with open(segment, "rb+") as file:
                    file.truncate(len(whole))
                    os.fsync(file.fileno())
            lines = whole.split(b"\n")[:-1]
            number, in_segment = _segment_number(segment), len(lines)
            if lines:
                last_seq = max(last_seq, int(json.loads(lines[-1])["seq"]))
        return last_seq, in_segment, number

    def _open_segment(self) -> BinaryIO:
        path = self._directory / f"seg-{self._segment_number:05d}.jsonl"
        file = open(path, "ab", buffering=64 * 1024)
        sync_directory(self._directory)
        return file

    def _next_segment(self) -> None:
        os.fsync(self._file.fileno())
        self._file.close()
        self._segment_number += 1
        self._in_segment = 0
        self._file = self._open_segment()

    def _note_status(self, event: Event) -> None:
        kind = event["kind"]
        if kind == "log":
            event = {**event, "message": event["message"][:300]}
        if kind != "sample":
            self._status[kind] = event
        self._write_status(force=kind in ("stage", "finished", "stopping"))

    def _write_status(self, *, force: bool) -> None:
        now = time.monotonic()
        if not force and now < self._status_due:
            return
        self._status_due = now + _STATUS_SECONDS
        latest = {kind: self._status[kind] for kind in ("stage", "step", "eval", "checkpoint", "finished") if kind in self._status}
        status = {"v": 1, "attempt": self.attempt, "last_seq": self.last_seq, "t": time.time_ns() // 1_000_000, "latest": latest}
        # The log is the record; a status that cannot be written now is written with a later event.
        with contextlib.suppress(OSError):
            write_json(self._status_path, status)


class Heartbeat:
    """Keeps the log from falling silent while a long call runs."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(1.0):
            with contextlib.suppress(OSError, ValueError):
                self._log.heartbeat_if_quiet()


def last_attempt(directory: Path) -> int:
    """The highest attempt that left an event, 0 when there is none."""
    return max((int(event.get("attempt", 0)) for event in read_events(directory)), default=0)


def _segments(directory: Path) -> list[Path]:
    return sorted(directory.glob("seg-*.jsonl"), key=_segment_number)


def _segment_number(path: Path) -> int:
    return int(path.stem.split("-")[1])


def _parsed(line: bytes) -> Event | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get("seq"), int) else None
