"""One attempt at a run, stage by stage: data, model, base evaluation, training, packaging."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loop.guards import budget_of
from loop.objective import Objective
from loop.parallel import Ranks, connect
from loop.sampling import choose_prompts, sample_answers
from loop.schedule import Schedule
from loop.training_loop import Clock, TrainingLoop
from model.base_model import ResolvedModel
from model.weights_fingerprint import weights_fingerprint
from protocol import TRAINER_VERSION, RunFailure, TrainInput
from run.checkpoint import Checkpoint, CheckpointStore
from run.control import StopSource
from run.ending import conclude, load_shipped, package, set_status
from run.launch import Place
from run.past_events import read_past
from run.preparation import Prepared, check_rows, find_base, plan_model, prepare_model, prepare_rows, prepare_tokenizer
from run.results import RunReport
from run.resume_conditions import ResumeConditions, tokenizer_fingerprint
from run.saved_adapter import ship_saved
from run.status_manager import EventLog
from worker.stop_mark import has_stop_mark


@dataclass
class _Session:
    """What the stages of an attempt hand to each other."""

    volume: Path
    run_directory: Path
    log: EventLog
    stop: StopSource
    job: TrainInput
    report: RunReport
    ranks: Ranks
    store: CheckpointStore
    started: float


def run_session(
    *,
    volume: Path,
    run_directory: Path,
    log: EventLog,
    stop: StopSource,
    job: TrainInput,
    report: RunReport,
    place: Place | None = None,
) -> None:
    """Runs the attempt to its end; `report.status` stays None when the run is to be resumed later."""
    ranks = connect(place or Place())
    store = CheckpointStore(run_directory)
    saved = store.newest() if ranks.is_first else None
    past = read_past(run_directory, log.attempt)
    report.processes = ranks.size
    if saved is not None:
        report.progress = saved.progress
    report.progress.seconds = max(report.progress.seconds, past.seconds_before)
    if log.attempt > 1:
        log.emit("resumed", step=report.progress.step)
    if ranks.same(has_stop_mark(run_directory)):
        report.pass_point_of_no_return()
        if ranks.is_first:
            log.emit("stopping", reason="user")
            ship_saved(volume, run_directory, report, log)
        return
    session = _Session(volume, run_directory, log, stop, job, report, ranks, store, time.monotonic() - past.seconds_now)
    prepared = _prepare(session, saved)
    loop = _build_loop(session, prepared)
    report.pass_point_of_no_return()
    loop.prepare(saved, rehearse=prepared.placement.device != "cpu")
    if ranks.same(saved is None):
        log.emit("stage", stage="evaluating_base", total=len(prepared.dataset.held_out), done=0, unit="rows")
        loop.evaluate_base()
    log.emit("stage", stage="training", done=loop.progress.step, total=report.steps_total, unit="steps")
    _finish(session, loop, prepared)


def _prepare(session: _Session, saved: Checkpoint | None) -> Prepared:
    job, log, report = session.job, session.log, session.report
    rows = check_rows(session.volume, job, log)
    base = _find_base_once(session)
    report.base_model = base.as_json()
    tokenizer = prepare_tokenizer(base, log)
    session.store.conditions = _check_unchanged(session, base, tokenizer, saved)
    dataset = prepare_rows(rows, base, tokenizer, report, log)
    report.progress.eval_row_tokens = report.eval_tokens
    plan, placement, memory = plan_model(base, dataset, job, log)
    model = prepare_model(base, tokenizer, dataset, job, log, plan=plan, placement=placement, layers_kept=memory.layers_kept)
    return Prepared(base, tokenizer, dataset, placement, model, plan, memory, weights_fingerprint(model))


def _find_base_once(session: _Session) -> ResolvedModel:
    """The first process downloads what is missing; the others then find it."""
    if session.ranks.is_first:
        base = find_base(session.volume, session.job, session.log)
        session.ranks.same(None)
        return base
    session.ranks.same(None)
    return find_base(session.volume, session.job, session.log)


def _check_unchanged(session: _Session, base: ResolvedModel, tokenizer: Any, saved: Checkpoint | None) -> ResumeConditions:
    """What this run is made with; refuses to continue a checkpoint that was made with something else."""
    now = ResumeConditions(
        config_sha256=session.report.config_sha256,
        dataset_sha256=session.job.dataset.sha256,
        base_fingerprint=base.fingerprint,
        tokenizer_fingerprint=tokenizer_fingerprint(base.folder, tokenizer),
        trainer_version=TRAINER_VERSION,
    )
    if saved is not None and saved.conditions is not None:
        saved.conditions.require(now)
    elif saved is not None and saved.progress.fingerprint != base.fingerprint:
        message = "The base model's files have changed since this run began, so it cannot be continued."
        raise RunFailure("CONFIG_MISMATCH", message, "Start a new run with the same settings.")
    session.report.progress.fingerprint = base.fingerprint
    return now


def _build_loop(session: _Session, prepared: Prepared) -> TrainingLoop:
    job, tokenizer, log = session.job, prepared.tokenizer, session.log
    prompts = choose_prompts(tokenizer, prepared.dataset, job.sample_prompts)

    def sample(step: int) -> bool:
        answers = sample_answers(prepared.model, tokenizer, prompts, prepared.placement, lambda: session.stop.reason is not None)
        for prompt, text in answers or []:
            log.emit("sample", step=step, prompt=prompt, text=text)
        return answers is not None

    schedule = Schedule(job.hyperparameters, prepared.dataset.train)
    session.report.steps_total = schedule.steps_total
    pad_id = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0
    loop = TrainingLoop(
        model=prepared.model,
        objective=Objective(prepared.model, prepared.placement, pad_id),
        schedule=schedule,
        held_out=prepared.dataset.held_out,
        store=session.store,
        log=log,
        stop=session.stop,
        clock=Clock(budget=budget_of(job.max_seconds, job.max_cost_micro_usd, job.price_micro_usd_per_hour)),
        progress=session.report.progress,
        started=session.started,
        ranks=session.ranks,
        sampler=sample,
    )
    _announce_plan(session, prepared, schedule, is_packing=loop.is_packing)
    return loop


def _announce_plan(session: _Session, prepared: Prepared, schedule: Schedule, *, is_packing: bool) -> None:
    dataset, trained = prepared.dataset, sum(p.numel() for p in prepared.model.parameters() if p.requires_grad)
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
        parameters_trainable=trained,
        # Not counted on the loaded model, where packed weights are fewer numbers.
        parameters_total=prepared.plan.parameters_total + trained,
        device=prepared.placement.device,
        dtype=prepared.placement.label,
        processes=session.ranks.size,
        packing=is_packing,
        targets=sorted(prepared.plan.targets),
    )


def _finish(session: _Session, loop: TrainingLoop, prepared: Prepared) -> None:
    log, report = session.log, session.report
    outcome = loop.run()
    _compare_memory(session, prepared)
    if weights_fingerprint(prepared.model) != prepared.base_weights:
        message = "The base model's weights changed in memory during training, so the adapter would fit no published model."
        raise RunFailure("INTERNAL", message, "Start the run again on another worker; this one's memory may be faulty.")
    is_worth_it = conclude(outcome, loop, report, log)
    if outcome == "shutdown" or not session.ranks.is_first:
        return
    if is_worth_it:
        log.emit("stage", stage="saving")
        report.shipped_step = load_shipped(outcome, loop, log)
    if report.shipped_step is not None:
        rows = len(prepared.dataset.train), len(prepared.dataset.held_out)
        package(
            session.run_directory,
            model=prepared.model,
            tokenizer=prepared.tokenizer,
            base=prepared.base,
            report=report,
            log=log,
            rows=rows,
        )
    set_status(outcome, report)


def _compare_memory(session: _Session, prepared: Prepared) -> None:
    """Says how good the plan was; on a CPU the peak is that of the whole process, which the plan leaves out."""
    peak, planned = session.report.progress.peak_memory_bytes, prepared.memory.total_bytes
    if prepared.placement.device == "cuda" and peak > 0:
        session.log.log("info", f"Memory: {peak / 1e9:.1f} GB at the peak, {planned / 1e9:.1f} GB planned.")
