"""What the stages of the GPU smoke test share: the report, random rows, a model with LoRA, a real training loop over it."""

import importlib.metadata
import json
import platform
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import torch
from support import hyperparameters

from data.encoder import Row
from loop.objective import Objective
from loop.schedule import Schedule
from loop.training_loop import Clock, Outcome, TrainingLoop
from model.delta_rule import use_own_delta_rule
from model.fast_layers import use_fast_layers
from model.grouped_experts import use_grouped_experts
from model.loading import Placement
from model.plan import layer_units, layers_with_room
from model.recomputation import recompute_layers
from protocol import Hyperparameters, StopReason
from run.checkpoint import Checkpoint, CheckpointStore
from run.control import StopSource
from run.run_progress import Progress
from run.status_manager import EventLog, read_events

# Optimizer, gradients and one piece of logits, in bytes: generous for an adapter of rank 32.
_ROOM_FOR_A_STEP = 3 << 30
_VERSIONED = ("torch", "triton", "transformers", "peft", "bitsandbytes", "flash-linear-attention", "causal-conv1d", "flash-attn")


class Report:
    """Says what a stage found, at once, so that a stage that is stopped keeps what it has."""

    def __init__(self, said: TextIO, *, tiny: bool, deadline: float) -> None:
        self._said = said
        self.tiny = tiny
        self.deadline = deadline
        self._say("host", {"device": device_name(tiny), "versions": _versions()})

    @property
    def seconds_left(self) -> float:
        """Seconds until the stage is stopped."""
        return self.deadline - time.monotonic()

    def figure(self, name: str, **values: Any) -> None:
        """Something that was measured."""
        self._say("figure", {"name": name, **values})

    def check(self, name: str, ok: bool, **values: Any) -> None:
        """Something that must hold; the stage passes when all of them do."""
        self._say("check", {"name": name, "ok": bool(ok), **values})

    def target(self, name: str, value: float, goal: float, unit: str) -> None:
        """A goal on one H100; missing it does not fail the stage."""
        self._say("target", {"name": name, "value": round(value, 1), "goal": goal, "unit": unit, "reached": value >= goal})

    def _say(self, kind: str, values: dict[str, Any]) -> None:
        self._said.write(json.dumps({kind: values}, ensure_ascii=False) + "\n")
        self._said.flush()


def device_name(tiny: bool) -> str:
    """The GPU's name, or the processor's where tiny shapes run."""
    return f"CPU {platform.machine()}" if tiny else torch.cuda.get_device_name(0)


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "cuda": str(torch.version.cuda)}
    for name in _VERSIONED:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def placement(tiny: bool) -> Placement:
    """bf16 on the GPU; float32 on the CPU for tiny shapes."""
    return Placement("cpu", "float32", autocast=False) if tiny else Placement("cuda", "bfloat16", autocast=True)


def settings(**changes: Any) -> Hyperparameters:
    """Hyperparameters of a run without held-out rows, warm-up or scheduled checkpoints."""
    base = hyperparameters(eval_fraction=0.0, warmup_ratio=0.0, lr_scheduler_type="constant", save_every_steps=10_000, lora_dropout=0.0)
    return Hyperparameters(**{**base, **changes})


def random_rows(count: int, lengths: Sequence[int], vocabulary: int, seed: int = 0) -> list[Row]:
    """Rows of random tokens; the first quarter of each is the prompt, the rest is learned."""
    generator = torch.Generator().manual_seed(seed)
    rows = []
    for index in range(count):
        length = lengths[index % len(lengths)]
        ids = torch.randint(3, vocabulary, (length,), generator=generator).tolist()
        rows.append(Row(index=index, ids=ids, labels=list(range(max(1, length // 4), length)), prompt_messages=[]))
    return rows


class Never:
    """Nobody asks the run to end."""

    reason: StopReason | None = None


@dataclass
class StopWhen:
    """Asks the run to end at a moment of the monotonic clock."""

    deadline: float

    @property
    def reason(self) -> StopReason | None:
        """As the loop asks for it."""
        return "user" if time.monotonic() >= self.deadline else None


@dataclass
class Trained:
    """How a piece of training went: the outcome, its `step` events, its warnings."""

    outcome: Outcome
    steps: list[dict[str, Any]]
    warnings: list[str]
    loop: TrainingLoop
    seconds: float

    @property
    def losses(self) -> list[float]:
        """Loss of every step (nats per label token)."""
        return [float(step["loss"]) for step in self.steps]

    @property
    def tokens_per_second(self) -> float:
        """Median over the steps; the first one, which warms up kernels and the allocator, does not count."""
        rates = [float(step["tokens_per_s"]) for step in self.steps]
        return statistics.median(rates[1:] or rates or [0.0])


def new_loop(
    model: Any,
    where: Placement,
    rows: Sequence[Row],
    parameters: Hyperparameters,
    folder: Path,
    stop: StopSource,
    saved: Checkpoint | None = None,
    objective: type[Objective] = Objective,
) -> TrainingLoop:
    """The trainer's own loop over these rows, from a checkpoint if there is one; its events go to `folder`."""
    torch.manual_seed(parameters.seed)
    loop = TrainingLoop(
        model=model,
        objective=objective(model, where, 0),
        schedule=Schedule(parameters, rows),
        held_out=[],
        store=CheckpointStore(folder),
        log=EventLog(folder, 1),
        stop=stop,
        clock=Clock(),
        progress=saved.progress if saved is not None else Progress(),
    )
    loop.prepare(saved, rehearse=False)
    return loop


def train(loop: TrainingLoop, folder: Path) -> Trained:
    """Runs a loop to its end and reads back what it recorded."""
    began = time.monotonic()
    outcome = loop.run()
    events = list(read_events(folder / "events"))
    steps = [event for event in events if event["kind"] == "step"]
    warnings = [str(event["message"]) for event in events if event["kind"] == "log" and event["level"] == "warning"]
    return Trained(outcome, steps, warnings, loop, time.monotonic() - began)


def prepare_layers(model: Any, tiny: bool, tokens: int = 0) -> int:
    """Fast layers, and activations computed twice where those of `tokens` do not fit, as the trainer prepares a model.

    Returns how many layers keep theirs.
    """
    use_own_delta_rule(model)
    use_fast_layers(model, placement(tiny))
    if not tiny:
        use_grouped_experts(model)
    kept = 0
    if tokens and not tiny:
        config = model.config.get_text_config()
        free = torch.cuda.mem_get_info()[1] - torch.cuda.memory_allocated() - _ROOM_FOR_A_STEP
        kept = layers_with_room(
            free - tokens * 2 * config.hidden_size * config.num_hidden_layers, tokens * 2 * layer_units(config), config.num_hidden_layers
        )
    recompute_layers(model, kept)
    return kept


def reset_memory(tiny: bool) -> None:
    """Frees what earlier work cached and starts a new peak."""
    if not tiny:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def peak_gib(tiny: bool) -> float:
    """GPU memory at the peak since the last reset, in GiB; 0 on the CPU."""
    return 0.0 if tiny else round(torch.cuda.max_memory_allocated() / 2**30, 2)
