"""Who may end this worker and how it hears of it: a user's stop, SIGTERM, the app's end, a dead parent."""

import multiprocessing
import os
import signal
import sys
import threading
import time
from typing import Any, Protocol

from protocol import StopReason

STOP_SECONDS = float(os.environ.get("TUNESMITH_STOP_SECONDS", "60"))


class Stoppable(Protocol):
    """A run that can be asked to end from another thread."""

    def request_stop_from_thread(self, reason: StopReason) -> None: ...

    def kill(self) -> None: ...


active: set[Stoppable] = set()
_stopped_jobs: set[str] = set()


def follow_stop_signals() -> None:
    """Remembers which jobs the platform itself asked to stop.

    The SDK cancels a job's task then, but its loop also cancels every task when it falls with the
    connection. Both look the same to a handler; only the first is somebody's wish.
    """
    from runpod.serverless.modules.rp_scale import JobScaler

    stop_job = JobScaler.stop_job

    async def noted(scaler: Any, job_id: str) -> bool:
        if job_id in scaler.jobs_tasks:
            _stopped_jobs.add(job_id)
        return bool(await stop_job(scaler, job_id))

    JobScaler.stop_job = noted


def why_cancelled(job_id: str) -> StopReason:
    """Whose doing the cancellation of a job is: the user's only when the platform named that job."""
    return "user" if job_id in _stopped_jobs else "shutdown"


def forget_stop(job_id: str) -> None:
    """A job that ended may be dispatched again under the same id."""
    _stopped_jobs.discard(job_id)


class _SigtermRelay:
    """Passes SIGTERM on to the running child as well; the SDK alone would just wait for it."""

    def __init__(self, before: Any) -> None:
        self._before = before

    def __call__(self, number: int, frame: Any) -> None:
        for run in list(active):
            run.request_stop_from_thread("shutdown")
        if callable(self._before):
            self._before(number, frame)


def follow_sigterm() -> None:
    """Hooks in behind the SDK, which sets its own signal handler when it starts."""
    if os.name == "nt" or threading.current_thread() is not threading.main_thread():
        return
    before = signal.getsignal(signal.SIGTERM)
    if not isinstance(before, _SigtermRelay):
        signal.signal(signal.SIGTERM, _SigtermRelay(before))


def follow_app() -> None:
    """On This computer the end of standard input means that the app is gone."""
    if os.environ.get("TUNESMITH_EXIT_WITH_STDIN") == "1":
        threading.Thread(target=_exit_with_stdin, name="stdin-watch", daemon=True).start()


def _exit_with_stdin() -> None:
    while os.read(0, 4096):
        pass
    for run in list(active):
        run.request_stop_from_thread("shutdown")
    deadline = time.monotonic() + STOP_SECONDS
    while active and time.monotonic() < deadline:
        time.sleep(0.05)
    for run in list(active):
        run.kill()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def follow_parent() -> None:
    """For the SDK's ping process, which would otherwise outlive a worker that was killed."""

    def watch() -> None:
        while (parent := multiprocessing.parent_process()) is None:
            time.sleep(0.05)
        parent.join()
        os._exit(0)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
