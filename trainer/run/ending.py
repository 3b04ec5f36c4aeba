"""How an attempt ends: what is saved, what is shipped, and what the result says about it."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from loop.training_loop import Outcome, TrainingLoop
from model.base_model import ResolvedModel
from protocol import RunFailure, TrainInput
from run.failures import divergence_failure, limit_failure
from run.results import RunReport
from run.status_manager import EventLog

# A user who stops a run waits for its adapter; an evaluation that takes longer than this is left out.
_STOP_EVAL_SECONDS = 8.0


def conclude(outcome: Outcome, loop: TrainingLoop, report: RunReport, log: EventLog) -> bool:
    """Saves what the outcome calls for and words the result; True when an adapter is to be packaged."""
    if outcome != "finished":
        log.emit("stopping", reason=outcome)
        report.ended_by = outcome
    if outcome not in ("finished", "diverged"):
        loop.save()
    if outcome == "shutdown":
        return False
    if outcome in ("user", "time_limit", "cost_limit"):
        loop.evaluate_once_more(_STOP_EVAL_SECONDS)
    report.error = _failure(outcome, loop, report.job)
    return loop.progress.good_steps > 0


def load_shipped(outcome: Outcome, loop: TrainingLoop, log: EventLog) -> int | None:
    """Puts the weights to be shipped in place and returns their step; None when there are none worth it."""
    is_best_known = outcome != "diverged" or loop.progress.best_step is not None
    step = loop.load_best() if is_best_known else loop.load_last_good()
    if step is not None and step != loop.progress.step:
        why = "they have the lowest held-out loss" if step == loop.progress.best_step else "they are the last before the loss went wrong"
        log.log("info", f"The weights of step {step} are shipped: {why}.")
    return step


def set_status(outcome: Outcome, report: RunReport) -> None:
    """Completed, stopped or failed; a limit that left no adapter is a failure."""
    is_limit = outcome in ("time_limit", "cost_limit")
    if outcome == "diverged" or (is_limit and report.manifest_sha256 is None):
        report.status = "failed"
    else:
        report.status = "completed" if outcome in ("finished", "early_stopping") else "stopped"


def package(
    run_directory: Path, *, model: Any, tokenizer: Any, base: ResolvedModel, report: RunReport, log: EventLog, rows: tuple[int, int]
) -> None:
    """Writes the adapter as it leaves the worker; `rows` are the numbers of training and held-out rows."""
    from run.export import package_adapter

    log.emit("stage", stage="packaging")
    report.manifest_sha256 = package_adapter(
        run_directory,
        model=model,
        tokenizer=tokenizer,
        base=base,
        job=report.job,
        config_sha256=report.config_sha256,
        summary=_summary(report, rows),
    )


def _failure(outcome: Outcome, loop: TrainingLoop, job: TrainInput) -> RunFailure | None:
    if outcome == "finished":
        return None
    if outcome == "diverged":
        return divergence_failure(loop.progress.step, is_finite=loop.progress.skipped_in_row == 0)
    return limit_failure(outcome, loop.progress.step, job)


def _summary(report: RunReport, rows: tuple[int, int]) -> dict[str, Any]:
    progress = asdict(report.progress)
    kept = ("loss_first", "loss_last", "eval_last", "best_step", "tokens", "label_tokens", "train_seconds")
    return {
        "run_id": report.job.run_id,
        "base_model": report.base_model,
        "dataset_sha256": report.job.dataset.sha256,
        "hyperparameters": report.job.hyperparameters.as_json(),
        "rows_train": rows[0],
        "rows_eval": rows[1],
        "rows_truncated": report.rows_truncated,
        "rows_dropped": report.rows_dropped,
        "steps_done": report.progress.step,
        "steps_total": report.steps_total,
        "shipped_step": report.shipped_step,
        "eval_loss_base": report.progress.eval_base,
        "eval_loss_best": report.progress.eval_best,
        "ended_by": report.ended_by,
        "processes": report.processes,
        **{name: progress[name] for name in kept},
    }
