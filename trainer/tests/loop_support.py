"""What the tests of the loop share: a loop over tiny rows, and ways to make it fail, slow or poisonous."""

import math
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from support import Messages, StopAt, hyperparameters, planet_rows

from data.encoder import Row, RowEncoder, end_of_turn_ids
from loop.micro_batches import MicroBatch
from loop.objective import Objective
from loop.parallel import Ranks
from loop.schedule import Schedule
from loop.training_loop import Clock, Sampler, TrainingLoop
from model.loading import Placement, load_base, load_tokenizer
from model.lora import add_lora
from protocol import Hyperparameters
from run.checkpoint import Checkpoint, CheckpointStore
from run.control import StopSource
from run.run_progress import Progress
from run.status_manager import EventLog, read_events

CPU = Placement("cpu", "float32", autocast=False)


def settings(**changes: Any) -> Hyperparameters:
    """Settings without dropout, warm-up or held-out rows."""
    return Hyperparameters(**hyperparameters(**{"lora_dropout": 0.0, "eval_fraction": 0.0, "warmup_ratio": 0.0, **changes}))


def encoded_rows(model: Path, count: int) -> list[Row]:
    """Planet conversations as the tiny model reads them."""
    return _encoded(model, planet_rows(count))


def mixed_rows(model: Path) -> list[Row]:
    """Twelve rows of very different lengths, which packing lays end to end."""
    short = planet_rows(30)
    long = [list(chain.from_iterable(short[a:b])) for a, b in ((9, 13), (13, 18), (18, 27))]
    return _encoded(model, [*short[:9], *long])


def _encoded(model: Path, conversations: list[Messages]) -> list[Row]:
    tokenizer = load_tokenizer(model)
    encoder = RowEncoder(tokenizer, end_of_turn_ids(tokenizer, None), 1024)
    encoded = [encoder.encode(i, messages)[0] for i, messages in enumerate(conversations)]
    return [row for row in encoded if row is not None]


def adapted_model(model: Path, parameters: Hyperparameters, attention: str = "eager") -> Any:
    """The model with an adapter that already changes something: B at zero would hide every mistake in A's gradient."""
    torch.manual_seed(parameters.seed)
    wrapped = add_lora(load_base(model, CPU, attention), parameters, CPU)
    with torch.no_grad():
        for name, parameter in wrapped.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.05)
    return wrapped


def make_loop(
    model: Path,
    folder: Path,
    rows: Sequence[Row],
    *,
    held_out: Sequence[Row] = (),
    clock: Clock | None = None,
    stop: StopSource | None = None,
    saved: Checkpoint | None = None,
    log: EventLog | None = None,
    ranks: Ranks | None = None,
    sampler: Sampler | None = None,
    prepares: bool = True,
    **changes: Any,
) -> TrainingLoop:
    """A loop over the rows; its events and checkpoints go to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    parameters = settings(**changes)
    wrapped = adapted_model(model, parameters)
    loop = TrainingLoop(
        model=wrapped,
        objective=Objective(wrapped, CPU, 0),
        schedule=Schedule(parameters, rows),
        held_out=held_out,
        store=CheckpointStore(folder),
        log=log or EventLog(folder, 1),
        stop=stop or StopAt(),
        clock=clock or Clock(),
        progress=saved.progress if saved is not None else Progress(),
        ranks=ranks,
        sampler=sampler,
    )
    if prepares:
        loop.prepare(saved, rehearse=False)
    return loop


def events_of(folder: Path, kind: str) -> list[dict[str, Any]]:
    """The recorded events of one kind."""
    return [event for event in read_events(folder / "events") if event["kind"] == kind]


def run_steps(loop: TrainingLoop, folder: Path) -> list[dict[str, Any]]:
    """Runs a loop to its end; returns its `step` events."""
    loop.run()
    return events_of(folder, "step")


Backward = Callable[[MicroBatch, int], torch.Tensor]


def wrap_backward(loop: TrainingLoop, wrapper: Callable[[Backward, MicroBatch, int], torch.Tensor]) -> None:
    """Puts something around the forward and backward pass of every micro-batch."""
    gradient = loop._gradient
    inner = gradient._backward
    vars(gradient)["_backward"] = lambda batch, labels: wrapper(inner, batch, labels)


def watch(loop: TrainingLoop) -> list[MicroBatch]:
    """Every micro-batch as it goes through the model from now on."""
    seen: list[MicroBatch] = []

    def noted(backward: Backward, batch: MicroBatch, labels: int) -> torch.Tensor:
        seen.append(batch)
        return backward(batch, labels)

    wrap_backward(loop, noted)
    return seen


def fail_when(loop: TrainingLoop, condition: Callable[[MicroBatch], bool], where: str = "forward") -> None:
    """Lets memory run out whenever the condition holds, before or after gradients were written."""

    def limited(backward: Backward, batch: MicroBatch, labels: int) -> torch.Tensor:
        if condition(batch) and where == "forward":
            raise torch.OutOfMemoryError("simulated")
        result = backward(batch, labels)
        if condition(batch):
            raise torch.OutOfMemoryError("simulated")
        return result

    wrap_backward(loop, limited)


def poison(loop: TrainingLoop, condition: Callable[[Progress], bool], what: str = "gradient") -> None:
    """Makes the gradient or the loss of steps not a number while the condition holds before them."""

    def poisoned(backward: Backward, batch: MicroBatch, labels: int) -> torch.Tensor:
        result = backward(batch, labels)
        if condition(loop.progress) and what == "loss":
            return torch.full_like(result, math.nan)
        if condition(loop.progress):
            gradient = next(p.grad for p in loop._state.parameters if p.grad is not None)
            gradient.fill_(math.nan)
        return result

    wrap_backward(loop, poisoned)


def scale_losses(loop: TrainingLoop, factor: Callable[[int], float]) -> None:
    """Multiplies the reported loss of the step that is computed, by its number."""
    wrap_backward(loop, lambda backward, batch, labels: backward(batch, labels) * factor(loop.progress.step + 1))
