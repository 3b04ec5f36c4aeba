"""One attempt at a run, stage by stage: data, model, base evaluation, training, packaging."""

import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from checkpoint import Checkpoint, CheckpointStore
from control import StopSource
from data import PLAIN_TEMPLATE, Dataset, RowEncoder, build_dataset, end_of_turn_ids, read_rows
from loop import Clock, Outcome, TrainingLoop
from models import Placement, ResolvedModel, add_lora, choose_placement, count_parameters, load_base, load_tokenizer, resolve
from protocol import RunFailure, TrainInput
from results import RunReport
from schedule import Schedule
from status_manager import EventLog

_STOP_EVAL_SECONDS = 8.0
_EAGER_ATTENTION_LENGTH = 1024
_CHECKPOINTING_PARAMETERS = 1_000_000_000
_THREADS_WORTH_PARAMETERS = 5_000_000


@dataclass
class _Session:
    """What the stages of an attempt hand to each other."""

    volume: Path
    run_directory: Path
    log: EventLog
    stop: StopSource
    job: TrainInput
    report: RunReport
    began: float


def run_session(*, volume: Path, run_directory: Path, log: EventLog, stop: StopSource, job: TrainInput, report: RunReport) -> None:
    """Runs the attempt to its end; `report.status` stays None when the run is to be resumed later."""
    session = _Session(volume, run_directory, log, stop, job, report, time.monotonic())
    store = CheckpointStore(run_directory)
    saved = store.newest()
    if saved is not None:
        report.progress = saved.progress
    if log.attempt > 1:
        log.emit("resumed", step=report.progress.step)
    log.emit("stage", stage="preparing", detail="Checking the training file")
    rows = read_rows(volume, job.dataset)
    log.emit("stage", stage="loading_model")
    base = resolve(job.base_model, volume, lambda **fields: log.emit("stage", stage="loading_model", **fields))
    report.base_model = base.as_json()
    _check_unchanged(base, saved)
    tokenizer, dataset = _prepare_rows(session, base, rows)
    placement = choose_placement(count_parameters(base.folder))
    model = _load_model(session, base, dataset, placement)
    loop, schedule = _build_loop(session, base, model, tokenizer, dataset, placement, store, saved)
    _announce_plan(session, model, dataset, schedule, placement)
    report.pass_point_of_no_return()
    if loop.progress.step == 0 and saved is None:
        _begin(session, loop, model, tokenizer, dataset, placement)
    log.emit("stage", stage="training", done=loop.progress.step, total=schedule.steps_total, unit="steps")
    outcome = loop.run()
    _conclude(session, outcome, loop, model, tokenizer, dataset, base, placement)


def _check_unchanged(base: ResolvedModel, saved: Checkpoint | None) -> None:
    if saved is not None and saved.progress.fingerprint != base.fingerprint:
        message = "The base model's files have changed since this run began, so it cannot be continued."
        raise RunFailure("CONFIG_MISMATCH", message, "Start a new run with the same settings.")


