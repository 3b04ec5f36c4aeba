"""The training child with several processes, as the handler starts it: one event stream, one result, one end."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import RUN_ID, Volume, assert_sequence_unbroken, planet_rows

from run.results import read_result

SCRIPT = Path(__file__).resolve().parents[2] / "train_lora.py"


def _start(volume: Volume, attempt: int = 1) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "TUNESMITH_PROCESSES": "2", "TUNESMITH_DEVICE": "cpu", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-u", str(SCRIPT), "--volume", str(volume.root), "--run-id", RUN_ID, "--attempt", str(attempt)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, start_new_session=True)


@pytest.mark.slow
def test_two_processes_leave_one_event_stream_and_one_result(volume: Volume, tmp_path: Path, tiny: Path) -> None:
    """Would catch events of both ranks in the stream, and a launcher that swallows the first rank's output or input."""
    changes: dict[str, Any] = {"lora_dropout": 0.0, "max_steps": 6}
    job = volume.job(planet_rows(24), **changes)
    volume.freeze(job)
    with _start(volume) as process:
        assert process.stdout is not None
        relayed = [json.loads(line) for line in process.stdout]
        assert process.wait(240) == 0
    result = read_result(volume.run)
    assert result is not None
    assert (result["status"], result["processes"], result["steps_done"]) == ("completed", 2, 6)
    assert_sequence_unbroken(relayed)
    assert relayed == volume.events()
    assert volume.events("plan")[0]["processes"] == 2
    whole = Volume(tmp_path / "whole", tiny)
    one = whole.attempt(whole.job(planet_rows(24), **changes))
    assert one is not None
    assert result["loss_first"] == pytest.approx(one["loss_first"], rel=1e-5)
    assert result["eval_loss_last"] == pytest.approx(one["eval_loss_last"], rel=1e-3)


@pytest.mark.slow
def test_a_stop_through_standard_input_reaches_all_processes(volume: Volume, tmp_path: Path) -> None:
    """Would catch a launcher that keeps the handler's words to itself: the run would be killed instead of packaged."""
    volume.freeze(volume.job(planet_rows(24), num_train_epochs=20))
    with _start(volume) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        for line in process.stdout:
            if json.loads(line)["kind"] == "step":
                process.stdin.write(b"stop user\n")
                process.stdin.flush()
                break
        process.stdout.read()
        assert process.wait(240) == 0
    result = read_result(volume.run)
    assert result is not None
    assert (result["status"], result["ended_by"]) == ("stopped", "user")
    assert (volume.collect(tmp_path / "adapter") / "adapter_model.safetensors").exists()
