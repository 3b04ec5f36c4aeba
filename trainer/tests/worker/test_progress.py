"""Progress updates: coalesced, in order, one at a time, small, and silent before the answer."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.progress import ProgressSender, build_snapshot

RUN_ID = "0198c0de-0000-7000-8000-000000000001"


def _event(seq: int, attempt: int = 1, text: str = "") -> dict[str, Any]:
    return {"seq": seq, "attempt": attempt, "t": 1, "kind": "log", "level": "info", "message": text}


@given(st.lists(st.tuples(st.integers(1, 3), st.text(max_size=60), st.integers(0, 200)), max_size=90))
def test_a_snapshot_is_small_and_its_events_follow_each_other(parts: list[tuple[int, str, int]]) -> None:
    """Would catch an update over 8 KB, one with a hole in it, and an empty one although an event fits."""
    seq, events = 0, []
    for gap, text, repeats in parts:
        seq += gap
        events.append(_event(seq, text=text * repeats))
    snapshot = build_snapshot(RUN_ID, 1, events)
    assert len(json.dumps(snapshot, ensure_ascii=False).encode()) <= 8192
    numbers = [event["seq"] for event in snapshot["events"]]
    assert numbers == list(range(snapshot["from"], snapshot["to"] + 1)) or (numbers == [] and snapshot["to"] == 0)
    if any(len(json.dumps(event, ensure_ascii=False).encode()) < 7500 for event in events[-64:]):
        assert numbers


def test_an_event_too_large_for_any_update_hides_none_before_it() -> None:
    """Would catch updates that stay empty while a long sample is the newest event."""
    snapshot = build_snapshot(RUN_ID, 1, [_event(1), _event(2), _event(3, text="x" * 9000)])
    assert (snapshot["from"], snapshot["to"]) == (1, 2)


class Line:
    """A platform that keeps what it gets, and can be slow or fail."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.times: list[float] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.release: asyncio.Event | None = None
        self.fail = False
        self.has_got = asyncio.Event()

    async def post(self, snapshot: dict[str, Any]) -> None:
        """As the sender calls it."""
        self.in_flight += 1
        self.most_in_flight = max(self.in_flight, self.most_in_flight)
        if self.release is not None:
            await self.release.wait()
        await asyncio.sleep(0)
        self.in_flight -= 1
        if self.fail:
            raise OSError("Bearer abcdefgh12345678 was refused")
        self.got.append(snapshot)
        self.times.append(asyncio.get_running_loop().time())
        self.has_got.set()


def test_a_slow_platform_gets_one_update_at_a_time_and_the_newest_last() -> None:
    """Would catch updates that overtake each other."""

    async def play() -> Line:
        line = Line()
        line.release = asyncio.Event()
        sender = ProgressSender(RUN_ID, line.post, 0.0)
        for seq in range(1, 40):
            sender.add(_event(seq))
            await asyncio.sleep(0)
        line.release.set()
        await sender.close()
        return line

    line = asyncio.run(play())
    assert line.most_in_flight == 1
    assert [snapshot["to"] for snapshot in line.got] == sorted({snapshot["to"] for snapshot in line.got})
    assert line.got[-1]["to"] == 39
    assert len(line.got) <= 3


def test_updates_keep_their_distance_and_the_answer_keeps_it_too() -> None:
    """Would catch a last update that arrives after the result and overwrites it."""

    async def play() -> tuple[Line, float]:
        line = Line()
        sender = ProgressSender(RUN_ID, line.post, 0.2)
        sender.add(_event(1))
        await asyncio.wait_for(line.has_got.wait(), 30)
        sender.add(_event(2))
        await asyncio.sleep(0.05)
        assert len(line.got) == 1
        await sender.close()
        return line, asyncio.get_running_loop().time()

    line, closed = asyncio.run(play())
    assert [snapshot["to"] for snapshot in line.got] == [1, 2]
    assert closed - line.times[-1] >= 0.2


def test_a_cancelled_job_is_not_kept_waiting() -> None:
    """Would catch seconds lost while a stopped run lets go: no answer follows that could be overwritten."""

    async def play() -> float:
        line = Line()
        sender = ProgressSender(RUN_ID, line.post, 60.0)
        sender.add(_event(1))
        await asyncio.wait_for(line.has_got.wait(), 30)
        began = asyncio.get_running_loop().time()
        sender.add(_event(2))
        await sender.close(is_answered=False)
        assert [snapshot["to"] for snapshot in line.got] == [1, 2]
        return asyncio.get_running_loop().time() - began

    assert asyncio.run(play()) < 30


def test_what_was_sent_is_not_sent_again() -> None:
    """Would catch a platform that is asked for nothing new, and a client that sees the same twice."""

    async def play() -> Line:
        line = Line()
        sender = ProgressSender(RUN_ID, line.post, 0.0)
        sender.add(_event(1))
        await asyncio.wait_for(line.has_got.wait(), 30)
        await sender.close()
        return line

    assert len(asyncio.run(play()).got) == 1


def test_a_platform_that_refuses_updates_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Would catch a run that fails because progress could not be shown, and a key in the log of that."""

    async def play() -> None:
        line = Line()
        line.fail = True
        sender = ProgressSender(RUN_ID, line.post, 0.0)
        sender.add(_event(1))
        await sender.close()

    asyncio.run(play())
    printed = capsys.readouterr().err
    assert "A progress update failed" in printed
    assert "abcdefgh12345678" not in printed


def test_a_new_attempt_goes_on_with_its_own_number() -> None:
    """Would catch a client that takes the next attempt's events for repetitions."""
    snapshot = build_snapshot(RUN_ID, 2, [_event(4, 1), _event(5, 2)])
    assert (snapshot["attempt"], [event["attempt"] for event in snapshot["events"]]) == (2, [1, 2])
