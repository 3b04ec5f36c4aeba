"""Shipping what a checkpoint holds without loading the base model: for a run that is to end before it trains on."""

from pathlib import Path
from typing import Any

from model.base_model import ResolvedModel
from model.experts import empty_model
from model.loading import Placement
from model.lora import add_lora
from protocol import Hyperparameters, StopReason
from run.checkpoint import CheckpointStore, Tensors
from run.ending import package
from run.failures import limit_failure
from run.past_events import read_past
from run.preparation import find_base, prepare_tokenizer
from run.results import RunReport
from run.status_manager import EventLog


def ship_saved(volume: Path, run_directory: Path, report: RunReport, log: EventLog, reason: StopReason = "user") -> None:
    """Packages the best weights that the newest checkpoint knows of and words the result."""
    report.status, report.ended_by = "stopped", reason
    saved = CheckpointStore(run_directory).newest()
    report.error = limit_failure(reason, saved.progress.step if saved is not None else 0, report.job)
    if saved is None or saved.progress.good_steps == 0:
        return
    progress = report.progress = saved.progress
    base = find_base(volume, report.job, log)
    report.base_model = base.as_json()
    past = read_past(run_directory, log.attempt)
    plan = past.plan or {}
    report.steps_total, report.mask_samples = int(plan.get("steps_total", 0)), past.mask_samples
    report.rows_dropped, report.rows_truncated = int(plan.get("rows_dropped", 0)), int(plan.get("rows_truncated", 0))
    report.eval_tokens = progress.eval_row_tokens
    log.emit("stage", stage="saving")
    best = progress.best_step if progress.best_step not in (None, progress.step) else None
    best_weights = None if best is None else CheckpointStore(run_directory).adapter_at(best)
    report.shipped_step = progress.step if best_weights is None else best
    package(
        run_directory,
        model=_without_base(base, report.job.hyperparameters, best_weights or saved.adapter),
        tokenizer=prepare_tokenizer(base, log),
        base=base,
        report=report,
        log=log,
        rows=(int(plan.get("rows_train", 0)), int(plan.get("rows_eval", 0))),
    )


def _without_base(base: ResolvedModel, parameters: Hyperparameters, adapter: Tensors) -> Any:
    """The model with these adapter weights, its base a mere shape that takes no memory and no loading."""
    import torch

    with torch.device("meta"):
        model = add_lora(empty_model(base.folder, torch.float32, "eager"), parameters, Placement("meta", "float32", autocast=False))
    model.load_state_dict(adapter, strict=False, assign=True)
    return model
