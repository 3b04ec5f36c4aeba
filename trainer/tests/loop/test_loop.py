"""The arithmetic of a step: equal to a hand-written one, however it is cut up or interrupted."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from support import StopAt, hyperparameters, planet_rows
from tiny_model import write_tiny_model

from checkpoint import CheckpointStore, Tensors
from data import Row, RowEncoder, end_of_turn_ids
from loop import Clock, TrainingLoop
from models import Placement, add_lora, load_base, load_tokenizer
from objective import Objective
from protocol import Hyperparameters, RunFailure
from run_progress import Progress
from schedule import Schedule
from status_manager import EventLog

CPU = Placement("cpu", "float32", autocast=False)


def _rows(model: Path, count: int) -> list[Row]:
    tokenizer = load_tokenizer(model)
    encoder = RowEncoder(tokenizer, end_of_turn_ids(tokenizer, None), 128)
    encoded = [encoder.encode(i, messages)[0] for i, messages in enumerate(planet_rows(count))]
    return [row for row in encoded if row is not None]


def _loop(model: Path, tmp_path: Path, rows: list[Row], clock: Clock | None = None, **changes: Any) -> TrainingLoop:
    parameters = Hyperparameters(**hyperparameters(**{"lora_dropout": 0.0, "eval_fraction": 0.0, "warmup_ratio": 0.0, **changes}))
    torch.manual_seed(parameters.seed)
    wrapped = add_lora(load_base(model, CPU, "eager"), parameters, CPU)
    # B starts at zero, which would hide every mistake in the gradient of A.
    with torch.no_grad():
        for name, parameter in wrapped.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.05)
    return TrainingLoop(
        model=wrapped,
        objective=Objective(wrapped, CPU, 0),
        schedule=Schedule(parameters, rows),
        held_out=[],
        store=CheckpointStore(tmp_path),
        log=EventLog(tmp_path, 1),
        stop=StopAt(),
        clock=clock or Clock(),
        progress=Progress(),
    )


def _run(loop: TrainingLoop, tmp_path: Path) -> list[dict[str, Any]]:
    from status_manager import read_events

    loop.run()
    return [event for event in read_events(tmp_path / "events") if event["kind"] == "step"]


@pytest.mark.parametrize("family", ["qwen3", "llama", "gemma3"])
def test_loss_and_gradient_norm_equal_a_plain_full_batch_computation(tmp_path: Path, family: str) -> None:
    model = write_tiny_model(tmp_path / "model", family)
    rows = _rows(model, 8)
    loop = _loop(model, tmp_path, rows, per_device_train_batch_size=8, max_steps=1)
    reference = loop._model
    trained = [parameter for parameter in reference.parameters() if parameter.requires_grad]
    total, count = torch.zeros(()), 0
    for row in rows:
        logits = reference(input_ids=torch.tensor([row.ids])).logits[0].float()
        log_probabilities = torch.log_softmax(logits, -1)
        total = total - torch.stack([log_probabilities[i - 1, row.ids[i]] for i in row.labels]).sum()
        count += len(row.labels)
    torch.autograd.backward(total / count)
    expected_loss = float(total.detach()) / count
    norm = math.sqrt(sum(float(p.grad.double().pow(2).sum()) for p in trained if p.grad is not None))
    (step,) = _run(loop, tmp_path)
    assert step["loss"] == pytest.approx(expected_loss, rel=1e-5)
    assert step["grad_norm"] == pytest.approx(norm, rel=1e-4)


def test_tokens_outside_the_answers_have_no_gradient(tiny: Path, tmp_path: Path) -> None:
    rows = _rows(tiny, 2)
    loop = _loop(tiny, tmp_path, rows)
    embeddings = loop._model.get_base_model().get_output_embeddings()
    embeddings.weight.requires_grad_(True)
    seen: list[torch.Tensor] = []
    embeddings.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0]))
    torch.autograd.backward(loop._objective.sum_of_losses(rows))
    assert seen[0].shape[0] == sum(len(row.labels) for row in rows)


def _curve(model: Path, tmp_path: Path, micro: int, accumulation: int) -> list[tuple[float, float]]:
    tmp_path.mkdir()
    loop = _loop(
        model, tmp_path, _rows(model, 12), per_device_train_batch_size=micro, gradient_accumulation_steps=accumulation, max_steps=3
    )
    return [(event["loss"], event["grad_norm"]) for event in _run(loop, tmp_path)]


@pytest.mark.parametrize(("micro", "accumulation"), [(4, 3), (3, 4), (2, 6), (1, 12)])
def test_cutting_a_batch_up_changes_nothing(tiny: Path, tmp_path: Path, micro: int, accumulation: int) -> None:
    whole = _curve(tiny, tmp_path / "whole", 12, 1)
    parts = _curve(tiny, tmp_path / "parts", micro, accumulation)
    for (loss, norm), (part_loss, part_norm) in zip(whole, parts, strict=True):
        assert part_loss == pytest.approx(loss, rel=1e-5)
        assert part_norm == pytest.approx(norm, rel=1e-3)


def _fail_when(loop: TrainingLoop, condition: Callable[[list[Row]], bool], where: str) -> None:
    """Lets memory run out whenever the condition holds, before or after gradients were written."""
    backward = loop._backward

    def limited(rows: Any, labels: int) -> torch.Tensor:
        if condition(list(rows)) and where == "forward":
            raise torch.OutOfMemoryError("simulated")
        result = backward(rows, labels)
        if condition(list(rows)):
            raise torch.OutOfMemoryError("simulated")
        return result

    vars(loop)["_backward"] = limited


@pytest.mark.parametrize("where", ["forward", "backward"])
def test_running_out_of_memory_inside_a_step_does_not_change_the_gradient(tiny: Path, tmp_path: Path, where: str) -> None:
    plain = _curve(tiny, tmp_path / "plain", 12, 1)
    (tmp_path / "oom").mkdir()
    loop = _loop(tiny, tmp_path / "oom", _rows(tiny, 12), per_device_train_batch_size=12, max_steps=3)
    _fail_when(loop, lambda rows: len(rows) > 3, where)
    events = _run(loop, tmp_path / "oom")
    assert loop.progress.micro_batch_rows == 3
    for (loss, norm), event in zip(plain, events, strict=True):
        assert event["loss"] == pytest.approx(loss, rel=1e-5)
        assert event["grad_norm"] == pytest.approx(norm, rel=1e-3)


def test_a_row_that_never_fits_ends_the_run_with_advice(tiny: Path, tmp_path: Path) -> None:
    loop = _loop(tiny, tmp_path, _rows(tiny, 4))
    _fail_when(loop, lambda rows: True, "forward")
    with pytest.raises(RunFailure) as caught:
        loop.run()
    assert caught.value.code == "OUT_OF_MEMORY"


def _poison(loop: TrainingLoop, steps: set[int]) -> None:
    backward = loop._backward

    def poisoned(rows: Any, labels: int) -> torch.Tensor:
        result = backward(rows, labels)
        if loop.progress.step + 1 in steps:
            next(iter(loop._trained.values())).grad.fill_(math.nan)
        return result

    vars(loop)["_backward"] = poisoned


def _snapshot(loop: TrainingLoop) -> Tensors:
    return loop.adapter()


def test_a_step_with_a_gradient_that_is_not_a_number_is_skipped_and_said(tiny: Path, tmp_path: Path) -> None:
    loop = _loop(tiny, tmp_path, _rows(tiny, 12), num_train_epochs=2)
    _poison(loop, {2, 3})
    assert loop.run() == "finished"
    assert all(bool(tensor.isfinite().all()) for tensor in _snapshot(loop).values())
    skipped = [line for line in (tmp_path / "events" / "seg-00000.jsonl").read_text().splitlines() if "skipped_step" in line]
    assert len(skipped) == 2
    assert loop.progress.good_steps == loop.progress.step - 2


def test_three_such_steps_in_a_row_end_the_run_as_diverged(tiny: Path, tmp_path: Path) -> None:
    loop = _loop(tiny, tmp_path, _rows(tiny, 12), num_train_epochs=4)
    _poison(loop, {4, 5, 6})
    assert loop.run() == "diverged"
    assert loop.progress.step == 6


def test_the_time_limit_stops_before_it_is_passed(tiny: Path, tmp_path: Path) -> None:
    seconds = [0.0]
    loop = _loop(tiny, tmp_path, _rows(tiny, 12), clock=Clock(now=lambda: seconds[0], deadline=20.0), num_train_epochs=20)
    backward = loop._backward

    def slow(rows: Any, labels: int) -> torch.Tensor:
        seconds[0] += 3.0
        return backward(rows, labels)

    vars(loop)["_backward"] = slow
    assert loop.run() == "time_limit"
    assert (loop.progress.step, seconds[0]) == (6, 18.0)


def _schedule(rows: int, **changes: Any) -> Schedule:
    row = Row(index=0, ids=[1, 2], labels=[1], prompt_messages=[])
    return Schedule(Hyperparameters(**hyperparameters(**changes)), [row] * rows)


def test_learning_rates_warm_up_and_come_down_as_named() -> None:
    cosine = _schedule(40, num_train_epochs=10, learning_rate=1e-3, warmup_ratio=0.1, lr_scheduler_type="cosine")
    rates = [cosine.learning_rate(step) for step in range(1, cosine.steps_total + 1)]
    assert rates[:10] == pytest.approx([1e-4 * i for i in range(1, 11)])
    assert rates[10] == pytest.approx(1e-3)
    assert rates[-1] == pytest.approx(1e-4, rel=0.02)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    linear = _schedule(40, num_train_epochs=10, learning_rate=1e-3, warmup_ratio=0.0, lr_scheduler_type="linear")
    assert linear.learning_rate(51) == pytest.approx(5e-4)
    constant = _schedule(40, learning_rate=1e-3, warmup_ratio=0.0, lr_scheduler_type="constant")
    assert {constant.learning_rate(step) for step in range(1, 21)} == {1e-3}


def test_every_row_is_seen_once_per_epoch_in_an_order_that_depends_on_the_seed() -> None:
    rows = [Row(index=i, ids=[0] * (i % 9 + 2), labels=[1], prompt_messages=[]) for i in range(50)]
    schedule = Schedule(Hyperparameters(**hyperparameters(num_train_epochs=2)), rows)
    orders = []
    for epoch in range(2):
        steps = range(epoch * schedule.steps_per_epoch + 1, (epoch + 1) * schedule.steps_per_epoch + 1)
        orders.append([row.index for step in steps for row in schedule.batch(step)])
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(50))
    assert orders[0] != orders[1]
    other = Schedule(Hyperparameters(**hyperparameters(seed=12)), rows)
    assert [row.index for row in other.batch(1)] != [row.index for row in schedule.batch(1)]


def test_evaluations_are_spread_over_the_epoch_and_one_is_at_the_end() -> None:
    schedule = _schedule(40, num_train_epochs=2, evals_per_epoch=4, max_steps=17)
    assert [step for step in range(1, 18) if schedule.is_eval_step(step)] == [2, 5, 8, 10, 12, 15, 17]
