"""The event log: nothing lost, nothing doubled, whatever happens to the process."""

import json
import random
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from support import assert_sequence_unbroken

from progress import MAX_BYTES, MAX_EVENTS, build_snapshot
from status_manager import SEGMENT_EVENTS, EventLog, last_attempt, read_events


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


def _snapshots(count: int, seed: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    generator = random.Random(seed)
    events = [{"seq": i + 1, "attempt": 1, "kind": "log", "message": "m" * generator.randint(0, 900)} for i in range(count)]
    sent, taken = [], 0
    while taken < count:
        taken = min(count, taken + generator.randint(1, 50))
        sent.append(build_snapshot("run", 1, events[:taken]))
    return events, sent


@settings(max_examples=60, deadline=None)
@given(st.integers(min_value=1, max_value=300), st.integers(min_value=0, max_value=10_000), st.randoms(use_true_random=False))
def test_a_client_that_misses_and_reorders_snapshots_ends_with_the_whole_log(count: int, seed: int, generator: random.Random) -> None:
    log, sent = _snapshots(count, seed)
    arrived = [snapshot for snapshot in sent if generator.random() < 0.7]
    generator.shuffle(arrived)
    known: list[dict[str, Any]] = []
    for snapshot in [*arrived, {"from": 0, "to": count, "events": []}]:
        assert len(json.dumps(snapshot).encode()) <= MAX_BYTES + 250
        assert len(snapshot["events"]) <= MAX_EVENTS
        assert [event["seq"] for event in snapshot["events"]] == list(range(snapshot["from"], snapshot["to"] + 1)) or not snapshot["events"]
        if snapshot["to"] <= len(known):
            continue
        gap_end = snapshot["from"] - 1 if snapshot["events"] else count
        known.extend(log[len(known) : gap_end])
        known.extend(event for event in snapshot["events"] if event["seq"] > len(known))
    assert known == log
