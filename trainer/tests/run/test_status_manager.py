"""The event log: nothing lost, nothing doubled, whatever happens to the process."""

import json
import os
import threading
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import assert_sequence_unbroken

from run.status_manager import SEGMENT_EVENTS, STATUS_BYTES, EventLog, Heartbeat, last_attempt, read_events


def test_segments_hold_512_events_and_the_sequence_goes_on_over_attempts(tmp_path: Path) -> None:
    first = EventLog(tmp_path, 1)
    for i in range(SEGMENT_EVENTS + 3):
        first.log("info", f"line {i}")
    first.close()
    second = EventLog(tmp_path, 2)
    second.emit("resumed", step=0)
    second.close()
    segments = sorted((tmp_path / "events").iterdir())
    assert [len(path.read_text().splitlines()) for path in segments] == [SEGMENT_EVENTS, 4]
    events = list(read_events(tmp_path / "events"))
    assert_sequence_unbroken(events)
    assert (events[-1]["kind"], events[-1]["attempt"]) == ("resumed", 2)
    assert last_attempt(tmp_path / "events") == 2


@settings(max_examples=25, deadline=None)
@given(st.integers(min_value=1, max_value=200))
def test_a_torn_last_line_is_cut_off_and_its_number_used_again(tmp_path_factory: Any, cut: int) -> None:
    directory = tmp_path_factory.mktemp("run")
    log = EventLog(directory, 1)
    for i in range(5):
        log.emit("log", level="info", message="x" * 40 + str(i))
    log.close()
    path = directory / "events" / "seg-00000.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - cut])
    survivors = whole[: len(whole) - cut].count(b"\n")
    log = EventLog(directory, 2)
    assert log.last_seq == survivors
    log.emit("resumed", step=0)
    log.close()
    events = list(read_events(directory / "events"))
    assert_sequence_unbroken(events)
    assert len(events) == survivors + 1


def test_status_is_small_and_names_the_latest_step(tmp_path: Path) -> None:
    log = EventLog(tmp_path, 1)
    log.emit("stage", stage="training")
    log.emit("step", step=4, loss=1.0)
    log.emit("log", level="info", message="y" * 5000)
    log.close()
    data = (tmp_path / "status.json").read_bytes()
    status = json.loads(data)
    assert len(data) <= 2048
    assert status["last_seq"] == 3
    assert status["latest"]["step"]["step"] == 4


def test_status_stays_small_whatever_the_stage_says(tmp_path: Path) -> None:
    """Would catch a status that outgrows its 2 KB with a long model name."""
    log = EventLog(tmp_path, 1)
    log.emit("stage", stage="loading_model", detail="ü" * 3000, done=1, total=2, unit="bytes")
    for kind in ("step", "eval", "checkpoint"):
        log.emit(kind, step=123456, note="é" * 400, loss=1.2345678901234567, eval_loss=2.0)
    log.emit("finished", status="completed")
    log.close()
    data = (tmp_path / "status.json").read_bytes()
    assert len(data) <= STATUS_BYTES == 2048
    assert json.loads(data)["latest"]["finished"]["status"] == "completed"


def test_a_figure_that_is_no_number_or_half_a_character_does_not_end_the_run(tmp_path: Path) -> None:
    log = EventLog(tmp_path, 1)
    log.emit("step", step=1, loss=float("nan"), parts=[float("inf"), 1.0], note="NaN")
    log.log("info", "half: \ud83d")
    log.close()
    step, line = read_events(tmp_path / "events")
    assert (step["loss"], step["parts"], step["note"]) == (None, [None, 1.0], "NaN")
    assert line["message"] == "half: \ud83d"


@pytest.mark.parametrize("tail", [b"\0" * 4096, b"\n\n", b"null\n", b'{"seq": 4', b'{"seq": "4"}\n', b"[" * 9000 + b"\n"])
def test_whatever_a_power_cut_left_at_the_end_is_cut_off(tmp_path: Path, tail: bytes) -> None:
    log = EventLog(tmp_path, 1)
    for number in range(3):
        log.log("info", str(number))
    log.close()
    with open(tmp_path / "events" / "seg-00000.jsonl", "ab") as file:
        file.write(tail)
    log = EventLog(tmp_path, 2)
    log.emit("resumed", step=0)
    log.close()
    events = list(read_events(tmp_path / "events"))
    assert_sequence_unbroken(events)
    assert len(events) == 4


def test_a_last_segment_without_a_whole_line_is_gone_on_from_the_one_before(tmp_path: Path) -> None:
    """Killed just after a new segment was opened: the sequence goes on, and no segment gets more than its 512."""
    log = EventLog(tmp_path, 1)
    for number in range(SEGMENT_EVENTS):
        log.log("info", str(number))
    log.close()
    (tmp_path / "events" / "seg-00001.jsonl").write_bytes(b'{"seq": 513, "att')
    log = EventLog(tmp_path, 2)
    log.emit("resumed", step=0)
    log.close()
    assert_sequence_unbroken(list(read_events(tmp_path / "events")))
    assert [len(path.read_text().splitlines()) for path in sorted((tmp_path / "events").iterdir())] == [SEGMENT_EVENTS, 1]


def test_beside_a_heartbeat_lines_are_on_the_disk_before_they_are_handed_on_and_keep_their_order(tmp_path: Path) -> None:
    """Would catch a client that is told of events which a power cut then takes back."""
    told: list[int] = []
    synced: list[int] = []
    real = os.fsync
    log = EventLog(tmp_path, 1, lambda line: told.append(json.loads(line)["seq"]))

    def sync(descriptor: int) -> None:
        synced.append(log.last_seq)
        real(descriptor)

    def log_lines() -> None:
        for _ in range(200):
            log.log("info", "x")

    with mock.patch.object(os, "fsync", sync), Heartbeat(log):
        threads = [threading.Thread(target=log_lines) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        log.emit("stage", stage="training")
        while len(told) < 801:
            log.attention.set()
    log.close()
    assert told == list(range(1, 802))
    assert synced
    assert len(list(read_events(tmp_path / "events"))) == 801


def test_a_reader_that_hangs_does_not_hold_up_the_loop(tmp_path: Path) -> None:
    """Would catch training that waits for a handler which does not read."""
    is_stuck, go_on = threading.Event(), threading.Event()

    def relay(_: bytes) -> None:
        is_stuck.set()
        assert go_on.wait(60)

    log = EventLog(tmp_path, 1, relay)
    with Heartbeat(log):
        log.emit("stage", stage="training")
        assert is_stuck.wait(60)
        for number in range(1, 50):
            log.emit("step", step=number, loss=1.0)
        assert log.last_seq == 50
        go_on.set()
    log.close()


def test_after_the_end_no_heartbeat_is_recorded(tmp_path: Path) -> None:
    log = EventLog(tmp_path, 1)
    log._last_emit -= 1000
    log.heartbeat_if_quiet()
    log.emit("finished", status="completed")
    log._last_emit -= 20
    log.heartbeat_if_quiet()
    log.close()
    assert [event["kind"] for event in read_events(tmp_path / "events")] == ["heartbeat", "finished"]