def _prepare_rows(session: _Session, base: ResolvedModel, rows: list[Any]) -> tuple[Any, Dataset]:
    from transformers import GenerationConfig

    tokenizer = load_tokenizer(base.folder)
    if not tokenizer.chat_template:
        tokenizer.chat_template = PLAIN_TEMPLATE
        session.log.log("warning", "This base model has no chat template; a plain one is used and saved with the adapter.")
    has_generation_config = (base.folder / "generation_config.json").is_file()
    eos = GenerationConfig.from_pretrained(str(base.folder)).eos_token_id if has_generation_config else None
    encoder = RowEncoder(tokenizer, end_of_turn_ids(tokenizer, eos), session.job.hyperparameters.max_length)
    session.log.emit("stage", stage="preparing", detail="Counting tokens", done=0, total=len(rows), unit="rows")
    last = time.monotonic()

    def on_progress(done: int) -> None:
        nonlocal last
        if time.monotonic() - last > 1.0:
            last = time.monotonic()
            session.log.emit("stage", stage="preparing", detail="Counting tokens", done=done, total=len(rows), unit="rows")

    dataset = build_dataset(
        rows,
        encoder,
        dataset_sha256=session.job.dataset.sha256,
        eval_fraction=session.job.hyperparameters.eval_fraction,
        on_progress=on_progress,
    )
    session.report.rows_dropped, session.report.rows_truncated = dataset.rows_dropped, dataset.rows_truncated
    session.report.eval_tokens = [len(row.labels) for row in dataset.held_out]
    if encoder.history_rewritten:
        session.log.log("info", "The model's template rewrites earlier turns; answers are located in the whole conversation.")
    if dataset.rows_dropped:
        session.log.log("warning", f"{dataset.rows_dropped} rows do not fit into max_length and are left out.")
    return tokenizer, dataset


def _load_model(session: _Session, base: ResolvedModel, dataset: Dataset, placement: Placement) -> Any:
    import torch

    if placement.device == "cpu":
        torch.set_num_threads(_threads(count_parameters(base.folder)))
    longest = max(len(row.ids) for row in [*dataset.train, *dataset.held_out])
    # On CPUs the fused kernel's backward pass is several times slower than plain matrix products.
    attention = "eager" if placement.device == "cpu" and longest <= _EAGER_ATTENTION_LENGTH else "sdpa"
    session.log.emit("stage", stage="loading_model", detail="Loading weights")
    torch.manual_seed(session.job.hyperparameters.seed)
    model = add_lora(load_base(base.folder, placement, attention), session.job.hyperparameters, placement)
    total = sum(parameter.numel() for parameter in model.parameters())
    if placement.device == "cuda" and total >= _CHECKPOINTING_PARAMETERS:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        model.enable_input_require_grads()
    return model


