"""Entry point of the training child: one attempt at one run, from frozen config to result.json."""

import argparse
import contextlib
import json
import os
import signal
import socket
import sys
import time
import traceback
from pathlib import Path
from typing import Any, BinaryIO

from control import StopControl, StopSource, detach_output
from lease import exclusive, process_start
from protocol import EndStatus, RunFailure, StopReason, TrainInput, parse_train_input
from results import RunReport, write_result
from status_manager import EventLog, Heartbeat
from storage import canonical_json, is_disk_full, read_json, sha256_bytes

_LOCK_SECONDS = 45.0
EXIT_BUSY = 75


def main() -> int:
    """Runs one attempt; exit code 0 with a result.json, or 0 without one when told to shut down."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--volume", type=Path, required=True)
    parser.add_argument("--run-id", required=True)
    parser.add_argument("--attempt", type=int, required=True)
    arguments = parser.parse_args()
    relay = detach_output()
    stop = StopControl()
    stop.listen(sys.stdin.buffer)
    run_directory = arguments.volume / "runs" / arguments.run_id
    began = time.monotonic()
    while True:
        with exclusive(run_directory / "trainer.lock") as lock:
            if lock is not None:
                _sign(lock)
                _attempt(arguments.volume, run_directory, arguments.attempt, stop, relay.write)
                return 0
        # The trainer of a handler that died is saving its checkpoint; it ends by itself.
        waited = time.monotonic() - began
        if stop.reason is not None or waited > 2 * _LOCK_SECONDS:
            return EXIT_BUSY
        if waited > _LOCK_SECONDS:
            _end_holder(run_directory / "trainer.lock")
        time.sleep(0.2)


def _sign(lock: BinaryIO) -> None:
    lock.truncate(0)
    lock.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "started": process_start(os.getpid())}).encode())
    lock.flush()


def _end_holder(path: Path) -> None:
    """Ends a trainer on this host that hangs, so that its run can go on."""
    holder = read_json(path)
    if not isinstance(holder, dict) or holder.get("host") != socket.gethostname() or os.name == "nt":
        return
    if holder.get("started") is not None and process_start(int(holder["pid"])) == holder["started"]:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(int(holder["pid"]), signal.SIGKILL)


def _attempt(volume: Path, run_directory: Path, attempt: int, stop: StopControl, relay: Any) -> None:
    log = EventLog(run_directory, attempt, relay)
    try:
        job = parse_train_input(read_json(run_directory / "config.json"))
        report = RunReport(job=job, attempt=attempt, config_sha256=sha256_bytes(canonical_json(job.raw)))
        stop.on_stop(lambda reason: _leave_early(reason, run_directory, log, report))
        with Heartbeat(log):
            run_guarded(volume, run_directory, log, stop, job, report)
    finally:
        log.close()


def _leave_early(reason: StopReason, run_directory: Path, log: EventLog, report: RunReport) -> None:
    """While nothing is trained yet, nothing is lost by not waiting for a download or a load."""
    with report.ending:
        if not report.is_interruptible or (reason == "user" and has_trained(run_directory)):
            return
        log.emit("stopping", reason=reason)
        if reason == "user":
            _finish(run_directory, log, report, "stopped")
        log.close()
        os._exit(0)


def has_trained(run_directory: Path) -> bool:
    """True when an earlier attempt left weights that a user who stops now is to get."""
    return any(mark.parent.name != "step-0" for mark in run_directory.glob("checkpoints/step-*/COMPLETE"))


def run_guarded(volume: Path, run_directory: Path, log: EventLog, stop: StopSource, job: TrainInput, report: RunReport) -> None:
    """Runs the attempt; whatever goes wrong becomes a result that says so."""
    try:
        log.emit("stage", stage="preparing", detail="Starting PyTorch")
        from session import run_session

        run_session(volume=volume, run_directory=run_directory, log=log, stop=stop, job=job, report=report)
    except RunFailure as failure:
        _fail(run_directory, log, report, failure)
    except MemoryError:
        _fail(run_directory, log, report, RunFailure("OUT_OF_MEMORY", "The worker's memory ran out.", "Choose a smaller base model."))
    except Exception as error:
        _fail(run_directory, log, report, _explained(error, log))
    else:
        if report.status is not None:
            _finish(run_directory, log, report, report.status)


def _explained(error: Exception, log: EventLog) -> RunFailure:
    if is_disk_full(error):
        return RunFailure("DISK_FULL", "The volume is full.", "Free some space or enlarge the volume, then start the run again.")
    if type(error).__name__ == "OutOfMemoryError":
        return RunFailure("OUT_OF_MEMORY", "The GPU's memory ran out.", "Choose a smaller base model or a GPU with more memory.")
    traceback.print_exc()
    log.log("error", "".join(traceback.format_exception(error))[-1900:])
    message = f"The trainer stopped on an error it does not know: {type(error).__name__}: {str(error)[:300]}"
    return RunFailure("INTERNAL", message, "The run's log has the details. Starting the run again continues from its last checkpoint.")


def _fail(run_directory: Path, log: EventLog, report: RunReport, failure: RunFailure) -> None:
    report.error = failure
    log.log("error", f"{failure.message} {failure.advice}")
    _finish(run_directory, log, report, "failed")


def _finish(run_directory: Path, log: EventLog, report: RunReport, status: EndStatus) -> None:
    report.pass_point_of_no_return()
    log.emit("finished", status=status)
    log.sync()
    write_result(run_directory, report, status=status, last_seq=log.last_seq)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Interpreter teardown of the numeric libraries can take seconds and has nothing left to save.
    os._exit(code)
