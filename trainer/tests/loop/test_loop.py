"""The arithmetic of a step: equal to a hand-written one, however it is cut up, packed or interrupted."""

import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from loop_support import encoded_rows, events_of, fail_when, make_loop, mixed_rows, run_steps, settings, watch
from tiny_model import write_tiny_model

from data.encoder import Row
from loop.micro_batches import MicroBatch
from loop.schedule import Schedule
from protocol import RunFailure


@pytest.mark.parametrize("family", ["qwen3", "llama", "gemma3"])
def test_loss_and_gradient_norm_equal_a_plain_full_batch_computation(tmp_path: Path, family: str) -> None:
    """Would catch a wrong shift, a wrong divisor, or labels of one row scored with another row's states."""
    model = write_tiny_model(tmp_path / "model", family)
    rows = encoded_rows(model, 8)
    loop = make_loop(model, tmp_path, rows, per_device_train_batch_size=8, max_steps=1)
    reference = loop._model
    trained = loop._state.parameters
    total, count = torch.zeros(()), 0
    for row in rows:
        logits = reference(input_ids=torch.tensor([row.ids])).logits[0].float()
        log_probabilities = torch.log_softmax(logits, -1)
        total = total - torch.stack([log_probabilities[i - 1, row.ids[i]] for i in row.labels]).sum()
        count += len(row.labels)
    torch.autograd.backward(total / count)
    expected_loss = float(total.detach()) / count
    norm = math.sqrt(sum(float(p.grad.double().pow(2).sum()) for p in trained if p.grad is not None))
    (step,) = run_steps(loop, tmp_path)
    assert step["loss"] == pytest.approx(expected_loss, rel=1e-5)
    assert step["grad_norm"] == pytest.approx(norm, rel=1e-4)


def _curve(model: Path, folder: Path, **changes: Any) -> list[tuple[float, float]]:
    loop = make_loop(model, folder, mixed_rows(model), num_train_epochs=3, max_length=512, **changes)
    return [(event["loss"], event["grad_norm"]) for event in run_steps(loop, folder)]


def _assert_same(curve: list[tuple[float, float]], other: list[tuple[float, float]]) -> None:
    """Step 1 to 1e-5. AdamW's first step goes by signs, so a gradient near 0 that rounds otherwise shows in later norms."""
    assert len(curve) == len(other) == 3
    assert other[0] == pytest.approx(curve[0], rel=1e-5)
    for (loss, norm), (other_loss, other_norm) in zip(curve, other, strict=True):
        assert other_loss == pytest.approx(loss, rel=1e-5)
        assert other_norm == pytest.approx(norm, rel=1e-3)


@pytest.fixture(scope="module")
def whole(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[float, float]]:
    """Loss and gradient norm of three steps whose twelve rows go through the model at once."""
    return _curve(tiny, tmp_path_factory.mktemp("whole"), per_device_train_batch_size=12, packing=False)


@pytest.mark.parametrize(("micro", "accumulation"), [(4, 3), (3, 4), (2, 6), (1, 12)])
def test_loss_and_gradient_do_not_depend_on_how_a_batch_is_split(
    tiny: Path, tmp_path: Path, whole: list[tuple[float, float]], micro: int, accumulation: int
) -> None:
    """Would catch a mean of means: micro-batches with few label tokens would weigh too much."""
    _assert_same(whole, _curve(tiny, tmp_path, per_device_train_batch_size=micro, gradient_accumulation_steps=accumulation, packing=False))


def test_packing_changes_neither_loss_nor_gradient(tiny: Path, tmp_path: Path, whole: list[tuple[float, float]]) -> None:
    """Would catch rows that see their neighbours in a packed line, and labels of a row's first token."""
    loop = make_loop(tiny, tmp_path, mixed_rows(tiny), num_train_epochs=3, max_length=512, per_device_train_batch_size=12, packing=True)
    seen = watch(loop)
    packed = [(event["loss"], event["grad_norm"]) for event in run_steps(loop, tmp_path)]
    assert loop.is_packing
    assert any(batch.is_packed for batch in seen)
    _assert_same(whole, packed)


