"""Loss, gradient norm and learning curve equal those of TRL, however the batch is cut up, packed or interrupted."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from loop_support import adapted_model
from oracle.trl_reference import ReferenceSettings, train_with_trl
from support import StopAt, chat, hyperparameters
from tiny_model import write_tiny_model

from data.encoder import Row, RowEncoder, end_of_turn_ids
from loop.micro_batches import MicroBatch, as_micro_batch
from loop.objective import Objective
from loop.schedule import Schedule
from loop.training_loop import Clock, TrainingLoop
from model.loading import Placement, load_tokenizer
from protocol import Hyperparameters
from run.checkpoint import CheckpointStore
from run.run_progress import Progress
from run.status_manager import EventLog, read_events

CPU = Placement("cpu", "float32", autocast=False)
FAMILIES = ["qwen3", "llama", "gemma3"]
CASES = ["plain", "accumulation", "packing", "out_of_memory", "packing_out_of_memory"]
Curve = list[tuple[float, float]]
BATCH = 8


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folders of tiny models, made once."""
    made: dict[str, Path] = {}

    def folder(family: str) -> Path:
        if family not in made:
            made[family] = write_tiny_model(tmp_path_factory.mktemp("oracle") / family, family)
        return made[family]

    return folder


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Two trainers of a tiny model gain nothing from more."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _rows(model: Path, count: int) -> list[Row]:
    tokenizer = load_tokenizer(model)
    encoder = RowEncoder(tokenizer, end_of_turn_ids(tokenizer, None), 256)
    # Answers of different lengths: equal rows would leave nothing to pack.
    conversations = [chat(f"Question {i}?", " ".join([f"Number {i} is blue."] * (1 + (i * 7) % 11))) for i in range(count)]
    encoded = [encoder.encode(i, messages)[0] for i, messages in enumerate(conversations)]
    return [row for row in encoded if row is not None]


def _parameters(case: str, steps: int) -> Hyperparameters:
    rows = 2 if case == "accumulation" else BATCH
    return Hyperparameters(
        **hyperparameters(
            learning_rate=2e-3,
            num_train_epochs=20,
            max_steps=steps,
            per_device_train_batch_size=rows,
            gradient_accumulation_steps=BATCH // rows,
            lora_dropout=0.0,
            eval_fraction=0.0,
            warmup_ratio=0.0,
            lr_scheduler_type="constant",
            max_length=256,
            packing="packing" in case,
        )
    )


class _Watched(Objective):
    """Keeps the micro-batches it saw, and lets memory run out for those that are too large."""

    def __init__(self, model: Any, case: str) -> None:
        super().__init__(model, CPU, 0)
        self.seen: list[MicroBatch] = []
        self.failures = 0
        self._most_rows = 3 if case == "out_of_memory" else 1000
        self._most_tokens = 300 if case == "packing_out_of_memory" else 100_000

    def sum_of_losses(self, batch: MicroBatch | Any) -> torch.Tensor:
        """As the loop asks for it."""
        batch = as_micro_batch(batch)
        if len(batch.rows) > self._most_rows or batch.padded_tokens > self._most_tokens:
            self.failures += 1
            raise torch.OutOfMemoryError("simulated")
        self.seen.append(batch)
        return super().sum_of_losses(batch)


def _own_curve(folder: Path, tmp_path: Path, parameters: Hyperparameters, rows: list[Row], case: str) -> tuple[Curve, _Watched]:
    wrapped = adapted_model(folder, parameters, "sdpa")
    objective = _Watched(wrapped, case)
    (tmp_path / "own").mkdir()
    loop = TrainingLoop(
        model=wrapped,
        objective=objective,
        schedule=Schedule(parameters, rows),
        held_out=[],
        store=CheckpointStore(tmp_path / "own"),
        log=EventLog(tmp_path / "own", 1),
        stop=StopAt(),
        clock=Clock(),
        progress=Progress(),
    )
    assert loop.run() == "finished"
    steps = [event for event in read_events(tmp_path / "own" / "events") if event["kind"] == "step"]
    return [(event["loss"], event["grad_norm"]) for event in steps], objective


def _compare(folder: Path, tmp_path: Path, case: str, steps: int) -> tuple[Curve, Curve]:
    """Our curve and TRL's."""
    parameters = _parameters(case, steps)
    rows = _rows(folder, 4 * BATCH)
    own, objective = _own_curve(folder, tmp_path, parameters, rows, case)
    assert (objective.failures > 0) == ("out_of_memory" in case)
    assert any(batch.is_packed for batch in objective.seen) == ("packing" in case)
    schedule = Schedule(parameters, rows)
    ordered = [row for step in range(1, steps + 1) for row in schedule.batch(step)]
    settings = ReferenceSettings(
        micro_batch_rows=parameters.per_device_train_batch_size,
        accumulation=parameters.gradient_accumulation_steps,
        steps=steps,
        learning_rate=parameters.learning_rate,
        weight_decay=parameters.weight_decay,
        max_grad_norm=parameters.max_grad_norm,
    )
    reference = train_with_trl(adapted_model(folder, parameters, "sdpa"), load_tokenizer(folder), ordered, settings, tmp_path / "trl")
    assert len(own) == len(reference) == steps
    return own, reference


@pytest.mark.parametrize(("family", "case"), [("qwen3", "packing"), ("llama", "accumulation"), ("gemma3", "out_of_memory")])
def test_the_first_steps_equal_those_of_trl(models: Callable[[str], Path], tmp_path: Path, family: str, case: str) -> None:
    """Another mask, shift, normalisation or clipping than TRL's would show in the first digits."""
    own, reference = _compare(models(family), tmp_path, case, steps=2)
    assert own[0] == pytest.approx(reference[0], rel=1e-5)
    assert own[1] == pytest.approx(reference[1], rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("family", FAMILIES)
def test_twenty_steps_equal_those_of_trl(models: Callable[[str], Path], tmp_path: Path, family: str, case: str) -> None:
    """An optimizer, weight decay or clipping that differs would drive the curves apart within a few steps."""
    own, reference = _compare(models(family), tmp_path, case, steps=20)
    assert own[0] == pytest.approx(reference[0], rel=1e-5)
    for step, (mine, theirs) in enumerate(zip(own, reference, strict=True), start=1):
        assert mine[0] == pytest.approx(theirs[0], rel=1e-4), f"loss of step {step}"
    assert own[-1][0] < 0.8 * own[0][0]
