"""kill -9 and 'stop' at any point: the continued curve equals the uninterrupted one, and an adapter is always left."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from child_runs import ChildRuns
from peft import PeftModel
from safetensors.torch import load_file
from support import Volume, assert_sequence_unbroken, planet_rows
from transformers import AutoModelForCausalLM

from run.results import read_result
from run.status_manager import read_events

SETTINGS: dict[str, Any] = {"lora_dropout": 0.2, "num_train_epochs": 3, "save_every_steps": 2}
ROWS = 24
# How often each place is passed in a whole run, roughly: points are drawn from all of it and a little beyond.
PLACES = {"event": 50, "disk": 700, "torn": 70, "micro": 20, "time": 900}


@pytest.fixture(scope="module")
def children(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChildRuns]:
    """A server that has the libraries loaded."""
    with ChildRuns(tmp_path_factory.mktemp("children") / "stderr.txt") as runs:
        yield runs


def _fresh(root: Path, model: Path) -> Volume:
    volume = Volume(root, model)
    volume.freeze(volume.job(planet_rows(ROWS), **SETTINGS))
    return volume


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory, tiny: Path, children: ChildRuns) -> Volume:
    """The run without interruption."""
    volume = _fresh(tmp_path_factory.mktemp("reference"), tiny)
    assert children.attempt(volume, 1) == 0
    return volume


def _weights(volume: Volume, target: Path) -> dict[str, torch.Tensor]:
    return load_file(str(volume.collect(target) / "adapter_model.safetensors"))


def _assert_equal_after(kills: list[tuple[str, int]], volume: Volume, reference: Volume, children: ChildRuns, target: Path) -> int:
    """Kills one attempt after the other, then lets one end; returns how many were really killed."""
    killed, attempt = 0, 0
    for where, at in kills:
        # A point beyond the end of what is left to do: the run has ended by then, as it may.
        if read_result(volume.run) is None:
            attempt += 1
            code = children.attempt(volume, attempt, where=where, at=at)
            assert code in (0, -9), children.log.read_text()
            killed += code == -9
    if read_result(volume.run) is None:
        assert children.attempt(volume, attempt + 1) == 0, children.log.read_text()
    result, expected = read_result(volume.run), read_result(reference.run)
    assert result is not None
    assert expected is not None
    same = ("status", "steps_done", "loss_first", "loss_last", "eval_loss_best", "best_step", "tokens_trained", "eval_rows")
    assert {name: result[name] for name in same} == {name: expected[name] for name in same}
    assert volume.curve() == reference.curve()
    assert_sequence_unbroken(list(read_events(volume.run / "events")))
    ours, theirs = _weights(volume, target / "ours"), _weights(reference, target / "theirs")
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    return killed


def _drawn(generator: random.Random, count: int) -> list[tuple[str, int]]:
    places = [generator.choice(list(PLACES)) for _ in range(count)]
    return [(place, generator.randint(1, PLACES[place])) for place in places]


@pytest.mark.parametrize("kills", [[("torn", 6)], [("micro", 9)], [("event", 12), ("disk", 120)]], ids=str)
def test_a_killed_run_continues_to_the_digit(
    tmp_path: Path, tiny: Path, reference: Volume, children: ChildRuns, kills: list[tuple[str, int]]
) -> None:
    """In half a file of the second checkpoint, inside a step, at an event and then at a change of the disk."""
    assert _assert_equal_after(kills, _fresh(tmp_path / "volume", tiny), reference, children, tmp_path) == len(kills)


@pytest.mark.slow
def test_runs_killed_at_a_hundred_random_points_continue_to_the_digit(
    tmp_path: Path, tiny: Path, reference: Volume, children: ChildRuns
) -> None:
    """Points in steps, between them, in checkpoints, in packaging and at any moment; two per run."""
    generator = random.Random(20261123)
    killed, run = 0, 0
    where: dict[str, int] = {}
    while killed < 100:
        run += 1
        kills = _drawn(generator, 2)
        volume = _fresh(tmp_path / f"volume-{run}", tiny)
        killed += _assert_equal_after(kills, volume, reference, children, tmp_path / "adapters")
        for place, _ in kills:
            where[place] = where.get(place, 0) + 1
    print(f"{killed} kills in {run} runs, points drawn: {where}")


def _assert_stopped_run_is_usable(volume: Volume, children: ChildRuns, where: str, at: int, target: Path) -> str:
    code = children.attempt(volume, 1, what="stop", where=where, at=at)
    assert code == 0, children.log.read_text()
    result = read_result(volume.run)
    assert result is not None
    assert result["error"] is None
    assert result["steps_done"] > 0
    assert (result["status"], result["ended_by"]) in (("stopped", "user"), ("completed", None))
    folder = volume.collect(target)
    ids = torch.tensor([[5, 6, 7, 8, 9]])
    base = AutoModelForCausalLM.from_pretrained(str(volume.model), dtype=torch.float32)
    with torch.no_grad():
        before = base(input_ids=ids).logits
        after = PeftModel.from_pretrained(base, str(folder))(input_ids=ids).logits
    assert bool(after.isfinite().all())
    assert not torch.equal(before, after)
    return str(result["status"])


@pytest.mark.parametrize(("where", "at"), [("micro", 4), ("event", 25)], ids=str)
def test_a_cancelled_run_leaves_an_adapter_that_loads(tmp_path: Path, tiny: Path, children: ChildRuns, where: str, at: int) -> None:
    assert _assert_stopped_run_is_usable(_fresh(tmp_path / "volume", tiny), children, where, at, tmp_path / "adapter") == "stopped"


@pytest.mark.slow
def test_twenty_runs_cancelled_at_random_points_leave_twenty_adapters_that_load(tmp_path: Path, tiny: Path, children: ChildRuns) -> None:
    """'stop user' on the real child's standard input, from the first step on."""
    generator = random.Random(7)
    ends = {"stopped": 0, "completed": 0}
    while ends["stopped"] < 20:
        where = generator.choice(["micro", "disk", "time"])
        at = {"micro": generator.randint(2, 15), "disk": generator.randint(200, 600), "time": generator.randint(1, 400)}[where]
        volume = _fresh(tmp_path / f"volume-{sum(ends.values())}", tiny)
        # A stop that comes after the last step changes nothing: such a run does not count.
        ends[_assert_stopped_run_is_usable(volume, children, where, at, tmp_path / "adapter")] += 1
    print(f"ends: {ends}")
