"""The other processes of an attempt: they compute their share and write nothing."""

import os
import signal
import sys
import threading
import traceback
from pathlib import Path

from protocol import RunFailure, StopReason, parse_train_input
from run.attempts import AttemptSuperseded
from run.launch import Place
from run.quiet_log import QuietLog
from run.results import RunReport
from storage import canonical_json, read_json, sha256_bytes

_GRACE_SECONDS = 10.0


class _NeverStops:
    """Only the first process hears of stops; it tells the others at the next micro-batch."""

    reason: StopReason | None = None


def follow(volume: Path, run_directory: Path, attempt: int, place: Place) -> int:
    """Takes part in the attempt until the first process ends it; an exit code other than 0 ends them all."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A stop that reaches every process at once must not take the others from the first one amid a step.
    signal.signal(signal.SIGTERM, lambda *_: threading.Timer(_GRACE_SECONDS, os._exit, (1,)).start())
    from loop.parallel import RankLost
    from run.session import run_session

    job = parse_train_input(read_json(run_directory / "config.json"))
    report = RunReport(job=job, attempt=attempt, config_sha256=sha256_bytes(canonical_json(job.raw)))
    try:
        run_session(
            volume=volume,
            run_directory=run_directory,
            log=QuietLog(attempt),
            stop=_NeverStops(),
            job=job,
            report=report,
            place=place,
        )
    except (RankLost, RunFailure, AttemptSuperseded):
        # The first process has the same failure, or is gone; either way it is the one whose end counts.
        return 0
    except Exception:
        traceback.print_exc()
        sys.stderr.flush()
        return 1
    return 0
