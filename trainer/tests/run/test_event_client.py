"""A client of the event stream knows exactly what the log says, whatever is lost, doubled or overtaken on the way."""

import json
import os
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import assert_sequence_unbroken

from run.status_manager import Event, EventLog, read_events
from worker.progress import MAX_EVENTS, build_snapshot


@dataclass
class _Shown:
    """What the app shows of a run: points and marks by step, samples, log lines."""

    points: dict[tuple[str, int], tuple[float, int]] = field(default_factory=dict)
    checkpoints: dict[int, int] = field(default_factory=dict)
    samples: list[tuple[int, str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def void_after(self, step: int) -> None:
        """Later steps are trained once more."""
        self.points = {key: value for key, value in self.points.items() if key[1] <= step}
        self.checkpoints = {at: size for at, size in self.checkpoints.items() if at <= step}
        self.samples = [sample for sample in self.samples if sample[0] <= step]

    def take(self, event: Event) -> None:
        """One event, in the order of the log."""
        kind = event["kind"]
        if kind in ("resumed", "rolled_back"):
            self.void_after(event["step"])
        if kind == "step":
            self.points["train", event["step"]] = (event["loss"], event["attempt"])
        if kind == "eval":
            self.points["eval", event["step"]] = (event["eval_loss"], event["attempt"])
        if kind == "checkpoint":
            self.checkpoints[event["step"]] = event["bytes"]
        if kind == "sample":
            self.samples.append((event["step"], event["text"]))
        if kind == "log":
            self.lines.append(event["message"])


class _Client:
    """The app's rules: a cursor, batches written at once, snapshots only where nothing before them is missing."""

    def __init__(self, events_directory: Path) -> None:
        self._directory = events_directory
        self.cursor = 0
        self.shown = _Shown()

    def take_snapshot(self, snapshot: dict[str, Any]) -> None:
        """A progress update as it arrived; where there is a gap, the log is read instead."""
        news = sorted((event for event in snapshot["events"] if event["seq"] > self.cursor), key=lambda event: int(event["seq"]))
        expected = self.cursor + 1
        for event in news:
            if event["seq"] == expected:
                expected += 1
            elif event["seq"] != expected - 1:
                self.read_log()
                return
        self._take(news)

    def read_log(self) -> None:
        """Reads the segments, of which the last line may be half written."""
        self._take(read_events(self._directory))

    def _take(self, events: Iterable[Event]) -> None:
        """A batch: what it makes void goes first, then what is left of it is written."""
        batch, void_step = _Shown(), None
        for event in events:
            if event["seq"] <= self.cursor:
                continue
            self.cursor = event["seq"]
            batch.take(event)
            if event["kind"] in ("resumed", "rolled_back"):
                void_step = event["step"] if void_step is None else min(void_step, event["step"])
        if void_step is not None:
            self.shown.void_after(void_step)
        self.shown.points |= batch.points
        self.shown.checkpoints |= batch.checkpoints
        self.shown.samples += batch.samples
        self.shown.lines += batch.lines


class _Worker:
    """A handler with its training children: emits, makes durable, sends snapshots, is killed or loses power."""

    def __init__(self, directory: Path, *, is_in_background: bool) -> None:
        self._directory = directory
        self._is_in_background = is_in_background
        self._received: deque[Event] = deque(maxlen=MAX_EVENTS)
        self.snapshots: list[dict[str, Any]] = []
        self._attempt = self._step = self._saved = 0
        self._durable: tuple[Path | None, int] = (None, 0)
        self._start()

    def _start(self) -> None:
        self._attempt += 1
        self.log = EventLog(self._directory, self._attempt, self._relay)
        self.log.is_in_background = self._is_in_background
        if self._attempt > 1:
            self._step = self._saved
            self.log.emit("resumed", step=self._step)

    def _relay(self, line: bytes) -> None:
        self._received.append(json.loads(line))
        self.snapshots.append(build_snapshot("run", self._attempt, list(self._received)))

    def emit(self, kind: str) -> None:
        """Something happens in training."""
        if kind == "step":
            self._step += 1
            self.log.emit("step", step=self._step, loss=self._attempt + self._step / 8)
        elif kind == "eval":
            self.log.emit("eval", step=self._step, eval_loss=self._attempt * 2.0)
        elif kind == "checkpoint":
            self._saved = self._step
            self.log.emit("checkpoint", step=self._step, bytes=self._step + 1, best=False)
            self.log.sync()
            self._note_durable()
        elif kind == "rolled_back":
            self._step = self._saved
            self.log.emit("rolled_back", step=self._step, learning_rate_factor=0.5)
        elif kind == "sample":
            self.log.emit("sample", step=self._step, prompt="p", text=f"{self._attempt}.{self.log.last_seq}")
        elif kind == "tick":
            self.log.keep_house()
            self._note_durable()
        else:
            self.log.log("info", f"line {self.log.last_seq} " + "x" * (7000 if kind == "large" else 5))

    def end(self, kind: str, cut: int) -> None:
        """The child is killed in the middle of a line, or the machine loses what was not synced; another attempt follows."""
        segment = sorted((self._directory / "events").iterdir())[-1]
        os.close(self.log._file)
        data = segment.read_bytes()
        if kind == "kill":
            segment.write_bytes(data + b'{"seq": 99, "kind": "step", "st'[: cut % 30])
        elif self._is_in_background:
            kept = self._durable[1] if self._durable[0] == segment else 0
            segment.write_bytes(data[: max(kept, len(data) - cut * 40)] + b"\0" * (cut % 3))
        self._start()

    def show(self) -> None:
        """Somebody reads the volume: what is seen there has left this machine's memory."""
        self._note_durable()

    def _note_durable(self) -> None:
        segment = sorted((self._directory / "events").iterdir())[-1]
        self._durable = (segment, segment.stat().st_size)


_KINDS = ["step", "step", "step", "eval", "checkpoint", "log", "large", "sample", "rolled_back", "tick"]
_ACTIONS = st.one_of(
    st.tuples(st.just("emit"), st.sampled_from(_KINDS)),
    st.tuples(st.just("kill"), st.integers(0, 29)),
    st.tuples(st.just("power"), st.integers(0, 29)),
    st.tuples(st.just("arrive"), st.integers(0, 1000)),
    st.tuples(st.just("read"), st.just(0)),
)


def _told_by(events: Iterable[Event], until: int) -> _Shown:
    shown = _Shown()
    for event in events:
        if event["seq"] <= until:
            shown.take(event)
    return shown


def _play(directory: Path, actions: list[tuple[str, Any]], *, is_in_background: bool) -> None:
    worker = _Worker(directory, is_in_background=is_in_background)
    client = _Client(directory / "events")
    for action, value in actions:
        if action == "emit":
            worker.emit(value)
        elif action in ("kill", "power"):
            worker.end(action, value)
        elif action == "read":
            worker.show()
            client.read_log()
        elif worker.snapshots:
            # Any that was ever sent: some never arrive, some late, some twice; after a gap the volume is read.
            worker.show()
            client.take_snapshot(worker.snapshots[-1 - value % min(len(worker.snapshots), 40)])
        if action in ("arrive", "read"):
            assert client.shown == _told_by(read_events(directory / "events"), client.cursor)
    worker.log.close()
    events = list(read_events(directory / "events"))
    assert_sequence_unbroken(events)
    client.read_log()
    assert client.cursor == worker.log.last_seq
    assert client.shown == _told_by(events, client.cursor)


@pytest.mark.parametrize("is_in_background", [True, False], ids=["synced before it is sent", "killed only"])
@settings(max_examples=60, deadline=None)
@given(actions=st.lists(_ACTIONS, min_size=1, max_size=80))
def test_the_client_shows_what_the_log_says(
    tmp_path_factory: pytest.TempPathFactory, is_in_background: bool, actions: list[tuple[str, Any]]
) -> None:
    """Would catch a number given out twice, points of a void course that stay, and a client that knows more than the volume."""
    with mock.patch("run.status_manager.SEGMENT_EVENTS", 7):
        _play(tmp_path_factory.mktemp("run"), actions, is_in_background=is_in_background)


@pytest.mark.slow
@settings(max_examples=1000, deadline=None)
@given(actions=st.lists(_ACTIONS, min_size=20, max_size=300))
def test_the_client_shows_what_the_log_says_in_a_thousand_courses(
    tmp_path_factory: pytest.TempPathFactory, actions: list[tuple[str, Any]]
) -> None:
    with mock.patch("run.status_manager.SEGMENT_EVENTS", 16):
        _play(tmp_path_factory.mktemp("run"), actions, is_in_background=True)


def test_a_client_that_only_polls_now_and_then_misses_nothing(tmp_path: Path) -> None:
    """More events between two polls than an update holds: the gap must be noticed and read."""
    worker = _Worker(tmp_path, is_in_background=True)
    client = _Client(tmp_path / "events")
    for _ in range(3):
        for _ in range(MAX_EVENTS * 2):
            worker.emit("step")
        worker.emit("tick")
        client.take_snapshot(worker.snapshots[-1])
        assert client.cursor == worker.log.last_seq
    worker.log.close()
    assert client.shown == _told_by(read_events(tmp_path / "events"), client.cursor)
