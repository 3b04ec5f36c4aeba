"""The event log of a run: append-only segments, one sequence over all attempts, and status.json."""

import contextlib
import json
import math
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from run.attempts import AttemptSuperseded, require_newest
from run.event_segments import Event, last_attempt, read_events, recover
from run.reserve import free_reserve, keep_reserve
from storage import sync_directory, write_json
from worker.redaction import redacted_event

SEGMENT_EVENTS = 512
HEARTBEAT_SECONDS = 8.0
STATUS_BYTES = 2048
_STATUS_SECONDS = 1.0
_TICK_SECONDS = 1.0
# A process that wrote nothing for this long, although it has a heartbeat, was frozen; its run may be another's by now.
_FROZEN_SECONDS = 3 * HEARTBEAT_SECONDS
_LANDMARKS = frozenset({"stage", "stopping", "finished", "checkpoint", "resumed", "rolled_back"})
_IN_STATUS = ("finished", "stage", "step", "eval", "checkpoint")

__all__ = ["HEARTBEAT_SECONDS", "SEGMENT_EVENTS", "STATUS_BYTES", "Event", "EventLog", "Heartbeat", "last_attempt", "read_events"]


class EventLog:
    """Appends events to `events/` and hands each line on; safe to call from several threads.

    While a Heartbeat runs, lines are handed on by its thread, after they are on the disk: a client can then never
    know more than what a next attempt finds, and the loop waits for neither the disk nor the reader.
    """

    def __init__(self, run_directory: Path, attempt: int, relay: Callable[[bytes], object] | None = None) -> None:
        self._run_directory = run_directory
        self._directory = run_directory / "events"
        self._directory.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._handing_on = threading.RLock()
        self._relay = relay
        self._latest: dict[str, Event] = {}
        self._status_due = 0.0
        self._status_stale = False
        self._stage = "preparing"
        self._unwritten: deque[bytes] = deque()
        self._unsent: list[bytes] = []
        self._is_troubled = False
        self._is_finished = False
        self.is_in_background = False
        self.attention = threading.Event()
        self.attempt = attempt
        self.last_seq, self._in_segment, self._segment_number = recover(self._directory)
        self._file, self._size = self._open_segment(self._segment_number)
        self._last_emit = time.monotonic()
        keep_reserve(run_directory)

    def emit(self, kind: str, **fields: Any) -> Event:
        """Records one event; the line is in the file, or kept until the volume takes it, when this returns."""
        with self._lock:
            if kind in _LANDMARKS or time.monotonic() - self._last_emit > _FROZEN_SECONDS:
                require_newest(self._run_directory, self.attempt)
            if kind == "finished":
                free_reserve(self._run_directory)
            event = self._record(kind, fields)
            self._write_out()
        if not self.is_in_background:
            self._hand_on()
            self._write_status(force=kind in _LANDMARKS)
        elif kind in _LANDMARKS:
            self.attention.set()
        return event

    def _record(self, kind: str, fields: dict[str, Any]) -> Event:
        facts = {"seq": self.last_seq + 1, "attempt": self.attempt, "t": time.time_ns() // 1_000_000, "kind": kind, **fields}
        event: Event = redacted_event(facts)
        line = _line(event)
        self._unwritten.append(line)
        self._unsent.append(line)
        self.last_seq += 1
        self._last_emit = time.monotonic()
        self._note(event)
        return event

    def log(self, level: str, message: str) -> None:
        """Records a line for the user's log."""
        self.emit("log", level=level, message=message[:2000])

    def heartbeat_if_quiet(self) -> None:
        """Records a heartbeat when nothing else was recorded for a while; never after the end."""
        with self._lock:
            is_due = not self._is_finished and time.monotonic() - self._last_emit >= HEARTBEAT_SECONDS
        if is_due:
            self.emit("heartbeat", stage=self._stage)

    def keep_house(self) -> None:
        """Retries what the volume did not take, makes the rest durable, hands it on and updates status.json."""
        with self._lock:
            self._write_out()
        if self._unsent:
            self._sync_segment()
            self._hand_on()
        self._write_status(force=False)

    def sync(self) -> None:
        """Makes what was recorded survive a power cut, and hands it on."""
        with self._lock:
            self._write_out()
        self._sync_segment()
        self._hand_on()
        self._write_status(force=True)

    def close(self) -> None:
        """Writes, syncs and hands on what is left; afterwards nothing is written any more."""
        if self._file >= 0 and (self._unwritten or self._unsent or self._status_stale):
            self.sync()
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1

    def _write_out(self) -> None:
        """Writes pending lines in order; on an error they stay pending and the file keeps its last whole line."""
        while self._unwritten and self._file >= 0:
            try:
                if self._in_segment >= SEGMENT_EVENTS:
                    self._next_segment()
                self._append(self._unwritten[0])
            except OSError as error:
                self._say_troubled(error)
                return
            self._unwritten.popleft()
            self._in_segment += 1
        if self._is_troubled:
            self._is_troubled = False
            self._record("log", {"level": "info", "message": "The volume takes the run's events again; none is missing."})
            self._write_out()

    def _append(self, line: bytes) -> None:
        if os.fstat(self._file).st_size != self._size:
            os.ftruncate(self._file, self._size)
        if os.write(self._file, line) != len(line):
            os.ftruncate(self._file, self._size)
            # The second try tells why the volume took only a part.
            if os.write(self._file, line) != len(line):
                raise OSError("the volume took only a part of a line")
        self._size += len(line)

    def _say_troubled(self, error: OSError) -> None:
        if not self._is_troubled:
            self._is_troubled = True
            message = f"degraded: the volume does not take the run's events now ({error.strerror or error}). They are kept until it does."
            self._record("log", {"level": "warning", "message": message})

    def _next_segment(self) -> None:
        file, size = self._open_segment(self._segment_number + 1)
        os.fsync(self._file)
        os.close(self._file)
        self._file, self._size = file, size
        self._segment_number += 1
        self._in_segment = 0

    def _open_segment(self, number: int) -> tuple[int, int]:
        flags = os.O_CREAT | os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0)
        file = os.open(self._directory / f"seg-{number:05d}.jsonl", flags, 0o644)
        sync_directory(self._directory)
        return file, os.fstat(file).st_size

    def _sync_segment(self) -> None:
        # A copy, because the loop may open the next segment meanwhile; a failing sync shows again with the next write.
        with self._lock:
            copy = os.dup(self._file) if self._file >= 0 else -1
        if copy >= 0:
            with contextlib.suppress(OSError):
                os.fsync(copy)
            os.close(copy)

    def _hand_on(self) -> None:
        # Never called with _lock held: two threads would wait for each other.
        with self._handing_on:
            with self._lock:
                lines, self._unsent = self._unsent, []
            for line in lines:
                try:
                    if self._relay is not None:
                        self._relay(line)
                except OSError:
                    # The reader is gone; whoever started this process learns it in another way, the log goes on.
                    self._relay = None

    def _note(self, event: Event) -> None:
        kind = event["kind"]
        if kind == "stage":
            self._stage = event["stage"]
        if kind == "finished":
            self._is_finished = True
        if kind in _IN_STATUS:
            self._latest[kind] = {name: value[:200] if isinstance(value, str) else value for name, value in event.items()}
        self._status_stale = True

    def _write_status(self, *, force: bool) -> None:
        with self._lock:
            now = time.monotonic()
            if not self._status_stale or (not force and now < self._status_due):
                return
            self._status_due = now + _STATUS_SECONDS
            self._status_stale = False
            status = {"v": 1, "attempt": self.attempt, "last_seq": self.last_seq, "t": time.time_ns() // 1_000_000}
            latest: dict[str, Event] = {}
            for kind in (kind for kind in _IN_STATUS if kind in self._latest):
                wider = {**latest, kind: self._latest[kind]}
                if len(json.dumps({**status, "latest": wider}, ensure_ascii=False, indent=1).encode()) <= STATUS_BYTES:
                    latest = wider
        # The log is the record; a status that cannot be written now is written with a later event.
        with contextlib.suppress(OSError):
            write_json(self._run_directory / "status.json", {**status, "latest": latest}, durable=False)


class Heartbeat:
    """Keeps the log from falling silent while a long call runs, and does its disk work beside the loop."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> "Heartbeat":
        self._log.is_in_background = True
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._log.attention.set()
        self._thread.join()
        self._log.is_in_background = False

    def _run(self) -> None:
        while not self._stop.is_set():
            self._log.attention.wait(_TICK_SECONDS)
            self._log.attention.clear()
            # A superseded attempt is ended by the loop's own next landmark, on its own thread.
            with contextlib.suppress(OSError, ValueError, AttemptSuperseded):
                self._log.heartbeat_if_quiet()
                self._log.keep_house()


def _line(event: Event) -> bytes:
    try:
        return json.dumps(event, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    except ValueError:
        # A figure that is no number, or half a character, must not end a run; a reader leaves such a figure out and says so.
        return json.dumps(_finite(event), ensure_ascii=True, allow_nan=False).encode() + b"\n"


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, (list, tuple)) else value