def _threads(parameters: int) -> int:
    """One per core, but a single one for models so small that handing work out takes longer than doing it."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return cores if parameters >= _THREADS_WORTH_PARAMETERS else 1


def _build_loop(
    session: _Session,
    base: ResolvedModel,
    model: Any,
    tokenizer: Any,
    dataset: Dataset,
    placement: Placement,
    store: CheckpointStore,
    saved: Checkpoint | None,
) -> tuple[TrainingLoop, Schedule]:
    from objective import Objective

    job, report = session.job, session.report
    schedule = Schedule(job.hyperparameters, dataset.train)
    report.steps_total = schedule.steps_total
    report.progress.fingerprint = base.fingerprint
    deadline = None
    if job.max_seconds is not None:
        deadline = session.began + job.max_seconds - report.progress.seconds
    pad_id = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0
    loop = TrainingLoop(
        model=model,
        objective=Objective(model, placement, pad_id),
        schedule=schedule,
        held_out=dataset.held_out,
        store=store,
        log=session.log,
        stop=session.stop,
        clock=Clock(deadline=deadline),
        progress=report.progress,
        started=session.began,
    )
    if saved is not None:
        loop.restore(saved)
    return loop, schedule


def _announce_plan(session: _Session, model: Any, dataset: Dataset, schedule: Schedule, placement: Placement) -> None:
    session.log.emit(
        "plan",
        rows_train=len(dataset.train),
        rows_eval=len(dataset.held_out),
        rows_dropped=dataset.rows_dropped,
        rows_truncated=dataset.rows_truncated,
        tokens_total=dataset.tokens_total,
        tokens_trained=dataset.tokens_trained,
        steps_total=schedule.steps_total,
        steps_per_epoch=schedule.steps_per_epoch,
        parameters_trainable=sum(p.numel() for p in model.parameters() if p.requires_grad),
        parameters_total=sum(p.numel() for p in model.parameters()),
        device=placement.device,
        dtype=placement.label,
    )


def _begin(session: _Session, loop: TrainingLoop, model: Any, tokenizer: Any, dataset: Dataset, placement: Placement) -> None:
    session.log.emit("stage", stage="evaluating_base", total=len(dataset.held_out), done=0, unit="rows")
    _emit_samples(session, 0, model, tokenizer, dataset, placement)
    loop.evaluate_base()


def _emit_samples(session: _Session, step: int, model: Any, tokenizer: Any, dataset: Dataset, placement: Placement) -> None:
    from sampling import sample_answers

    if session.stop.reason is None:
        for prompt, text in sample_answers(model, tokenizer, dataset, placement, lambda: session.stop.reason is not None):
            session.log.emit("sample", step=step, prompt=prompt, text=text)


def _conclude(
    session: _Session,
    outcome: Outcome,
    loop: TrainingLoop,
    model: Any,
    tokenizer: Any,
    dataset: Dataset,
    base: ResolvedModel,
    placement: Placement,
) -> None:
    log, report = session.log, session.report
    if outcome != "finished":
        log.emit("stopping", reason=outcome)
        loop.save()
    if outcome == "shutdown":
        return
    if outcome == "diverged":
        message = "The loss was not a finite number three times in a row."
        report.error = RunFailure("DIVERGED", message, "Start a new run with a lower learning rate.")
    if outcome == "time_limit":
        message = f"The time limit of {session.job.max_seconds} seconds was reached after step {loop.progress.step}."
        report.error = RunFailure("TIME_LIMIT", message, "The adapter trained so far is kept. Allow more time to train all steps.")
    if outcome in ("user", "time_limit") and loop.progress.best_step != loop.progress.step and loop.can_evaluate_within(_STOP_EVAL_SECONDS):
        loop.evaluate_once_more()
    if loop.progress.good_steps > 0:
        _ship(session, outcome, loop, model, tokenizer, dataset, base, placement)
    failed = outcome == "diverged" or (outcome == "time_limit" and report.manifest_sha256 is None)
    report.status = "failed" if failed else "completed" if outcome == "finished" else "stopped"


def _ship(
    session: _Session,
    outcome: Outcome,
    loop: TrainingLoop,
    model: Any,
    tokenizer: Any,
    dataset: Dataset,
    base: ResolvedModel,
    placement: Placement,
) -> None:
    from export import package_adapter

    log, report, job = session.log, session.report, session.job
    log.emit("stage", stage="saving")
    report.shipped_step = loop.load_best()
    if report.shipped_step != loop.progress.step:
        log.log("info", f"The weights of step {report.shipped_step} are shipped: they have the lowest held-out loss.")
    if outcome == "finished":
        _emit_samples(session, loop.progress.step, model, tokenizer, dataset, placement)
    log.emit("stage", stage="packaging")
    report.manifest_sha256 = package_adapter(
        session.run_directory,
        model=model,
        tokenizer=tokenizer,
        base=base,
        job=job,
        config_sha256=report.config_sha256,
        summary=_summary(report, job, dataset),
    )


def _summary(report: RunReport, job: TrainInput, dataset: Dataset) -> dict[str, Any]:
    progress = asdict(report.progress)
    kept = ("loss_first", "loss_last", "eval_last", "best_step", "tokens", "label_tokens", "train_seconds")
    return {
        "run_id": job.run_id,
        "base_model": report.base_model,
        "dataset_sha256": job.dataset.sha256,
        "hyperparameters": job.hyperparameters.as_json(),
        "rows_train": len(dataset.train),
        "rows_eval": len(dataset.held_out),
        "rows_truncated": dataset.rows_truncated,
        "rows_dropped": dataset.rows_dropped,
        "steps_done": report.progress.step,
        "steps_total": report.steps_total,
        "shipped_step": report.shipped_step,
        "eval_loss_base": report.progress.eval_base,
        "eval_loss_best": report.progress.eval_best,
        **{name: progress[name] for name in kept},
    }
