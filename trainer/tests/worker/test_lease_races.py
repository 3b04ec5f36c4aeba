"""Workers that want one run at the same moment: exactly one trains it."""

import json
import multiprocessing
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol import RunFailure
from run.attempts import claim_attempt, newest_attempt
from worker.lease import STALE_SECONDS, Lease, LeaseLost, try_acquire


class _Clock:
    """A monotonic clock that stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def _abandoned(path: Path) -> None:
    """A run that was given back after its fourth attempt."""
    path.mkdir(parents=True, exist_ok=True)
    claim_attempt(path, 4, "")
    (path / "lease.json").write_text(json.dumps({"attempt": 4, "released": True}))


class _Race:
    """Workers of one process that want the same run; time passes only while the newest holder is dead."""

    def __init__(self, run: Path, attempts: int) -> None:
        self._run = run
        self._attempts = attempts
        self._clock = _Clock()
        self.problems: list[str] = []

    def hold(self, workers: int) -> None:
        """Runs the workers until so many attempts were given out."""
        threads = [threading.Thread(target=self._work, args=(f"{os.getpid()}-{index}",)) for index in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _work(self, name: str) -> None:
        try:
            while not self.problems and newest_attempt(self._run) < self._attempts:
                if (self._run / f"dead-{newest_attempt(self._run)}").exists():
                    # Small enough that workers who saw the dead holder a moment ago rob nobody.
                    self._clock.now += STALE_SECONDS / 16
                lease = try_acquire(self._run, name, self._clock)
                if lease is not None:
                    self._train(name, lease)
        except (OSError, LeaseLost, RunFailure) as error:
            self.problems.append(f"{name}: {error!r}")

    def _train(self, name: str, lease: Lease) -> None:
        mark = self._run / "training"
        try:
            os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            self.problems.append(f"{name} trains attempt {lease.attempt} beside another")
            return
        lease.renew()
        mark.unlink()
        if lease.attempt % 3:
            lease.release()
            return
        # The worker dies on another host: its lease stays, and its process is not to be seen from here.
        record = json.loads((self._run / "lease.json").read_text())
        (self._run / "lease.json").write_text(json.dumps({**record, "host": "gone"}))
        (self._run / f"dead-{lease.attempt}").touch()


def _race_in_process(run: str, attempts: int) -> None:
    race = _Race(Path(run), attempts)
    race.hold(2)
    sys.exit("\n".join(race.problems) or 0)


@pytest.fixture
def quick_switches() -> Iterator[None]:
    """Lets threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_every_attempt_number_is_given_out_once(tmp_path: Path, quick_switches: None) -> None:
    """Would catch a claim that looks first and writes then: three workers reach for each number at the same moment."""
    numbers, workers = 60, 3
    winners: list[int] = []
    reached = [0] * workers

    def claim_all(own: int) -> None:
        for number in range(1, numbers + 1):
            reached[own] = number
            # Nobody sleeps here, so that all go on within the same microseconds.
            while min(reached) < number:
                pass
            if claim_attempt(tmp_path, number, ""):
                winners.append(number)

    threads = [threading.Thread(target=claim_all, args=(own,)) for own in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(winners) == list(range(1, numbers + 1))
    assert newest_attempt(tmp_path) == numbers


def test_a_worker_that_looked_before_another_took_the_run_gets_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The slower of two that saw the same free run: would catch a takeover on what was seen some time ago."""
    _abandoned(tmp_path)
    quicker: list[Lease | None] = []

    def claim_after_another(run: Path, number: int, note: str) -> bool:
        monkeypatch.undo()
        quicker.append(try_acquire(run, "quicker"))
        return claim_attempt(run, number, note)

    monkeypatch.setattr("worker.lease.claim_attempt", claim_after_another)
    assert try_acquire(tmp_path, "slower") is None
    (lease,) = quicker
    assert lease is not None
    lease.renew()
    assert lease.attempt == 5


@pytest.mark.parametrize("race", range(3))
def test_two_workers_never_train_one_run_at_the_same_time(tmp_path: Path, race: int) -> None:
    """Claims alone decide: no file lock is taken, as on a network volume that has none."""
    workers = _Race(tmp_path / str(race), 12)
    workers.hold(4)
    assert workers.problems == []
    assert newest_attempt(tmp_path / str(race)) >= 12


@pytest.mark.slow
@pytest.mark.parametrize("race", range(50))
def test_in_fifty_races_of_threads_and_processes_there_are_never_two_trainers(tmp_path: Path, race: int) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_race_in_process, args=(str(tmp_path), 30)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
        assert process.exitcode == 0, f"race {race}"
    assert newest_attempt(tmp_path) >= 30


@pytest.mark.parametrize("race", range(10))
def test_of_many_that_race_for_a_free_run_exactly_one_gets_it(tmp_path: Path, race: int) -> None:
    _abandoned(tmp_path)
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
