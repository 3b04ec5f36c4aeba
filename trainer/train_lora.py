"""Entry point of the training child: one attempt at one run, from frozen config to result.json."""

import argparse
import contextlib
import json
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from loop.guards import budget_of
from process_identity import process_start
from protocol import EndStatus, RunFailure, StopReason, TrainInput, parse_train_input
from run.attempts import AttemptSuperseded
from run.checkpoint_files import newest_valid_step
from run.control import StopControl, StopSource, detach_output
from run.failures import limit_failure
from run.launch import Place, launch, leave_with_launcher, own_place, processes_wanted
from run.past_events import read_past
from run.results import RunReport, write_result
from run.status_manager import EventLog, Heartbeat
from storage import canonical_json, is_disk_full, read_json, sha256_bytes
from worker.lease import exclusive

_LOCK_SECONDS = 45.0
EXIT_BUSY = 75


def main() -> int:
    """Runs one attempt; exit code 0 with a result.json, or 0 without one when told to shut down."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--volume", type=Path, required=True)
    parser.add_argument("--run-id", required=True)
    parser.add_argument("--attempt", type=int, required=True)
    arguments = parser.parse_args()
    run_directory = arguments.volume / "runs" / arguments.run_id
    place = own_place()
    if place is None and (processes := processes_wanted()) > 1:
        return launch(processes, Path(__file__).resolve(), sys.argv[1:])
    if place is not None:
        leave_with_launcher()
    relay = detach_output()
    if place is not None and place.rank > 0:
        from run.follower import follow

        return follow(arguments.volume, run_directory, arguments.attempt, place)
    return _lead(arguments.volume, run_directory, arguments.attempt, relay, place)


def _lead(volume: Path, run_directory: Path, attempt: int, relay: BinaryIO, place: Place | None) -> int:
    """Runs the attempt in the process that writes events and results, once no other process trains the run."""
    stop = StopControl()
    stop.listen(sys.stdin.buffer)
    began = time.monotonic()
    while True:
        with exclusive(run_directory / "trainer.lock") as lock:
            if lock is not None:
                _sign(lock)
                return _attempt(volume, run_directory, attempt, stop, relay.write, place)
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


def _attempt(
    volume: Path, run_directory: Path, attempt: int, stop: StopControl, relay: Callable[[bytes], object], place: Place | None
) -> int:
    log = EventLog(run_directory, attempt, relay)
    try:
        job = parse_train_input(read_json(run_directory / "config.json"))
        report = RunReport(job=job, attempt=attempt, config_sha256=sha256_bytes(canonical_json(job.raw)))
        _end_with_budget(job, run_directory, attempt, stop)
        is_ready = threading.Event()
        stop.on_stop(lambda reason: _leave_early(reason, volume, run_directory, log, report, is_ready))
        with Heartbeat(log):
            return run_guarded(volume, run_directory, log, stop, job, report, place, is_ready)
    except AttemptSuperseded as superseded:
        print(str(superseded), file=sys.stderr, flush=True)
        return EXIT_BUSY
    finally:
        log.close()


def _end_with_budget(job: TrainInput, run_directory: Path, attempt: int, stop: StopControl) -> None:
    """Asks for the end when time or money is used up, whatever is going on; the loop itself ends earlier, to save in time."""
    budget = budget_of(job.max_seconds, job.max_cost_micro_usd, job.price_micro_usd_per_hour)
    past = read_past(run_directory, attempt)
    left = budget.left(past.seconds_before + past.seconds_now)
    if left is not None:
        timer = threading.Timer(min(max(left, 0.0), threading.TIMEOUT_MAX), stop.request, (budget.reason,))
        timer.daemon = True
        timer.start()


def _leave_early(
    reason: StopReason, volume: Path, run_directory: Path, log: EventLog, report: RunReport, is_ready: threading.Event
) -> None:
    """While nothing is trained yet, nothing is lost by not waiting for a download or a load."""
    ships = reason != "shutdown" and has_trained(run_directory)
    if ships:
        # Two threads must not import torch at once.
        is_ready.wait()
    with report.ending:
        if not report.is_interruptible:
            return
        log.emit("stopping", reason=reason)
        if ships and not _ship(reason, volume, run_directory, log, report):
            return
        if reason != "shutdown":
            report.ended_by = reason
            report.error = report.error or limit_failure(reason, report.progress.step, report.job)
            _finish(run_directory, log, report, "failed" if report.error is not None and report.manifest_sha256 is None else "stopped")
        log.close()
        os._exit(0)


def _ship(reason: StopReason, volume: Path, run_directory: Path, log: EventLog, report: RunReport) -> bool:
    """Packages what earlier attempts trained; False when that failed, so that the run has to end in its usual way."""
    try:
        from run.saved_adapter import ship_saved

        ship_saved(volume, run_directory, report, log, reason)
    except Exception as error:
        traceback.print_exc()
        log.log("warning", f"The saved weights could not be packaged without loading the base model: {str(error)[:300]}")
        return False
    return True


def has_trained(run_directory: Path) -> bool:
    """True when an earlier attempt left weights that a user who stops now is to get."""
    return (newest_valid_step(run_directory) or 0) > 0


def run_guarded(
    volume: Path,
    run_directory: Path,
    log: EventLog,
    stop: StopSource,
    job: TrainInput,
    report: RunReport,
    place: Place | None = None,
    is_ready: threading.Event | None = None,
) -> int:
    """Runs the attempt; whatever goes wrong becomes a result that says so. Returns the exit code."""
    try:
        log.emit("stage", stage="preparing", detail="Starting PyTorch")
        from loop.parallel import RankLost
        from run.session import run_session

        if is_ready is not None:
            is_ready.set()
        try:
            run_session(volume=volume, run_directory=run_directory, log=log, stop=stop, job=job, report=report, place=place)
        except RankLost as lost:
            # Not a failure of this process: what counts is how the other one ended, which the launcher passes on.
            print(f"Another process of this attempt is gone: {lost}", file=sys.stderr, flush=True)
            return 0
    except AttemptSuperseded:
        raise
    except RunFailure as failure:
        _fail(run_directory, log, report, failure)
    except MemoryError:
        _fail(run_directory, log, report, RunFailure("OUT_OF_MEMORY", "The worker's memory ran out.", "Choose a smaller base model."))
    except Exception as error:
        _fail(run_directory, log, report, _explained(error, log))
    else:
        if report.status is not None:
            _finish(run_directory, log, report, report.status)
    return 0


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
