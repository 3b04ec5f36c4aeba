"""The handler under the real SDK: start, progress, cancel, death and second dispatch."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import psutil
import pytest
from platform_double import Platform
from support import Volume, assert_sequence_unbroken, planet_rows

CONTRACT = Path(__file__).resolve().parent.parent / "contract"
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def platform() -> Iterator[Platform]:
    double = Platform()
    yield double
    double.close()


@pytest.fixture
def start(platform: Platform, volume: Volume) -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def start_worker(name: str = "worker-1") -> "subprocess.Popen[bytes]":
        started.append(platform.start_worker(volume.root, name))
        return started[-1]

    yield start_worker
    for process in started:
        for child in _descendants(process.pid):
            child.kill()
        process.kill()
        process.wait()
        if process.stdin is not None:
            process.stdin.close()


def _descendants(pid: int) -> list[psutil.Process]:
    try:
        found: list[psutil.Process] = psutil.Process(pid).children(recursive=True)
        return found
    except psutil.NoSuchProcess:
        return []


def _long_job(volume: Volume) -> dict[str, Any]:
    return volume.job(planet_rows(60), num_train_epochs=20, save_every_steps=20, evals_per_epoch=1)


def _has_step(job_id: str, step: int) -> Callable[[list[tuple[str, dict[str, Any]]]], bool]:
    def seen(messages: list[tuple[str, dict[str, Any]]]) -> bool:
        updates = [message for job, message in messages if job == job_id and message.get("status") == "IN_PROGRESS"]
        return any(event["kind"] == "step" and event["step"] >= step for update in updates for event in update["output"]["events"])

    return seen


def _trainers(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [process for process in processes if "train_lora.py" in " ".join(process.cmdline())]


def _wait_gone(processes: list[psutil.Process], seconds: float) -> None:
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    assert not alive


def test_hello_and_a_run_go_through_and_no_progress_overtakes_the_result(platform: Platform, volume: Volume, start: Start) -> None:
    start()
    platform.jobs.put({"id": "bad-u1", "input": {"v": 1, "action": "train"}})
    platform.jobs.put({"id": "hello-u1", "input": {"v": 1, "action": "hello"}})
    platform.jobs.put({"id": "job-u1", "input": volume.job(planet_rows(24))})
    assert platform.result_of("bad-u1")["error"].startswith("INVALID_INPUT: input.base_model: expected a value, got nothing.")
    jsonschema.validate(platform.result_of("hello-u1")["output"], json.loads((CONTRACT / "hello-reply.schema.json").read_text()))
    answer = platform.result_of("job-u1")
    assert "error" not in answer
    jsonschema.validate(answer["output"], json.loads((CONTRACT / "job-return.schema.json").read_text()))
    assert answer["output"]["status"] == "completed"
    of_job = [message for job, message in platform.messages if job == "job-u1"]
    assert of_job[-1] == answer
    schema = json.loads((CONTRACT / "progress-snapshot.schema.json").read_text())
    for message in of_job[:-1]:
        jsonschema.validate(message["output"], schema)
    ends = [message["output"]["to"] for message in of_job[:-1]]
    assert ends == sorted(ends)
    assert ends[-1] == volume.events()[-1]["seq"]
    finished = len(volume.events())
    platform.jobs.put({"id": "again-u1", "input": volume.job(planet_rows(24))})
    assert platform.result_of("again-u1")["output"] == answer["output"]
    platform.jobs.put({"id": "other-u1", "input": volume.job(planet_rows(24), seed=99)})
    assert platform.result_of("other-u1")["error"].startswith("CONFIG_MISMATCH")
    assert len(volume.events()) == finished


def test_a_cancelled_run_saves_its_adapter_and_posts_no_result(platform: Platform, volume: Volume, start: Start, tmp_path: Path) -> None:
    start()
    platform.jobs.put({"id": "job-u1", "input": _long_job(volume)})
    platform.wait_for(_has_step("job-u1", 5))
    platform.stops.put("job-u1")
    platform.jobs.put({"id": "hello-u1", "input": {"v": 1, "action": "hello"}})
    platform.result_of("hello-u1")
    result = json.loads((volume.run / "result.json").read_text())
    assert result["status"] == "stopped"
    assert (volume.collect(tmp_path / "adapter") / "adapter_model.safetensors").stat().st_size > 0
    assert all(message.get("status") == "IN_PROGRESS" for job, message in platform.messages if job == "job-u1")


def test_a_killed_handler_leaves_no_trainer_and_the_next_one_goes_on(platform: Platform, volume: Volume, start: Start) -> None:
    job = _long_job(volume)
    worker = start()
    platform.jobs.put({"id": "job-u1", "input": job})
    platform.wait_for(_has_step("job-u1", 25))
    orphans = _descendants(worker.pid)
    assert len(_trainers(orphans)) == 1
    os.kill(worker.pid, signal.SIGKILL)
    platform.jobs.put({"id": "job-u1", "input": job})
    start("worker-2")
    _wait_gone(orphans, 10.0)
    assert platform.result_of("job-u1")["output"]["status"] == "completed"
    (resumed,) = volume.events("resumed")
    assert resumed["step"] >= 20
    steps = [point[1] for point in volume.curve() if point[0] == "step"]
    assert steps == list(range(1, len(steps) + 1))
    assert_sequence_unbroken(volume.events())


def test_a_killed_trainer_is_started_again_by_its_handler(platform: Platform, volume: Volume, start: Start) -> None:
    worker = start()
    platform.jobs.put({"id": "job-u1", "input": _long_job(volume)})
    platform.wait_for(_has_step("job-u1", 25))
    (trainer,) = _trainers(_descendants(worker.pid))
    trainer.kill()
    assert platform.result_of("job-u1")["output"]["status"] == "completed"
    assert [event["attempt"] for event in volume.events("resumed")] == [2]
    assert json.loads((volume.run / "result.json").read_text())["attempt"] == 2


@pytest.mark.parametrize("how", ["stdin", "sigterm"])
def test_a_worker_that_must_go_leaves_a_checkpoint_and_no_result(platform: Platform, volume: Volume, start: Start, how: str) -> None:
    worker = start()
    platform.jobs.put({"id": "job-u1", "input": _long_job(volume)})
    platform.wait_for(_has_step("job-u1", 5))
    family = _descendants(worker.pid)
    assert worker.stdin is not None
    if how == "stdin":
        worker.stdin.close()
    else:
        worker.terminate()
    _wait_gone(_trainers(family), 15.0)
    if how == "stdin":
        worker.wait(15.0)
        _wait_gone(family, 5.0)
    assert volume.events("stopping")[-1]["reason"] == "shutdown"
    assert not (volume.run / "result.json").exists()
    assert list((volume.run / "checkpoints").glob("step-*/COMPLETE"))
    deadline = time.monotonic() + 10
    while not json.loads((volume.run / "lease.json").read_text())["released"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
