"""A user's stop and the app's end reach the worker within moments of each other, in either order."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

import handler
from protocol import StopReason
from worker import lifetime, supervisor

RUN_ID = "0198c0de-0000-7000-8000-000000000001"
Scaler = Any


class FakeChild:
    """A training child that saves nothing and ends when it is asked to, or when it is killed."""

    began = asyncio.Event()

    def __init__(self) -> None:
        self.heard: list[StopReason] = []
        self._ended = asyncio.Event()

    @classmethod
    async def start(cls, script: str, *arguments: str) -> "FakeChild":
        """As ChildProcess has it."""
        child = cls()
        cls.began.set()
        return child

    def request_stop(self, reason: StopReason) -> None:
        """As ChildProcess has it."""
        self.heard.append(reason)
        self._ended.set()

    def kill(self) -> None:
        """As ChildProcess has it."""
        self._ended.set()

    async def relay(self, _: Callable[[dict[str, Any]], None]) -> int:
        """As ChildProcess has it."""
        await self._ended.wait()
        return 0


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(supervisor, "ChildProcess", FakeChild)
    monkeypatch.setattr(lifetime, "_stopped_jobs", set())
    monkeypatch.setenv("TUNESMITH_VOLUME", str(tmp_path))
    monkeypatch.delenv("RUNPOD_WEBHOOK_POST_OUTPUT", raising=False)


@pytest.fixture(scope="module")
def scaler_class() -> Any:
    """The SDK's own class, with our note-taking in it."""
    from runpod.serverless.modules.rp_scale import JobScaler

    stop_job = JobScaler.stop_job
    lifetime.follow_stop_signals()
    yield JobScaler
    JobScaler.stop_job = stop_job


def _job() -> dict[str, Any]:
    from support import hyperparameters

    return {
        "v": 1,
        "action": "train",
        "run_id": RUN_ID,
        "dataset": {"kind": "volume", "key": f"datasets/{'a' * 64}.jsonl", "sha256": "a" * 64, "bytes": 1, "rows": 1},
        "base_model": {"kind": "folder", "path": "/none"},
        "hyperparameters": hyperparameters(),
        "limits": {"max_seconds": None, "max_cost_micro_usd": None, "price_micro_usd_per_hour": None},
        "accepts": {"rows_without_answer": False, "rows_cut": False},
        "sample_prompts": [],
    }


def _end_app() -> None:
    """What the thread that watches standard input does when it ends."""
    for run in list(lifetime.active):
        run.request_stop_from_thread("shutdown")


def _drive(scaler_class: Any, happen: Callable[[Any, "asyncio.Task[Any]"], Coroutine[Any, Any, None]]) -> dict[str, Any]:
    """Runs one job until it was cancelled; `happen` makes things happen once the child is there."""

    async def play() -> dict[str, Any]:
        FakeChild.began = asyncio.Event()
        scaler = scaler_class({"handler": handler.handler})
        task = asyncio.create_task(handler.handler({"id": "job-u1", "input": _job()}))
        scaler.jobs_tasks["job-u1"] = task
        await asyncio.wait_for(FakeChild.began.wait(), 30)
        # The supervisor takes the child, the relay begins to wait.
        for _ in range(10):
            await asyncio.sleep(0)
        await happen(scaler, task)
        done, _ = await asyncio.wait({task}, timeout=20)
        assert done
        return {"cancelled": task.cancelled()}

    return asyncio.run(play())


def _left(volume: Path) -> tuple[bool, str | None]:
    """Whether the user's stop is marked, and how the run ended."""
    run = volume / "runs" / RUN_ID
    result = run / "result.json"
    return (run / "stop.json").exists(), json.loads(result.read_text())["status"] if result.exists() else None


def test_a_users_stop_is_one_although_the_app_ends_right_after(scaler_class: Any, tmp_path: Path) -> None:
    """Would catch a stop that is forgotten because the app was closed a moment later."""

    async def happen(scaler: Scaler, _: "asyncio.Task[Any]") -> None:
        assert await scaler.stop_job("job-u1")
        _end_app()

    assert _drive(scaler_class, happen)["cancelled"]
    assert _left(tmp_path) == (True, "stopped")


def test_a_users_stop_is_one_although_the_app_ended_right_before(scaler_class: Any, tmp_path: Path) -> None:
    """Would catch the same when the end of standard input is seen first."""

    async def happen(scaler: Scaler, _: "asyncio.Task[Any]") -> None:
        _end_app()
        assert await scaler.stop_job("job-u1")

    assert _drive(scaler_class, happen)["cancelled"]
    assert _left(tmp_path) == (True, "stopped")


@pytest.mark.parametrize("is_connection_first", [True, False])
def test_the_apps_end_is_never_a_users_stop(scaler_class: Any, tmp_path: Path, is_connection_first: bool) -> None:
    """Would catch a run that ends for good because the SDK's loop fell with the connection, before or after stdin."""

    async def happen(_: Scaler, task: "asyncio.Task[Any]") -> None:
        if is_connection_first:
            task.cancel()
            await asyncio.sleep(0)
            _end_app()
        else:
            _end_app()
            await asyncio.sleep(0)
            task.cancel()

    assert _drive(scaler_class, happen)["cancelled"]
    assert _left(tmp_path) == (False, None)


def test_a_stop_of_another_job_is_not_this_ones(scaler_class: Any, tmp_path: Path) -> None:
    """Would catch a late stop of an earlier job that marks the one running now."""

    async def happen(scaler: Scaler, task: "asyncio.Task[Any]") -> None:
        assert not await scaler.stop_job("earlier-u1")
        task.cancel()

    assert _drive(scaler_class, happen)["cancelled"]
    assert _left(tmp_path) == (False, None)


def test_the_mark_is_written_before_the_child_hears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scaler_class: Any) -> None:
    """Would catch a worker that dies between telling the child and writing the mark: the run would be trained on."""
    marked_when_told: list[bool] = []
    tell = FakeChild.request_stop

    def told(child: FakeChild, reason: StopReason) -> None:
        marked_when_told.append((tmp_path / "runs" / RUN_ID / "stop.json").exists())
        tell(child, reason)

    monkeypatch.setattr(FakeChild, "request_stop", told)

    async def happen(scaler: Scaler, _: "asyncio.Task[Any]") -> None:
        await scaler.stop_job("job-u1")

    _drive(scaler_class, happen)
    assert marked_when_told == [True]


def test_a_stop_that_reached_a_waiting_worker_reaches_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scaler_class: Any) -> None:
    """Would catch a stop that goes to the second of two workers with the same run and is lost there."""
    from worker.stop_mark import write_stop_mark

    monkeypatch.setattr(supervisor, "HEARTBEAT_SECONDS", 0.01)

    async def happen(_: Scaler, __: "asyncio.Task[Any]") -> None:
        write_stop_mark(tmp_path / "runs" / RUN_ID)

    assert not _drive(scaler_class, happen)["cancelled"]
    assert _left(tmp_path) == (True, "stopped")
