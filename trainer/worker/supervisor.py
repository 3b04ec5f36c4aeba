"""Takes one training run from its job input to its result: lease, attempts, stops."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from protocol import EndStatus, RunFailure, StopReason, TrainInput
from run.checkpoint_files import newest_valid_step
from run.results import RunReport, job_return, read_result, write_result
from run.status_manager import EventLog
from storage import canonical_json, read_json, sha256_bytes, volume_failure, write_bytes
from worker.child import ChildProcess
from worker.lease import HEARTBEAT_SECONDS, Lease, LeaseLost, try_acquire
from worker.redaction import redacted
from worker.stop_mark import has_stop_mark, write_stop_mark

_SCRIPT = "train_lora.py"
_LEASE_POLL_SECONDS = 1.0
_ATTEMPTS_WITHOUT_PROGRESS = 3
_CHILD_BUSY = 75
_ADVICE_CRASH = "Start the run again: it continues from its last checkpoint. The worker's log may say more."


class RunSupervisor:
    """Runs training children for one run, one per attempt; relayed, stoppable, never orphaned."""

    def __init__(self, *, volume: Path, job: TrainInput, worker_id: str, on_event: Callable[[dict[str, Any]], None]) -> None:
        self._volume = volume
        self._job = job
        self._worker_id = worker_id
        self._on_event = on_event
        self._directory = volume / "runs" / job.run_id
        self._process: ChildProcess | None = None
        self._stop: StopReason | None = None
        self._is_killed = False
        self._loop = asyncio.get_running_loop()

    def request_stop(self, reason: StopReason) -> None:
        """Asks the run to end; the first reason counts, except that a user's wish is kept whenever it comes."""
        if self._stop == reason or (self._stop is not None and reason != "user"):
            return
        if reason == "user":
            self._keep_wish()
        self._stop = reason
        if self._process is not None:
            self._process.request_stop(reason)

    def request_stop_from_thread(self, reason: StopReason) -> None:
        """The same, from outside the event loop (also from a signal handler)."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self.request_stop, reason)

    def kill(self) -> None:
        """Ends a child that did not end when asked; no other one is started."""
        self._is_killed = True
        if self._process is not None:
            self._process.kill()

    async def run(self) -> dict[str, Any] | None:
        """The run's job return, or None when it was asked to end and is to be resumed later."""
        self._check_config()
        while True:
            lease = await self._wait_for_lease()
            if lease is None:
                result = read_result(self._directory)
                return job_return(result) if result else None
            try:
                self._freeze_config()
                return await self._attempts(lease)
            except LeaseLost as lost:
                # Another worker trains the run: this dispatch waits for its result like any second one.
                print(str(lost), file=sys.stderr, flush=True)
            except OSError as error:
                failure = volume_failure(error)
                if failure is None:
                    raise
                raise failure from error
            finally:
                lease.release()

    def _keep_wish(self) -> None:
        """Before the child hears of it: were we to die now, the next dispatch would still only package."""
        try:
            if read_result(self._directory) is None:
                write_stop_mark(self._directory)
        except OSError as error:
            print(f"The stop could not be recorded on the volume: {error}", file=sys.stderr, flush=True)

    async def _wait_for_lease(self) -> Lease | None:
        """The lease; None when the run is finished already, or is to end before it was had."""
        while read_result(self._directory) is None and self._stop in (None, "user") and not self._is_killed:
            lease = try_acquire(self._directory, self._worker_id)
            if lease is not None:
                if read_result(self._directory) is None:
                    return lease
                lease.release()
                return None
            await asyncio.sleep(_LEASE_POLL_SECONDS)
        return None

    def _check_config(self) -> bool:
        """True when the run was frozen before with these very settings, False when it never was."""
        frozen = read_json(self._directory / "config.json")
        if frozen is None:
            return False
        if canonical_json(frozen) != canonical_json(self._job.raw):
            message = f"Run {self._job.run_id} was started before with other settings."
            raise RunFailure("CONFIG_MISMATCH", message, "Start a new run for the new settings.")
        return True

    def _freeze_config(self) -> None:
        if not self._check_config():
            write_bytes(self._directory / "config.json", canonical_json(self._job.raw))

    async def _attempts(self, lease: Lease) -> dict[str, Any] | None:
        if has_stop_mark(self._directory):
            self._stop = "user"
        fruitless, step_before, is_packaging = 0, -1, self._stop == "user"
        while True:
            code = await self._attempt(lease)
            result = read_result(self._directory)
            if result is not None:
                return job_return(result)
            # On a thread: it reads whole checkpoints to compare their hashes.
            newest = await asyncio.to_thread(newest_valid_step, self._directory)
            step = -1 if newest is None else newest
            if self._stop == "user":
                if step <= 0:
                    return self._give_up(lease, "stopped", None)
                if is_packaging or self._is_killed:
                    # The mark is on the volume: the next dispatch packages what is there.
                    return None
                is_packaging = True
            elif self._stop is not None:
                return None
            fruitless = 1 if step > step_before else fruitless + 1
            step_before = max(step, step_before)
            if fruitless >= _ATTEMPTS_WITHOUT_PROGRESS:
                return self._give_up(lease, "failed", _crash_failure(code))
            lease.next_attempt()

    async def _attempt(self, lease: Lease) -> int:
        arguments = ["--volume", str(self._volume), "--run-id", self._job.run_id, "--attempt", str(lease.attempt)]
        process = await ChildProcess.start(_SCRIPT, *arguments)
        self._process = process
        if self._stop is not None:
            process.request_stop(self._stop)
        if self._is_killed:
            process.kill()
        beat = asyncio.create_task(self._keep_lease(lease, process))
        try:
            code = await process.relay(self._on_event)
        finally:
            self._process = None
            beat.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await beat
        if code not in (0, _CHILD_BUSY):
            print(f"The training process of run {self._job.run_id} ended with code {code}.", file=sys.stderr, flush=True)
        return code

    async def _keep_lease(self, lease: Lease, process: ChildProcess) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            try:
                lease.renew()
                if self._stop is None and has_stop_mark(self._directory):
                    # The user's stop reached a worker that was only waiting for this run.
                    self.request_stop("user")
            except LeaseLost as lost:
                print(str(lost), file=sys.stderr, flush=True)
                self._stop = "shutdown"
                process.kill()
                return
            except OSError as error:
                print(f"The lease could not be renewed: {error}", file=sys.stderr, flush=True)

    def _give_up(self, lease: Lease, status: EndStatus, failure: RunFailure | None) -> dict[str, Any]:
        """Writes the result of a run whose child could not write it itself."""
        log = EventLog(self._directory, lease.attempt, lambda line: self._on_event(json.loads(line)))
        if failure is not None:
            log.log("error", f"{failure.message} {failure.advice}")
        log.emit("finished", status=status)
        log.close()
        report = RunReport(job=self._job, attempt=lease.attempt, config_sha256=sha256_bytes(canonical_json(self._job.raw)), error=failure)
        report.ended_by = "user" if status == "stopped" else None
        write_result(self._directory, report, status=status, last_seq=log.last_seq)
        result = read_result(self._directory)
        if result is None:
            raise OSError("result.json could not be read back")
        return job_return(result)


