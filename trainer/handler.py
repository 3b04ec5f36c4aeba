"""The worker: takes jobs from the platform and hands each training run to a child process."""

import asyncio
import multiprocessing
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from protocol import RunFailure, TrainInput, check_input, check_reply, parse_train_input
from worker import lifetime
from worker.answers import answer_small, explained, refusal, train_answer
from worker.progress import ProgressSender, interval_from_environment, post_for_job
from worker.redaction import guard_output
from worker.supervisor import RunSupervisor, finish_stopping, uninterrupted


def volume_root() -> Path:
    """The network volume, or the app's own folder on This computer."""
    return Path(os.environ.get("TUNESMITH_VOLUME") or "/runpod-volume")


async def handler(job: dict[str, Any]) -> dict[str, Any]:
    """Answers one job; a dict with `error` makes the platform call the job failed."""
    try:
        job_input: Any = job.get("input")
        action = check_input(job_input)
        if action == "train":
            return check_reply(action, train_answer(await _train(job, parse_train_input(job_input))))
        reply = await answer_small(action, volume_root(), job_input)
        return await asyncio.to_thread(check_reply, action, reply)
    except RunFailure as failure:
        return refusal(failure)
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        return refusal(explained(error))


async def _train(job: dict[str, Any], train_input: TrainInput) -> dict[str, Any]:
    job_id = str(job["id"])
    sender = ProgressSender(train_input.run_id, post_for_job(job), interval_from_environment())
    worker_id = os.environ.get("RUNPOD_POD_ID") or f"worker-{os.getpid()}"
    supervisor = RunSupervisor(volume=volume_root(), job=train_input, worker_id=worker_id, on_event=sender.add)
    lifetime.active.add(supervisor)
    lifetime.follow_sigterm()
    run = asyncio.create_task(supervisor.run())
    is_answered = True
    try:
        answer = await asyncio.shield(run)
        is_answered = answer is not None
    except asyncio.CancelledError:
        is_answered = False
        # A user's stop saves the adapter before we let go; when the worker merely falls, the run is left to be resumed.
        await finish_stopping(supervisor, run, lifetime.why_cancelled(job_id), lifetime.STOP_SECONDS)
        raise
    finally:
        await uninterrupted(sender.close(is_answered=is_answered))
        lifetime.active.discard(supervisor)
        lifetime.forget_stop(job_id)
    if answer is None:
        # Told to shut down: no result is posted, so the platform gives the job to another worker.
        raise asyncio.CancelledError
    return answer


if __name__ == "__main__":
    guard_output()
    import runpod

    lifetime.follow_stop_signals()
    if os.name != "nt":
        os.register_at_fork(after_in_child=lifetime.follow_parent)
    lifetime.follow_app()
    runpod.serverless.start({"handler": handler})
elif multiprocessing.parent_process() is not None:
    lifetime.follow_parent()
