"""What an attempt trains and trains on: the base model with its adapter, the tokenizer, the encoded rows."""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.chat_template import ensure_chat_template
from data.dataset import Dataset, build_dataset
from data.encoder import RowEncoder, end_of_turn_ids
from data.mask_sample import mask_samples
from data.training_file import Conversation, read_rows
from data.vocabulary_check import check_vocabulary
from model.base_model import ResolvedModel, resolve
from model.delta_rule import use_own_delta_rule
from model.fast_layers import use_fast_layers
from model.grouped_experts import use_grouped_experts
from model.loading import Placement, choose_placement, count_parameters, load_base, load_tokenizer
from model.lora import add_lora
from model.plan import LoraPlan, MemoryPlan, check_memory, plan_lora, plan_memory, uses_checkpointing
from model.recomputation import recompute_layers
from protocol import TrainInput
from run.results import RunReport
from run.status_manager import EventLog
from worker.safe_url import guard_hub

_EAGER_ATTENTION_LENGTH = 1024
_THREADS_WORTH_PARAMETERS = 5_000_000
_STAGE_SECONDS = 1.0


@dataclass(frozen=True)
class Prepared:
    """Everything a training loop needs."""

    base: ResolvedModel
    tokenizer: Any
    dataset: Dataset
    placement: Placement
    model: Any
    plan: LoraPlan
    memory: MemoryPlan
    # Of the frozen weights before step 1; they must be the same after the last.
    base_weights: str


def find_base(volume: Path, job: TrainInput, log: EventLog) -> ResolvedModel:
    """The base model on this worker's disk, downloaded if need be."""
    log.emit("stage", stage="loading_model")
    return resolve(job.base_model, volume, lambda **fields: log.emit("stage", stage="loading_model", **fields), guard=guard_hub)


def prepare_tokenizer(base: ResolvedModel, log: EventLog) -> Any:
    """The base model's tokenizer, with a chat template in any case."""
    tokenizer = load_tokenizer(base.folder)
    notice = ensure_chat_template(tokenizer)
    if notice is not None:
        log.log("warning", notice)
    return tokenizer


def check_rows(volume: Path, job: TrainInput, log: EventLog) -> list[Conversation]:
    """The conversations of the training file, which must be the one the run was made for."""
    log.emit("stage", stage="preparing", detail="Checking the training file")
    return read_rows(volume, job.dataset)


def prepare_rows(rows: list[Conversation], base: ResolvedModel, tokenizer: Any, report: RunReport, log: EventLog) -> Dataset:
    """Rows as tokens, split into what is trained and what is held out."""
    from transformers import GenerationConfig

    job = report.job
    has_generation_config = (base.folder / "generation_config.json").is_file()
    eos = GenerationConfig.from_pretrained(str(base.folder)).eos_token_id if has_generation_config else None
    encoder = RowEncoder(tokenizer, end_of_turn_ids(tokenizer, eos), job.hyperparameters.max_length)
    dataset = build_dataset(
        rows,
        encoder,
        dataset_sha256=job.dataset.sha256,
        eval_fraction=job.hyperparameters.eval_fraction,
        on_progress=_row_counter(len(rows), log),
        accepts_rows_without_answer=job.accepts_rows_without_answer,
        accepts_rows_cut=job.accepts_rows_cut,
    )
    _tell(dataset, encoder, log)
    report.mask_samples = mask_samples(dataset, tokenizer)
    for sample in report.mask_samples:
        log.emit("mask_sample", **sample)
    report.rows_dropped, report.rows_truncated = dataset.rows_dropped, dataset.rows_truncated
    report.eval_tokens = [len(row.labels) for row in dataset.held_out]
    return dataset


def _tell(dataset: Dataset, encoder: RowEncoder, log: EventLog) -> None:
    """What the user should know about the rows although the run goes on."""
    if encoder.history_rewritten:
        log.log("info", "The model's template rewrites earlier turns; answers are located in the whole conversation.")
    too_long = dataset.rows_dropped - dataset.rows_without_answer
    if too_long:
        log.log("warning", f"{too_long} rows do not fit into max_length and are left out.")
    if dataset.rows_without_answer:
        log.log("warning", f"{dataset.rows_without_answer} rows have nothing to learn and are left out, as was agreed.")
    for notice in dataset.notices:
        log.log("warning", notice)


def _row_counter(total: int, log: EventLog) -> Callable[[int], None]:
    """Says about once a second how far encoding has come."""
    last = time.monotonic()
    log.emit("stage", stage="preparing", detail="Counting tokens", done=0, total=total, unit="rows")

    def on_progress(done: int) -> None:
        nonlocal last
        if time.monotonic() - last > _STAGE_SECONDS:
            last = time.monotonic()
            log.emit("stage", stage="preparing", detail="Counting tokens", done=done, total=total, unit="rows")

    return on_progress


def plan_model(base: ResolvedModel, dataset: Dataset, job: TrainInput, log: EventLog) -> tuple[LoraPlan, Placement, MemoryPlan]:
    """What will be trained and what memory that takes, said before any weight is loaded; refuses what cannot fit."""
    plan = plan_lora(base.folder, job.hyperparameters)
    placement = choose_placement(count_parameters(base.folder), plan.quantization)
    memory = plan_memory(plan, job.hyperparameters, _longest(dataset), placement)
    log.emit("memory_plan", **memory.as_event())
    notice = check_memory(memory, job.hyperparameters.per_device_train_batch_size)
    if notice is not None:
        log.log("warning", notice)
    return plan, placement, memory


def prepare_model(
    base: ResolvedModel,
    tokenizer: Any,
    dataset: Dataset,
    job: TrainInput,
    log: EventLog,
    *,
    plan: LoraPlan,
    placement: Placement,
    layers_kept: int,
) -> Any:
    """The frozen base on its device with a fresh adapter, which depends on the seed only."""
    import torch

    check_vocabulary(tokenizer, _embedding_rows(base), dataset.highest_id)
    if placement.device == "cpu":
        torch.set_num_threads(_threads(count_parameters(base.folder)))
    # On CPUs the fused kernel's backward pass is several times slower than plain matrix products.
    attention = "eager" if placement.device == "cpu" and _longest(dataset) <= _EAGER_ATTENTION_LENGTH else "sdpa"
    log.emit("stage", stage="loading_model", detail="Loading weights")
    torch.manual_seed(job.hyperparameters.seed)
    model = add_lora(load_base(base.folder, placement, attention), job.hyperparameters, placement)
    use_own_delta_rule(model)
    if placement.device == "cuda":
        use_grouped_experts(model)
    replaced = use_fast_layers(model, placement)
    if replaced:
        log.log("info", f"Faster layers in use: {', '.join(f'{count} {kind}' for kind, count in replaced.items())}.")
    if uses_checkpointing(plan, placement):
        recompute_layers(model, layers_kept)
    return model


def _longest(dataset: Dataset) -> int:
    return max(len(row.ids) for row in [*dataset.train, *dataset.held_out])


def _embedding_rows(base: ResolvedModel) -> int:
    from transformers import AutoConfig

    return int(AutoConfig.from_pretrained(str(base.folder), trust_remote_code=False).get_text_config().vocab_size)


def _threads(parameters: int) -> int:
    """One per core, but a single one for models so small that handing work out takes longer than doing it."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    cores //= max(1, int(os.environ.get("LOCAL_WORLD_SIZE", "1")))
    return max(1, cores) if parameters >= _THREADS_WORTH_PARAMETERS else 1
