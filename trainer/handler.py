"""The worker: takes jobs from the platform and hands each training run to a child process."""

import asyncio
import json
import multiprocessing
import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from progress import ProgressSender, interval_from_environment, post_for_job
from protocol import RunFailure, StopReason, TrainInput, action_of, parse_train_input
from supervisor import RunSupervisor, finish_stopping, uninterrupted

_STOP_SECONDS = float(os.environ.get("TUNESMITH_STOP_SECONDS", "60"))
_DEVICE_SCRIPT = Path(__file__).with_name("describe_device.py")
# A falling connection and the end of standard input reach this process within moments of each other.
_APP_GONE_SECONDS = 1.0
_active: set[RunSupervisor] = set()
_app_gone = threading.Event()


def volume_root() -> Path:
    """The network volume, or the app's own folder on This computer."""
    return Path(os.environ.get("TUNESMITH_VOLUME") or "/runpod-volume")


async def handler(job: dict[str, Any]) -> dict[str, Any]:
    """Answers one job; a dict with `error` makes the platform call the job failed."""
    try:
        job_input = job.get("input")
        if action_of(job_input) == "hello":
            return await _hello()
        return await _train(job, parse_train_input(job_input))
    except RunFailure as failure:
        return {"error": f"{failure.code}: {failure.message} {failure.advice}"}


async def _hello() -> dict[str, Any]:
    """Asks a process of its own, so that this one never holds a GPU context."""
    process = await asyncio.create_subprocess_exec(sys.executable, str(_DEVICE_SCRIPT), stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    try:
        described: dict[str, Any] = json.loads(output)
    except ValueError as error:
        raise RunFailure("INTERNAL", "PyTorch could not be started on this worker.", "Set the worker up again.") from error
    volume = volume_root()
    volume.mkdir(parents=True, exist_ok=True)
    return {**described, "disk_free_bytes": shutil.disk_usage(volume).free}


async def _train(job: dict[str, Any], train_input: TrainInput) -> dict[str, Any]:
    sender = ProgressSender(train_input.run_id, post_for_job(job), interval_from_environment())
    worker_id = os.environ.get("RUNPOD_POD_ID") or f"worker-{os.getpid()}"
    supervisor = RunSupervisor(volume=volume_root(), job=train_input, worker_id=worker_id, on_event=sender.add)
    _active.add(supervisor)
    _follow_sigterm()
    run = asyncio.create_task(supervisor.run())
    try:
        answer = await asyncio.shield(run)
    except asyncio.CancelledError:
        # The platform stopped this job: the adapter is saved before we let go. When the app is gone, the SDK's loop
        # falls with it and cancels too; that is nobody's wish to stop, so the run is left to be resumed.
        reason: StopReason = "shutdown" if await uninterrupted(_is_app_gone()) else "user"
        await finish_stopping(supervisor, run, reason, _STOP_SECONDS)
        raise
    finally:
        await uninterrupted(sender.close())
        _active.discard(supervisor)
    if answer is None:
        # Told to shut down: no result is posted, so the platform gives the job to another worker.
        raise asyncio.CancelledError
    return answer


class _SigtermRelay:
    """Passes SIGTERM on to the running child as well; the SDK alone would just wait for it."""

    def __init__(self, before: Any) -> None:
        self._before = before

    def __call__(self, number: int, frame: Any) -> None:
        for supervisor in list(_active):
            supervisor.request_stop_from_thread("shutdown")
        if callable(self._before):
            self._before(number, frame)


def _follow_sigterm() -> None:
    if os.name == "nt" or threading.current_thread() is not threading.main_thread():
        return
    before = signal.getsignal(signal.SIGTERM)
    if not isinstance(before, _SigtermRelay):
        signal.signal(signal.SIGTERM, _SigtermRelay(before))


async def _is_app_gone() -> bool:
    """Whether standard input has ended; waits a moment, because a falling connection may be noticed first."""
    if os.environ.get("TUNESMITH_EXIT_WITH_STDIN") != "1":
        return False
    return await asyncio.to_thread(_app_gone.wait, _APP_GONE_SECONDS)


def _exit_with_stdin() -> None:
    """On This computer the end of standard input means that the app is gone."""
    while os.read(0, 4096):
        pass
    _app_gone.set()
    deadline = time.monotonic() + _STOP_SECONDS
    for supervisor in list(_active):
        supervisor.request_stop_from_thread("shutdown")
    while _active and time.monotonic() < deadline:
        time.sleep(0.05)
    for supervisor in list(_active):
        supervisor.kill()
    os._exit(0)


def _end_with_parent() -> None:
    """The SDK's ping process would otherwise outlive a worker that was killed."""

    def watch() -> None:
        while (parent := multiprocessing.parent_process()) is None:
            time.sleep(0.05)
        parent.join()
        os._exit(0)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


if __name__ == "__main__":
    import runpod

    if os.name != "nt":
        os.register_at_fork(after_in_child=_end_with_parent)
    if os.environ.get("TUNESMITH_EXIT_WITH_STDIN") == "1":
        threading.Thread(target=_exit_with_stdin, name="stdin-watch", daemon=True).start()
    runpod.serverless.start({"handler": handler})
elif multiprocessing.parent_process() is not None:
    _end_with_parent()
