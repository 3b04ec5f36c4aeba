"""The time and money guard, and how soon a stop is heard, under a clock that the test moves."""

from pathlib import Path
from typing import Any

import pytest
import torch
from loop_support import Backward, encoded_rows, events_of, make_loop, wrap_backward
from support import StopAt

from loop.guards import Budget, Durations, budget_of
from loop.micro_batches import MicroBatch
from loop.training_loop import Clock, TrainingLoop
from protocol import StopReason
from run.checkpoint import CheckpointStore
from run.past_events import past_of


class FakeTime:
    """A clock that stands until something takes time."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        """As the loop reads it."""
        return self.seconds


def _slow(loop: TrainingLoop, time: FakeTime, seconds: float) -> None:
    def slow(backward: Backward, batch: MicroBatch, labels: int) -> torch.Tensor:
        time.seconds += seconds
        return backward(batch, labels)

    wrap_backward(loop, slow)


@pytest.mark.parametrize(("budget", "reason"), [(Budget(20.0), "time_limit"), (Budget(20.0, "cost_limit"), "cost_limit")])
def test_the_run_stops_before_its_deadline_with_room_to_package(tiny: Path, tmp_path: Path, budget: Budget, reason: StopReason) -> None:
    """Deadline with a fake clock: would catch a run that is cut off by the platform before its adapter is written."""
    time = FakeTime()
    loop = make_loop(tiny, tmp_path, encoded_rows(tiny, 12), clock=Clock(time.now, budget), num_train_epochs=20, packing=False)
    _slow(loop, time, 3.0)
    assert loop.run() == reason
    packaging = loop._durations.packaging
    assert packaging >= 2.0
    assert time.seconds + packaging <= 20.0 < time.seconds + 3.0 + packaging
    assert loop.progress.step == 5


def test_evaluation_samples_and_saving_are_part_of_the_room_that_is_kept(tiny: Path, tmp_path: Path) -> None:
    """Would catch a guard that counts steps only: a final evaluation of minutes would run past the deadline."""
    rows = encoded_rows(tiny, 16)
    time = FakeTime()

    def sampler(_step: int) -> bool:
        time.seconds += 2.0
        return True

    loop = make_loop(
        tiny,
        tmp_path,
        rows[:12],
        held_out=rows[12:],
        clock=Clock(time.now, Budget(60.0)),
        sampler=sampler,
        num_train_epochs=20,
        evals_per_epoch=1,
        packing=False,
    )
    measure = loop._held_out.measure

    def slow_measure(should_stop: Any) -> Any:
        time.seconds += 10.0
        return measure(should_stop)

    vars(loop._held_out)["measure"] = slow_measure
    _slow(loop, time, 3.0)
    loop.evaluate_base()
    assert loop.run() == "time_limit"
    assert (loop._durations.evaluation, loop._durations.samples) == (10.0, 2.0)
    assert time.seconds + loop._durations.packaging <= 60.0
    # Two more steps would have fitted, but not the evaluation that a third one brings.
    assert 60.0 - time.seconds < 3.0 + 10.0 + 2.0 + loop._durations.packaging
    before = time.seconds
    loop.evaluate_once_more(8.0)
    assert time.seconds == before


def test_seconds_of_earlier_attempts_count(tiny: Path, tmp_path: Path) -> None:
    """Would catch a limit that starts anew whenever the worker is lost."""
    rows = encoded_rows(tiny, 12)
    time = FakeTime()
    first = make_loop(tiny, tmp_path, rows, clock=Clock(time.now), num_train_epochs=20, packing=False, max_steps=3)
    _slow(first, time, 3.0)
    first.run()
    assert first.progress.seconds == 9.0
    saved = CheckpointStore(tmp_path).newest()
    assert saved is not None
    later = FakeTime()
    later.seconds = 500.0
    second = make_loop(tiny, tmp_path, rows, clock=Clock(later.now, Budget(20.0)), saved=saved, num_train_epochs=20, packing=False)
    _slow(second, later, 3.0)
    assert second.run() == "time_limit"
    assert (second.progress.step, later.seconds) == (5, 506.0)


def test_an_attempt_that_was_killed_counts_as_long_as_it_wrote_events() -> None:
    """Would catch seconds since the last checkpoint of a killed worker that nobody counts, although they were paid."""
    events = [
        {"attempt": 1, "t": 1_000, "kind": "stage"},
        {"attempt": 1, "t": 31_000, "kind": "heartbeat"},
        {"attempt": 2, "t": 90_000, "kind": "stage"},
        {"attempt": 2, "t": 95_500, "kind": "step"},
        {"attempt": 3, "t": 200_000, "kind": "stage"},
    ]
    past = past_of(events, attempt=3, now_ms=204_000)
    assert (past.seconds_before, past.seconds_now) == (35.5, 4.0)


@pytest.mark.parametrize(
    ("limits", "seconds", "reason"),
    [
        ((None, None, None), None, "time_limit"),
        ((600, None, None), 600.0, "time_limit"),
        ((None, 1_000_000, 2_000_000), 1800.0, "cost_limit"),
        ((600, 1_000_000, 2_000_000), 600.0, "time_limit"),
        ((3600, 1_000_000, 2_000_000), 1800.0, "cost_limit"),
        # A cost limit without a price cannot be kept.
        ((None, 1_000_000, None), None, "time_limit"),
    ],
)
def test_money_becomes_seconds_and_the_tighter_limit_counts(limits: Any, seconds: float | None, reason: str) -> None:
    budget = budget_of(*limits)
    assert (budget.seconds, budget.reason) == (seconds, reason)


def test_the_slowest_steps_but_one_in_twenty_set_the_pace() -> None:
    durations = Durations(step_guess=7.0)
    assert durations.slow_step() == 7.0
    durations.steps.extend([1.0] * 40 + [4.0] * 4)
    assert durations.slow_step() == 4.0


@pytest.mark.parametrize("micro_batch", [1, 4, 9])
def test_a_stop_is_heard_within_one_micro_batch(tiny: Path, tmp_path: Path, micro_batch: int) -> None:
    """Cancel latency: would catch a stop that waits for the whole step, which may take minutes."""
    stop = StopAt()
    loop = make_loop(
        tiny, tmp_path, encoded_rows(tiny, 12), stop=stop, per_device_train_batch_size=1, gradient_accumulation_steps=12, packing=False
    )
    loop.progress.micro_batch_tokens = 1
    passes: list[int] = []
    before = loop.adapter()

    def counted(backward: Backward, batch: MicroBatch, labels: int) -> torch.Tensor:
        passes.append(len(batch.rows))
        if len(passes) == micro_batch:
            stop._reason = "user"
        return backward(batch, labels)

    wrap_backward(loop, counted)
    assert loop.run() == "user"
    assert len(passes) == micro_batch
    assert loop.progress.step == 0
    assert events_of(tmp_path, "step") == []
    assert all(torch.equal(before[name], tensor) for name, tensor in loop.adapter().items())


def test_a_stop_is_heard_within_one_evaluated_micro_batch(tiny: Path, tmp_path: Path) -> None:
    """Would catch a stop that waits for five hundred held-out rows; what was interrupted stays due."""
    rows = encoded_rows(tiny, 16)
    stop = StopAt()
    loop = make_loop(tiny, tmp_path, rows[:4], held_out=rows[4:], stop=stop, per_device_train_batch_size=1)
    loop.progress.micro_batch_tokens = 1
    scores = loop._held_out._objective.row_scores
    calls: list[int] = []

    def counted(batch: Any) -> Any:
        calls.append(len(batch))
        stop._reason = "shutdown" if len(calls) == 3 else None
        return scores(batch)

    vars(loop._held_out._objective)["row_scores"] = counted
    loop.evaluate_base()
    assert len(calls) == 3
    assert loop.progress.eval_pending
    assert events_of(tmp_path, "eval") == []
    assert loop.run() == "shutdown"
