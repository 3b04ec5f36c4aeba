"""Who may train a run: exactly one worker, and a dead one never blocks it."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from process_identity import host_identity, process_start
from protocol import RunFailure
from run.attempts import AttemptSuperseded, claim_attempt, newest_attempt, require_newest
from run.results import RunReport, read_result, write_result
from run.status_manager import EventLog
from worker.lease import STALE_SECONDS, Lease, LeaseLost, exclusive, try_acquire

TRAINER = Path(__file__).resolve().parents[2]


class _Clock:
    """A monotonic clock that stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def _held_by_another(path: Path, **changes: Any) -> dict[str, Any]:
    path.mkdir(parents=True, exist_ok=True)
    record = {
        "workerId": "other",
        "pid": 1,
        "host": "another-host",
        "attempt": 4,
        "heartbeatMs": int(time.time() * 1000),
        "beat": 1,
        "nonce": "n",
        "started": None,
        "released": False,
        **changes,
    }
    claim_attempt(path, record["attempt"], "")
    (path / "lease.json").write_text(json.dumps(record))
    return record


def _dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def _waited_out(path: Path, clock: _Clock) -> Lease | None:
    """A worker that watches a silent holder until it counts as gone."""
    assert try_acquire(path, "b", clock) is None
    clock.now += STALE_SECONDS + 1
    return try_acquire(path, "b", clock)


def test_a_living_holder_keeps_the_run(tmp_path: Path) -> None:
    assert try_acquire(tmp_path, "a") is not None
    assert try_acquire(tmp_path, "b") is None


def test_a_released_run_is_free_and_its_attempts_are_counted(tmp_path: Path) -> None:
    first = try_acquire(tmp_path, "a")
    assert first is not None
    assert first.next_attempt() == 2
    first.release()
    second = try_acquire(tmp_path, "b")
    assert second is not None
    assert second.attempt == 3
    assert newest_attempt(tmp_path) == 3


def test_attempts_are_counted_on_from_the_log_when_the_claims_are_gone(tmp_path: Path) -> None:
    log = EventLog(tmp_path, 7)
    log.log("info", "an attempt of an older version")
    log.close()
    lease = try_acquire(tmp_path, "a")
    assert lease is not None
    assert lease.attempt == 8


def test_a_holder_that_died_on_this_host_is_replaced_at_once(tmp_path: Path) -> None:
    _held_by_another(tmp_path, host=host_identity(), pid=_dead_pid(), started="an-earlier-boot:1")
    lease = try_acquire(tmp_path, "b")
    assert lease is not None
    assert lease.attempt == 5


def test_a_process_that_got_the_dead_holders_number_does_not_block(tmp_path: Path) -> None:
    _held_by_another(tmp_path, host=host_identity(), pid=os.getpid(), started="an-earlier-boot:1")
    assert try_acquire(tmp_path, "b") is not None


def test_a_laptop_that_slept_keeps_its_run(tmp_path: Path) -> None:
    """Would catch a takeover from a living trainer on this computer because its heartbeat is old."""
    if process_start(os.getpid()) is None:
        pytest.skip("only Linux tells when a process began")
    long_ago = int((time.time() - 3600) * 1000)
    _held_by_another(tmp_path, host=host_identity(), pid=os.getpid(), started=process_start(os.getpid()), heartbeatMs=long_ago)
    assert _waited_out(tmp_path, _Clock()) is None


def test_a_container_with_the_same_name_does_not_count_as_this_host(tmp_path: Path) -> None:
    """Would catch a takeover because the holder's process number means nothing, or another process, over here."""
    _held_by_another(tmp_path, host=f"{socket.gethostname()}:1", pid=_dead_pid(), started="boot:1")
    assert try_acquire(tmp_path, "b", _Clock()) is None


