"""kill -9 at any point: the continued curve equals the uninterrupted one exactly."""

import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import RUN_ID, Volume, assert_sequence_unbroken, planet_rows

SCRIPT = Path(__file__).resolve().with_name("kill_point.py")
SETTINGS: dict[str, Any] = {"lora_dropout": 0.2, "num_train_epochs": 3, "save_every_steps": 2}


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Volume:
    """The run without interruption."""
    volume = Volume(tmp_path_factory.mktemp("reference"), tiny)
    assert volume.attempt(volume.job(planet_rows(24), **SETTINGS)) is not None
    return volume


def _killed_attempt(volume: Volume, attempt: int, where: str, number: int) -> None:
    arguments = ["--volume", str(volume.root), "--run-id", RUN_ID, "--attempt", str(attempt)]
    command = [sys.executable, str(SCRIPT), where, str(number), *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        assert process.wait(120) == -9


def _assert_equal_after(volume: Volume, reference: Volume, kills: list[tuple[str, int]]) -> None:
    job = volume.job(planet_rows(24), **SETTINGS)
    volume.freeze(job)
    for attempt, (where, number) in enumerate(kills, start=1):
        _killed_attempt(volume, attempt, where, number)
    result = volume.attempt(job, number=len(kills) + 1)
    assert result is not None
    assert result["status"] == "completed"
    assert volume.curve() == reference.curve()
    assert_sequence_unbroken(volume.events())


# Three tensor files make one checkpoint; the fifth is in the middle of the second checkpoint.
@pytest.mark.parametrize("kills", [[("step", 6)], [("checkpoint", 5)], [("step", 1), ("checkpoint", 8)]], ids=str)
def test_a_killed_run_continues_to_the_digit(volume: Volume, reference: Volume, kills: list[tuple[str, int]]) -> None:
    _assert_equal_after(volume, reference, kills)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_runs_killed_at_random_points_continue_to_the_digit(volume: Volume, reference: Volume, seed: int) -> None:
    generator = random.Random(seed)
    kills = [generator.choice([("step", generator.randint(1, 6)), ("checkpoint", generator.randint(1, 9))]) for _ in range(2)]
    _assert_equal_after(volume, reference, kills)