@pytest.mark.parametrize("seed", range(3))
def test_loss_and_gradient_do_not_depend_on_a_random_split(
    tiny: Path, tmp_path: Path, whole: list[tuple[float, float]], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Would catch anything that depends on which rows share a micro-batch."""
    generator = random.Random(seed)

    def random_layout(rows: list[Row], **_: Any) -> list[MicroBatch]:
        shuffled = generator.sample(rows, len(rows))
        cuts = sorted(generator.sample(range(1, len(rows)), 4))
        pieces = [shuffled[a:b] for a, b in zip([0, *cuts], [*cuts, len(rows)], strict=True)]
        return [MicroBatch(tuple((row,) for row in piece)) for piece in pieces]

    monkeypatch.setattr("loop.limits.lay_out", random_layout)
    _assert_same(whole, _curve(tiny, tmp_path, per_device_train_batch_size=12))


@pytest.mark.parametrize("where", ["forward", "backward"])
@pytest.mark.parametrize("packing", [True, False])
def test_running_out_of_memory_inside_a_step_does_not_change_the_gradient(
    tiny: Path, tmp_path: Path, whole: list[tuple[float, float]], where: str, packing: bool
) -> None:
    """Would catch gradients that a failed backward pass left behind, and rows that are counted twice or not at all."""
    rows = mixed_rows(tiny)
    longest = max(len(row.ids) for row in rows)
    loop = make_loop(tiny, tmp_path, rows, per_device_train_batch_size=12, num_train_epochs=3, max_length=512, packing=packing)
    fail_when(loop, lambda batch: len(batch.rows) > 1 and batch.padded_tokens > longest // 3, where)
    curve = [(event["loss"], event["grad_norm"]) for event in run_steps(loop, tmp_path)]
    assert loop.progress.micro_batch_rows * loop.progress.micro_batch_tokens <= 12 * 512 // 2
    assert any("Memory ran out" in event["message"] for event in events_of(tmp_path, "log"))
    _assert_same(whole, curve)


def test_dropout_draws_the_same_after_running_out_of_memory(tiny: Path, tmp_path: Path) -> None:
    """Would catch a retried step that starts from other random numbers than a step of that size would have."""
    settings: dict[str, Any] = {"per_device_train_batch_size": 12, "num_train_epochs": 3, "lora_dropout": 0.3, "packing": False}
    retried = make_loop(tiny, tmp_path / "retried", encoded_rows(tiny, 12), **settings)
    fail_when(retried, lambda batch: len(batch.rows) > 6, "backward")
    losses = [event["loss"] for event in run_steps(retried, tmp_path / "retried")]
    plain = make_loop(tiny, tmp_path / "plain", encoded_rows(tiny, 12), **settings)
    plain.progress.micro_batch_rows = retried.progress.micro_batch_rows
    plain.progress.micro_batch_tokens = retried.progress.micro_batch_tokens
    assert [event["loss"] for event in run_steps(plain, tmp_path / "plain")] == losses
    assert len(losses) == 3


def test_a_single_row_that_does_not_fit_ends_the_run_with_advice(tiny: Path, tmp_path: Path) -> None:
    """Would catch an endless loop of halving, and a message that does not say what to change."""
    loop = make_loop(tiny, tmp_path, encoded_rows(tiny, 4))
    fail_when(loop, lambda batch: True)
    with pytest.raises(RunFailure) as caught:
        loop.run()
    assert caught.value.code == "OUT_OF_MEMORY"
    assert "max_length" in caught.value.advice


def _everything(loop: Any) -> list[torch.Tensor]:
    return [*loop.adapter().values(), *loop._state.moments().values(), torch.get_rng_state()]


@pytest.mark.parametrize("fits", [True, False])
def test_the_rehearsal_finds_the_limits_and_leaves_no_trace(tiny: Path, tmp_path: Path, fits: bool) -> None:
    """Would catch a dry step that moves weights or random generators: the run would not be the one without it."""
    rows = encoded_rows(tiny, 24)
    loop = make_loop(tiny, tmp_path, rows, per_device_train_batch_size=8, lora_dropout=0.3, packing=False)
    fail_when(loop, lambda batch: not fits and batch.padded_tokens > 100)
    seen = watch(loop)
    before = _everything(loop)
    loop.prepare(None, rehearse=True)
    longest = max(len(row.ids) for row in rows)
    assert seen[0].padded_tokens >= 4 * longest
    assert all(torch.equal(a, b) for a, b in zip(before, _everything(loop), strict=True))
    assert all(parameter.grad is None for parameter in loop._state.parameters)
    assert loop.progress.step == 0
    assert (loop.progress.micro_batch_rows == 8) == fits
    assert (seen[-1].padded_tokens <= 100) != fits


def test_the_rehearsal_fails_before_any_step_when_one_row_does_not_fit(tiny: Path, tmp_path: Path) -> None:
    """Would catch a run that is charged for its base evaluation before it turns out that it can never train."""
    loop = make_loop(tiny, tmp_path, encoded_rows(tiny, 4))
    fail_when(loop, lambda batch: True)
    with pytest.raises(RunFailure) as caught:
        loop.prepare(None, rehearse=True)
    assert caught.value.code == "OUT_OF_MEMORY"
    assert events_of(tmp_path, "step") == []


def test_a_step_waits_for_the_device_once_however_many_micro_batches_it_has(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Would catch an `.item()` per micro-batch, which makes a GPU idle between them."""
    reads: list[str] = []

    def counted(name: str) -> Callable[..., Any]:
        original = getattr(torch.Tensor, name)

        def read(tensor: torch.Tensor, *arguments: Any) -> Any:
            reads.append(name)
            return original(tensor, *arguments)

        return read

    loop = make_loop(tiny, tmp_path, encoded_rows(tiny, 12), per_device_train_batch_size=1, gradient_accumulation_steps=12, packing=False)
    loop.progress.micro_batch_tokens = 1
    rows = loop._schedule.batch(1)
    assert len(loop._limits.lay_out(rows)) == 12
    # The model of the tests reads its own masks on a CPU; here only the step itself is asked.
    parameters = loop._state.parameters
    monkeypatch.setattr(loop._gradient._objective, "sum_of_losses", lambda batch: sum((p * p).sum() for p in parameters))
    for name in ("item", "tolist", "__float__", "__bool__", "__int__"):
        monkeypatch.setattr(torch.Tensor, name, counted(name))
    assert loop._gradient.compute(rows, 1.0) is not None
    monkeypatch.undo()
    assert reads == ["tolist"]


def _schedule(rows: int, **changes: Any) -> Schedule:
    row = Row(index=0, ids=[1, 2], labels=[1], prompt_messages=[])
    return Schedule(settings(**changes), [row] * rows)


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
    schedule = Schedule(settings(num_train_epochs=2), rows)
    orders = []
    for epoch in range(2):
        steps = range(epoch * schedule.steps_per_epoch + 1, (epoch + 1) * schedule.steps_per_epoch + 1)
        orders.append([row.index for step in steps for row in schedule.batch(step)])
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(50))
    assert orders[0] != orders[1]
    other = Schedule(settings(seed=12), rows)
    assert [row.index for row in other.batch(1)] != [row.index for row in schedule.batch(1)]


def test_evaluations_are_spread_over_the_epoch_and_one_is_at_the_end() -> None:
    schedule = _schedule(40, num_train_epochs=2, evals_per_epoch=4, max_steps=17)
    assert [step for step in range(1, 18) if schedule.is_eval_step(step)] == [2, 5, 8, 10, 12, 15, 17]
