"""Runs training children for the handler: one per attempt, relayed, stoppable, never orphaned."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from lease import HEARTBEAT_SECONDS, Lease, LeaseLost, try_acquire
from protocol import EndStatus, RunFailure, StopReason, TrainInput
from results import RunReport, job_return, read_result, write_result
from status_manager import EventLog
from storage import canonical_json, read_json, sha256_bytes, write_bytes

_CHILD = Path(__file__).with_name("train_lora.py")
_LINE_BYTES = 1 << 20
_LEASE_POLL_SECONDS = 1.0
_ATTEMPTS_WITHOUT_PROGRESS = 3
_CHILD_BUSY = 75
_ADVICE_CRASH = "Start the run again: it continues from its last checkpoint. The worker's log may say more."


class TrainerProcess:
    """A training child in a session of its own, which ends when our end of its input closes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, volume: Path, run_id: str, attempt: int) -> "TrainerProcess":
        """Starts the child for one attempt."""
        arguments = ["--volume", str(volume), "--run-id", run_id, "--attempt", str(attempt)]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-u",
            str(_CHILD),
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LINE_BYTES,
            env=_child_environment(),
            **({"creationflags": 0x00000200} if os.name == "nt" else {"start_new_session": True}),
        )
        return cls(process)

    def request_stop(self, reason: StopReason) -> None:
        """Asks the child to save what it has and end."""
        if self._process.stdin is not None and not self._process.stdin.is_closing():
            with contextlib.suppress(OSError):
                self._process.stdin.write(f"stop {reason}\n".encode())

    async def relay(self, on_event: Callable[[dict[str, Any]], None]) -> int:
        """Hands on every event until the child ends; returns its exit code."""
        stream = self._process.stdout
        while stream is not None:
            try:
                line = await stream.readline()
            except ValueError:
                continue
            if not line:
                break
            with contextlib.suppress(ValueError):
                on_event(json.loads(line))
        return await self._process.wait()

    def kill(self) -> None:
        """Ends the child and everything it started, at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.name == "nt":
                self._process.kill()
            else:
                os.killpg(self._process.pid, signal.SIGKILL)


class RunSupervisor:
    """Takes one run from its job input to its result, over as many attempts as it needs."""

    def __init__(self, *, volume: Path, job: TrainInput, worker_id: str, on_event: Callable[[dict[str, Any]], None]) -> None:
        self._volume = volume
        self._job = job
        self._worker_id = worker_id
        self._on_event = on_event
        self._directory = volume / "runs" / job.run_id
        self._process: TrainerProcess | None = None
        self._stop: StopReason | None = None
        self._loop = asyncio.get_running_loop()

    def request_stop(self, reason: StopReason) -> None:
        """Asks the run to end; the first reason counts."""
        if self._stop is None:
            self._stop = reason
            if self._process is not None:
                self._process.request_stop(reason)

    def request_stop_from_thread(self, reason: StopReason) -> None:
        """The same, from outside the event loop (also from a signal handler)."""
        self._loop.call_soon_threadsafe(self.request_stop, reason)

    def kill(self) -> None:
        """Ends a child that did not end when asked."""
        if self._process is not None:
            self._process.kill()

    async def run(self) -> dict[str, Any] | None:
        """The run's job return, or None when it was asked to end and is to be resumed later."""
        self._check_config()
        lease = await self._wait_for_lease()
        if lease is None:
            result = read_result(self._directory)
            return job_return(result) if result else None
        try:
            self._freeze_config()
            return await self._attempts(lease)
        finally:
            lease.release()

    async def _wait_for_lease(self) -> Lease | None:
        """The lease; None when the run is finished already, or is to stop before it was had."""
        while read_result(self._directory) is None and self._stop is None:
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
        fruitless, step_before = 0, -1
        while True:
            code = await self._attempt(lease)
            result = read_result(self._directory)
            if result is not None:
                return job_return(result)
            if self._stop == "user":
                return self._give_up(lease, "stopped", None)
            if self._stop is not None:
                return None
            step = self._last_checkpoint_step()
            fruitless = 1 if step > step_before else fruitless + 1
            step_before = max(step, step_before)
            if fruitless >= _ATTEMPTS_WITHOUT_PROGRESS:
                return self._give_up(lease, "failed", _crash_failure(code))
            lease.next_attempt()

    async def _attempt(self, lease: Lease) -> int:
        process = await TrainerProcess.start(self._volume, self._job.run_id, lease.attempt)
        self._process = process
        if self._stop is not None:
            process.request_stop(self._stop)
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

    async def _keep_lease(self, lease: Lease, process: TrainerProcess) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            try:
                lease.renew()
            except LeaseLost as lost:
                print(str(lost), file=sys.stderr, flush=True)
                self._stop = "shutdown"
                process.kill()
                return
            except OSError as error:
                print(f"The lease could not be renewed: {error}", file=sys.stderr, flush=True)

    def _last_checkpoint_step(self) -> int:
        steps = [int(mark.parent.name.split("-")[1]) for mark in self._directory.glob("checkpoints/step-*/COMPLETE")]
        return max(steps, default=-1)

    def _give_up(self, lease: Lease, status: EndStatus, failure: RunFailure | None) -> dict[str, Any]:
        """Writes the result of a run whose child could not write it itself."""
        log = EventLog(self._directory, lease.attempt, lambda line: self._on_event(json.loads(line)))
        if failure is not None:
            log.log("error", f"{failure.message} {failure.advice}")
        log.emit("finished", status=status)
        log.close()
        report = RunReport(job=self._job, attempt=lease.attempt, config_sha256=sha256_bytes(canonical_json(self._job.raw)), error=failure)
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


def _child_environment() -> dict[str, str]:
    """Ours without the platform's credentials, which training has no use for."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RUNPOD_") and name != "TUNESMITH_EXIT_WITH_STDIN"}
    # Threads that wait asleep: spinning ones multiply a step's time as soon as the computer is used.
    defaults = {"TOKENIZERS_PARALLELISM": "false", "HF_HUB_DISABLE_TELEMETRY": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    if sys.platform == "linux":
        # Otherwise glibc gives large tensors back after every step and faults them in again.
        defaults |= {"MALLOC_MMAP_THRESHOLD_": str(64 << 20), "MALLOC_TRIM_THRESHOLD_": str(16 << 30)}
    return {**defaults, **kept}


async def finish_stopping(supervisor: RunSupervisor, run: "asyncio.Future[Any]", reason: StopReason, seconds: float) -> None:
    """Stops a run and waits until it has ended, whatever cancellations arrive meanwhile."""
    supervisor.request_stop(reason)
    await uninterrupted(asyncio.wait({run}, timeout=seconds))
    if not run.done():
        supervisor.kill()
        await uninterrupted(asyncio.wait({run}, timeout=10.0))


async def uninterrupted(work: Coroutine[Any, Any, Any]) -> Any:
    """The result of the work, whatever cancellations arrive meanwhile."""
    task = asyncio.ensure_future(work)
    while not task.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.shield(task)
    return task.result()
