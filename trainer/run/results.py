"""result.json, the system of record of a run, and the small answer that goes through the job API."""

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from protocol import EndStatus, RunFailure, StopReason, TrainInput
from run.attempts import require_newest
from run.checkpoint_files import make_room
from run.reserve import free_reserve
from run.run_progress import Progress
from storage import is_disk_full, read_json, write_json
from worker.redaction import redacted


@dataclass
class RunReport:
    """What an attempt knows about its run, filled in as it goes."""

    job: TrainInput
    attempt: int
    config_sha256: str
    progress: Progress = field(default_factory=Progress)
    steps_total: int = 0
    rows_truncated: int = 0
    rows_dropped: int = 0
    base_model: dict[str, Any] | None = None
    eval_tokens: list[int] = field(default_factory=list)
    shipped_step: int | None = None
    manifest_sha256: str | None = None
    status: EndStatus | None = None
    error: RunFailure | None = None
    ended_by: StopReason | None = None
    mask_samples: list[dict[str, Any]] = field(default_factory=list)
    processes: int = 1
    is_interruptible: bool = True
    ending: threading.RLock = field(default_factory=threading.RLock)

    def pass_point_of_no_return(self) -> None:
        """From here on the run ends by its own course; waits for ever if it is being left already."""
        with self.ending:
            self.is_interruptible = False


def write_result(run_directory: Path, report: RunReport, *, status: EndStatus, last_seq: int) -> None:
    """Writes result.json; nothing of the run is written after it, and none of an attempt that was superseded."""
    require_newest(run_directory, report.attempt)
    content = redacted(_content(report, status, last_seq))
    free_reserve(run_directory)
    while True:
        try:
            write_json(run_directory / "result.json", content)
            return
        except OSError as error:
            # The run has ended, so its older checkpoints are worth less than its result.
            if not is_disk_full(error) or not make_room(run_directory):
                raise


def _content(report: RunReport, status: EndStatus, last_seq: int) -> dict[str, Any]:
    progress = report.progress
    return {
        "v": 1,
        "run_id": report.job.run_id,
        "status": status,
        "attempt": report.attempt,
        "error": report.error.as_json() if report.error else None,
        "steps_done": progress.step,
        "steps_total": report.steps_total,
        "loss_first": progress.loss_first,
        "loss_last": progress.loss_last,
        "eval_loss_base": progress.eval_base,
        "eval_loss_best": progress.eval_best,
        "eval_loss_last": progress.eval_last,
        "best_step": progress.best_step,
        "tokens_trained": progress.label_tokens,
        "train_seconds": round(progress.train_seconds, 3),
        "last_seq": last_seq,
        "config_sha256": report.config_sha256,
        "dataset_sha256": report.job.dataset.sha256,
        "base_model": report.base_model,
        "manifest_sha256": report.manifest_sha256,
        "peak_memory_bytes": progress.peak_memory_bytes,
        "eval_rows": _eval_rows(report),
        "rows_truncated": report.rows_truncated,
        "rows_dropped": report.rows_dropped,
        "ended_by": report.ended_by,
        "mask_samples": report.mask_samples[:3],
        "processes": report.processes,
    }


def _eval_rows(report: RunReport) -> list[list[float | int]] | None:
    base, best = report.progress.eval_base_rows, report.progress.eval_best_rows
    if not base or len(base) != len(best) or len(base) != len(report.eval_tokens):
        return None
    return [[b, s, n] for b, s, n in zip(base, best, report.eval_tokens, strict=True)]


def read_result(run_directory: Path) -> dict[str, Any] | None:
    """The finished result of a run, None while there is none."""
    result = read_json(run_directory / "result.json")
    return result if isinstance(result, dict) and result.get("v") == 1 else None


def job_return(result: dict[str, Any]) -> dict[str, Any]:
    """What the handler returns for a run that ended; a failed training is no failed job."""
    manifest = result["manifest_sha256"]
    return {
        "v": 1,
        "run_id": result["run_id"],
        "status": result["status"],
        "manifest_key": f"runs/{result['run_id']}/manifest.json" if manifest else None,
        "manifest_sha256": manifest,
        "result_key": f"runs/{result['run_id']}/result.json",
        # Not called `error`: the SDK takes that key out of the answer and calls the job failed.
        "failure": result["error"],
    }
