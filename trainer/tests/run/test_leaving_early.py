"""Limits and stops that are reached while nothing is trained: no download and no load is waited for."""

import json
import threading
import time
from pathlib import Path

import pytest
from support import Volume, planet_rows

import train_lora
from protocol import StopReason, parse_train_input
from run.control import StopControl
from run.results import RunReport, read_result
from run.status_manager import EventLog
from storage import canonical_json, sha256_bytes


def _leave(volume: Volume, reason: StopReason, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    job = volume.job(planet_rows(12), max_seconds=60)
    volume.freeze(job)
    log = EventLog(volume.run, 1)
    report = RunReport(job=parse_train_input(job), attempt=1, config_sha256=sha256_bytes(canonical_json(job)))
    codes: list[int] = []
    monkeypatch.setattr("train_lora.os._exit", codes.append)
    train_lora._leave_early(reason, volume.root, volume.run, log, report, threading.Event())
    return codes


def test_a_user_who_stops_during_the_download_gets_a_stopped_run(volume: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch a stop that waits for 160 GB."""
    assert _leave(volume, "user", monkeypatch) == [0]
    result = read_result(volume.run)
    assert result is not None
    assert (result["status"], result["ended_by"], result["error"]) == ("stopped", "user", None)


def test_a_limit_that_is_reached_during_the_download_fails_the_run(volume: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch a download that costs more than the whole run may."""
    assert _leave(volume, "time_limit", monkeypatch) == [0]
    result = read_result(volume.run)
    assert result is not None
    assert (result["status"], result["ended_by"], result["error"]["code"]) == ("failed", "time_limit", "TIME_LIMIT")


def test_a_shutdown_during_the_download_leaves_no_result(volume: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch a worker that goes away and takes the run with it."""
    assert _leave(volume, "shutdown", monkeypatch) == [0]
    assert read_result(volume.run) is None


def test_a_budget_that_earlier_attempts_used_up_ends_the_attempt_at_once(volume: Volume) -> None:
    """Would catch a run that may start over its budget anew with every lost worker."""
    job = volume.job(planet_rows(12), max_seconds=60)
    events = volume.run / "events"
    events.mkdir(parents=True)
    now = time.time_ns() // 1_000_000
    lines = [{"seq": 1, "attempt": 1, "t": now - 100_000, "kind": "log"}, {"seq": 2, "attempt": 1, "t": now - 10_000, "kind": "log"}]
    (events / "seg-00000.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    stop, heard = StopControl(), threading.Event()
    stop.on_stop(lambda _: heard.set())
    train_lora._end_with_budget(parse_train_input(job), volume.run, 2, stop)
    assert heard.wait(10)
    assert stop.reason == "time_limit"


def test_without_a_limit_nothing_is_timed(volume: Volume, tmp_path: Path) -> None:
    stop = StopControl()
    before = threading.active_count()
    train_lora._end_with_budget(parse_train_input(volume.job(planet_rows(12))), tmp_path, 1, stop)
    assert threading.active_count() == before
    assert stop.reason is None
