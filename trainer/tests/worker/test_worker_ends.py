"""The handler under the real SDK, and every way it can end: cancelled, told to go, killed, dispatched twice."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from platform_double import Platform
from support import Volume, assert_sequence_unbroken, planet_rows
from worker_family import assert_gone, descendants, end_family, trainers

pytestmark = pytest.mark.slow

Start = Callable[..., "subprocess.Popen[bytes]"]
Messages = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def platform() -> Iterator[Platform]:
    double = Platform()
    yield double
    double.close()


@pytest.fixture
def start(platform: Platform, volume: Volume) -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def start_worker(name: str = "worker-1", **variables: str) -> "subprocess.Popen[bytes]":
        started.append(platform.start_worker(volume.root, name, **variables))
        return started[-1]

    yield start_worker
    for process in started:
        end_family(process)


def _long_job(volume: Volume, **changes: Any) -> dict[str, Any]:
    return volume.job(planet_rows(60), **{"num_train_epochs": 20, "save_every_steps": 20, "evals_per_epoch": 1, **changes})


def _saw(job_id: str, accepts: Callable[[dict[str, Any]], bool]) -> Callable[[Messages], bool]:
    def seen(messages: Messages) -> bool:
        updates = [message for job, message in messages if job == job_id and message.get("status") == "IN_PROGRESS"]
        return any(accepts(event) for update in updates for event in update["output"]["events"])

    return seen


def _step(job_id: str, step: int) -> Callable[[Messages], bool]:
    return _saw(job_id, lambda event: event["kind"] == "step" and event["step"] >= step)


def _result(volume: Volume) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((volume.run / "result.json").read_text())
    return result


def _trained_steps(volume: Volume) -> list[int]:
    return [point[1] for point in volume.curve() if point[0] == "step"]


def test_a_cancelled_run_has_its_adapter_within_30_seconds_and_posts_no_result(
    platform: Platform, volume: Volume, start: Start, tmp_path: Path
) -> None:
    """Would catch a cancel that loses the run, takes too long, or is answered although nobody asks any more."""
    start()
    platform.jobs.put({"id": "job-u1", "input": _long_job(volume)})
    platform.wait_for(_step("job-u1", 5))
    began = time.monotonic()
    platform.stops.put("job-u1")
    platform.jobs.put({"id": "hello-u1", "input": {"v": 1, "action": "list", "prefix": f"runs/{volume.run.name}"}})
    platform.result_of("hello-u1")
    assert time.monotonic() - began < 30
    assert (_result(volume)["status"], _result(volume)["ended_by"]) == ("stopped", "user")
    assert (volume.collect(tmp_path / "adapter") / "adapter_model.safetensors").stat().st_size > 0
    assert all(message.get("status") == "IN_PROGRESS" for job, message in platform.messages if job == "job-u1")


@pytest.mark.parametrize("stage", ["preparing", "loading_model", "evaluating_base"])
def test_a_run_cancelled_before_its_first_step_ends_at_once(platform: Platform, volume: Volume, start: Start, stage: str) -> None:
    """Would catch a stop that waits for a model to load, and one that comes back as a run to be continued."""
    start()
    platform.jobs.put({"id": "job-u1", "input": _long_job(volume)})
    platform.wait_for(_saw("job-u1", lambda event: event["kind"] == "stage" and event["stage"] == stage))
    platform.stops.put("job-u1")
    again = platform.ask("again-u1", _long_job(volume))
    assert again["output"]["status"] == "stopped"
    assert _result(volume)["ended_by"] == "user"
    assert _result(volume)["steps_done"] < 60


def test_a_stop_followed_by_a_crash_of_everything_is_still_a_stop(platform: Platform, volume: Volume, start: Start, tmp_path: Path) -> None:
    """Would catch a run that trains on, and costs, after its user stopped it and closed the app."""
    worker = start()
    platform.jobs.put({"id": "job-u1", "input": _long_job(volume)})
    platform.wait_for(_step("job-u1", 45))
    family = descendants(worker.pid)
    for trainer in trainers(family):
        trainer.suspend()
    platform.stops.put("job-u1")
    deadline = time.monotonic() + 30
    while not (volume.run / "stop.json").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    for process in [psutil.Process(worker.pid), *family]:
        process.kill()
    assert_gone(family, 10)
    before = max(_trained_steps(volume))
    start("worker-2")
    answer = platform.ask("job-u1-again", _long_job(volume))
    assert answer["output"]["status"] == "stopped"
    assert max(_trained_steps(volume)) <= before
    assert (volume.collect(tmp_path / "adapter") / "adapter_model.safetensors").stat().st_size > 0


def test_a_killed_handler_leaves_no_trainer_and_the_next_one_goes_on(platform: Platform, volume: Volume, start: Start) -> None:
    """Would catch an orphan that trains beside the next attempt, and steps that are lost or doubled."""
    job = _long_job(volume)
    worker = start()
    platform.jobs.put({"id": "job-u1", "input": job})
    platform.wait_for(_step("job-u1", 25))
    orphans = descendants(worker.pid)
    assert len(trainers(orphans)) == 1
    os.kill(worker.pid, signal.SIGKILL)
    platform.jobs.put({"id": "job-u1", "input": job})
    start("worker-2")
    assert_gone(orphans, 30)
    assert platform.result_of("job-u1")["output"]["status"] == "completed"
    assert volume.events("resumed")[-1]["step"] >= 20
    steps = _trained_steps(volume)
    assert steps == list(range(1, len(steps) + 1))
    assert_sequence_unbroken(volume.events())


def test_a_killed_trainer_is_started_again_by_its_handler(platform: Platform, volume: Volume, start: Start) -> None:
    """Would catch a run that fails for good because memory ran out once."""
    worker = start()
    platform.jobs.put({"id": "job-u1", "input": _long_job(volume)})
    platform.wait_for(_step("job-u1", 25))
    (trainer,) = trainers(descendants(worker.pid))
    trainer.kill()
    assert platform.result_of("job-u1")["output"]["status"] == "completed"
    assert [event["attempt"] for event in volume.events("resumed")] == [2]
    assert _result(volume)["attempt"] == 2


@pytest.mark.parametrize("how", ["stdin", "sigterm", "platform"])
def test_a_worker_that_must_go_leaves_a_checkpoint_and_no_result(platform: Platform, volume: Volume, start: Start, how: str) -> None:
    """Would catch a shutdown, or an app that ends, taken for the user's stop."""
    worker = start()
    platform.jobs.put({"id": "job-u1", "input": _long_job(volume)})
    platform.wait_for(_step("job-u1", 5))
    family = descendants(worker.pid)
    assert worker.stdin is not None
    if how == "platform":
        # The connection falls before standard input ends, as when the app's process is killed.
        platform.close()
    if how == "sigterm":
        worker.terminate()
    else:
        worker.stdin.close()
    assert_gone(trainers(family), 30)
    if how != "sigterm":
        worker.wait(30)
        assert_gone(family, 15)
    assert volume.events("stopping")[-1]["reason"] == "shutdown"
    assert not (volume.run / "result.json").exists()
    assert not (volume.run / "stop.json").exists()
    assert list((volume.run / "checkpoints").glob("step-*"))
    deadline = time.monotonic() + 15
    while not json.loads((volume.run / "lease.json").read_text())["released"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_two_workers_with_the_same_run_train_it_once_and_answer_the_same(platform: Platform, volume: Volume, start: Start) -> None:
    """Would catch two trainers that write into one run when the platform dispatches a job twice."""
    job = _long_job(volume, num_train_epochs=6)
    first, second = start(), start("worker-2")
    platform.jobs.put({"id": "one-u1", "input": job})
    platform.jobs.put({"id": "two-u1", "input": job})
    platform.wait_for(lambda messages: len({name for name, _ in messages}) > 0)
    most = 0
    while not (volume.run / "result.json").exists():
        living = [process for worker in (first, second) for process in trainers(descendants(worker.pid))]
        most = max(most, len({process.pid for process in living if process.is_running()}))
        time.sleep(0.05)
    assert platform.result_of("one-u1")["output"] == platform.result_of("two-u1")["output"]
    assert most <= 1
    steps = [event["step"] for event in volume.events("step")]
    assert steps == list(range(1, len(steps) + 1))
    assert_sequence_unbroken(volume.events())


def test_a_run_on_several_processes_ends_with_all_of_them(platform: Platform, volume: Volume, start: Start) -> None:
    """Would catch ranks that outlive their worker, and a stop that reaches only one of them."""
    worker = start(TUNESMITH_PROCESSES="2", TUNESMITH_DEVICE="cpu")
    platform.jobs.put({"id": "job-u1", "input": _long_job(volume)})
    platform.wait_for(_step("job-u1", 5))
    family = descendants(worker.pid)
    assert len(trainers(family)) >= 3
    platform.stops.put("job-u1")
    assert_gone(trainers(family), 60)
    assert _result(volume)["status"] == "stopped"
    assert _result(volume)["manifest_sha256"] is not None