@pytest.mark.parametrize("skew_seconds", [-86_400, -61, 0, 61, 86_400])
def test_a_clock_that_is_wrong_on_the_holders_host_changes_nothing(tmp_path: Path, skew_seconds: int) -> None:
    """Would catch staleness by comparing two hosts' clocks: a living holder robbed, or a dead one that blocks."""
    clock = _Clock()
    record = _held_by_another(tmp_path, heartbeatMs=int((time.time() + skew_seconds) * 1000))
    for beat in range(2, 5):
        assert try_acquire(tmp_path, "b", clock) is None
        clock.now += STALE_SECONDS - 1
        assert try_acquire(tmp_path, "b", clock) is None
        (tmp_path / "lease.json").write_text(json.dumps({**record, "beat": beat}))
    lease = _waited_out(tmp_path, clock)
    assert lease is not None
    assert lease.attempt == 5


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"attempt": 3, "released": true}', b"\x00" * 64])
def test_a_lease_file_that_says_nothing_blocks_no_longer_than_a_silent_holder(tmp_path: Path, content: bytes) -> None:
    """Would catch a torn or overwritten lease.json: taken too early, or never."""
    _held_by_another(tmp_path)
    (tmp_path / "lease.json").write_bytes(content)
    assert _waited_out(tmp_path, _Clock()) is not None


def test_a_worker_that_lost_its_run_is_told_so_and_cannot_count_on(tmp_path: Path) -> None:
    lease = try_acquire(tmp_path, "a")
    assert lease is not None
    lease.renew()
    _held_by_another(tmp_path)
    with pytest.raises(LeaseLost):
        lease.renew()
    with pytest.raises(LeaseLost):
        lease.next_attempt()
    lease.release()
    assert json.loads((tmp_path / "lease.json").read_text())["workerId"] == "other"


def test_a_trainer_that_was_frozen_while_another_took_over_writes_nothing_more(tmp_path: Path) -> None:
    """Would catch two logs mixed into one, or a result of the attempt that was given up."""
    claim_attempt(tmp_path, 1, "")
    log = EventLog(tmp_path, 1)
    log.emit("stage", stage="training")
    claim_attempt(tmp_path, 2, "")
    before = (tmp_path / "events" / "seg-00000.jsonl").read_bytes()
    with pytest.raises(AttemptSuperseded):
        log.emit("checkpoint", step=1, bytes=1, best=False)
    log._last_emit -= 3600
    with pytest.raises(AttemptSuperseded):
        log.log("info", "after a long silence")
    report: Any = RunReport
    with pytest.raises(AttemptSuperseded):
        write_result(tmp_path, report(job=None, attempt=1, config_sha256=""), status="completed", last_seq=1)
    assert (tmp_path / "events" / "seg-00000.jsonl").read_bytes() == before
    assert read_result(tmp_path) is None
    require_newest(tmp_path, 2)


def test_a_volume_that_cannot_be_written_is_refused_in_plain_words(tmp_path: Path) -> None:
    """Would catch a traceback instead of the reason, when a worker's volume is attached read-only."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises((RunFailure, OSError)):
        try_acquire(blocked / "run", "a")
    if os.name == "nt" or os.geteuid() == 0:
        return
    sealed = tmp_path / "sealed"
    sealed.mkdir(mode=0o500)
    with pytest.raises(RunFailure) as refused:
        try_acquire(sealed / "run", "a")
    assert refused.value.code == "VOLUME_READ_ONLY"


def test_the_file_lock_is_freed_when_its_holder_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys,time; sys.path.insert(0, sys.argv[2])\n"
        "from pathlib import Path; from worker.lease import exclusive\n"
        "with exclusive(Path(sys.argv[1])) as lock:\n    print('held' if lock else 'taken', flush=True)\n    time.sleep(60)\n"
    )
    path = tmp_path / "trainer.lock"
    arguments = [sys.executable, "-c", script, str(path), str(TRAINER)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == b"held"
        with exclusive(path) as lock:
            assert lock is None
        process.kill()
        process.wait()
    with exclusive(path) as lock:
        assert lock is not None