def _crash_failure(code: int) -> RunFailure:
    if code == -9:
        message = "The training process was killed several times, most likely because the worker's memory ran out."
        return RunFailure("OUT_OF_MEMORY", message, "Lower max_length or the batch size, or choose a smaller base model.")
    how = f"by signal {-code}" if code < 0 else f"with code {code}"
    return RunFailure("INTERNAL", f"The training process ended {how} several times without getting further.", _ADVICE_CRASH)


async def finish_stopping(supervisor: RunSupervisor, run: "asyncio.Future[Any]", reason: StopReason, seconds: float) -> None:
    """Stops a run and waits until it has ended, whatever cancellations arrive meanwhile."""
    supervisor.request_stop(reason)
    await uninterrupted(asyncio.wait({run}, timeout=seconds))
    if not run.done():
        supervisor.kill()
        await uninterrupted(asyncio.wait({run}, timeout=10.0))
    if run.done() and not run.cancelled() and (error := run.exception()) is not None:
        print(redacted(f"The stopped run ended with an error: {type(error).__name__}: {error}"), file=sys.stderr, flush=True)


async def uninterrupted(work: Coroutine[Any, Any, Any]) -> Any:
    """The result of the work, whatever cancellations arrive meanwhile."""
    task = asyncio.ensure_future(work)
    while not task.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.shield(task)
    return task.result()
