"""Who may train a run: exactly one worker, and a dead one never blocks it."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from lease import STALE_SECONDS, Lease, LeaseLost, exclusive, process_start, try_acquire


def _held_by_another(path: Path, **changes: Any) -> None:
    path.mkdir(parents=True, exist_ok=True)
    record = {
        "workerId": "other",
        "pid": 1,
        "host": "another-host",
        "attempt": 4,
        "heartbeatMs": int(time.time() * 1000),
        "nonce": "n",
        "started": None,
        "released": False,
    }
    (path / "lease.json").write_text(json.dumps({**record, **changes}))


def _dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_living_holder_keeps_the_run(tmp_path: Path) -> None:
    assert try_acquire(tmp_path, "a") is not None
    assert try_acquire(tmp_path, "b") is None


def test_a_released_run_is_free_and_its_attempts_are_counted(tmp_path: Path) -> None:
    first = try_acquire(tmp_path, "a")
    assert first is not None
    first.release()
    second = try_acquire(tmp_path, "b")
    assert second is not None
    assert (first.attempt, second.attempt) == (1, 2)


def test_a_holder_that_died_on_this_host_is_replaced_at_once(tmp_path: Path) -> None:
    _held_by_another(tmp_path, host=socket.gethostname(), pid=_dead_pid())
    lease = try_acquire(tmp_path, "b")
    assert lease is not None
    assert lease.attempt == 5


def test_a_process_that_got_the_dead_holders_number_does_not_block(tmp_path: Path) -> None:
    _held_by_another(tmp_path, host=socket.gethostname(), pid=os.getpid(), started="an-earlier-boot:1")
    assert try_acquire(tmp_path, "b") is not None


def test_a_laptop_that_slept_keeps_its_run(tmp_path: Path) -> None:
    long_ago = int((time.time() - 3600) * 1000)
    _held_by_another(tmp_path, host=socket.gethostname(), pid=os.getpid(), started=process_start(os.getpid()), heartbeatMs=long_ago)
    assert try_acquire(tmp_path, "b") is None


@pytest.mark.parametrize(("age", "is_free"), [(STALE_SECONDS - 5, False), (STALE_SECONDS + 1, True)])
def test_another_host_keeps_the_run_until_its_heartbeat_is_stale(tmp_path: Path, age: float, is_free: bool) -> None:
    _held_by_another(tmp_path, heartbeatMs=int((time.time() - age) * 1000))
    assert (try_acquire(tmp_path, "b") is not None) == is_free


def test_a_worker_that_lost_its_run_is_told_so(tmp_path: Path) -> None:
    lease = try_acquire(tmp_path, "a")
    assert lease is not None
    lease.renew()
    _held_by_another(tmp_path)
    with pytest.raises(LeaseLost):
        lease.renew()


@pytest.mark.parametrize("race", range(10))
def test_of_many_that_race_for_a_dead_holders_run_exactly_one_gets_it(tmp_path: Path, race: int) -> None:
    _held_by_another(tmp_path, heartbeatMs=0)
    winners: list[Lease] = []
    barrier = threading.Barrier(8)

    def contend() -> None:
        barrier.wait()
        lease = try_acquire(tmp_path, f"worker-{race}")
        if lease is not None:
            winners.append(lease)

    threads = [threading.Thread(target=contend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(winners) == 1
    winners[0].renew()


def test_the_file_lock_is_freed_when_its_holder_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys,time; sys.path.insert(0, sys.argv[2])\n"
        "from pathlib import Path; from lease import exclusive\n"
        "with exclusive(Path(sys.argv[1])) as lock:\n    print('held' if lock else 'taken', flush=True)\n    time.sleep(60)\n"
    )
    path = tmp_path / "trainer.lock"
    arguments = [sys.executable, "-c", script, str(path), str(Path(__file__).resolve().parent.parent)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == b"held"
        with exclusive(path) as lock:
            assert lock is None
        process.kill()
        process.wait()
    with exclusive(path) as lock:
        assert lock is not None
