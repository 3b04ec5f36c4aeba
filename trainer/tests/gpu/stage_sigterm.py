"""Stage 7: SIGTERM during training leaves a checkpoint, and the next attempt finishes the run from there."""

import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from gpu.harness import Report
from support import RUN_ID, Volume, planet_rows
from tiny_model import write_tiny_model

_TRAINER = Path(__file__).resolve().parents[2]
_ALLOWED_SECONDS = 30.0


def run(report: Report) -> None:
    """The real training child on a tiny model."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        volume = Volume(root / "volume", write_tiny_model(root / "model"))
        job = volume.job(planet_rows(40), num_train_epochs=6, save_every_steps=10_000, evals_per_epoch=1)
        volume.freeze(job)
        seconds, code = _until_killed(volume, 1)
        kept = [path.parent.name for path in volume.run.glob("checkpoints/step-*/COMPLETE") if path.parent.name != "step-0"]
        report.figure("stopped", seconds=None if seconds is None else round(seconds, 2), exit_code=code, checkpoints=sorted(kept))
        report.check("stopped_with_a_checkpoint", code == 0 and bool(kept) and seconds is not None and seconds < _ALLOWED_SECONDS)
        report.check("left_to_be_resumed", not (volume.run / "result.json").exists())
        code = _to_the_end(volume, 2)
        result: dict[str, Any] = json.loads((volume.run / "result.json").read_text()) if (volume.run / "result.json").exists() else {}
        steps = [point[1] for point in volume.curve() if point[0] == "step"]
        report.check("resumed_and_finished", code == 0 and result.get("status") == "completed", status=result.get("status"))
        report.check("every_step_once", steps == list(range(1, len(steps) + 1)) and bool(steps), steps=len(steps))
        resumed = [event["step"] for event in volume.events("resumed")]
        report.check("went_on_from_the_checkpoint", bool(resumed) and resumed[0] > 0, step=resumed)


def _child(volume: Volume, attempt: int) -> "subprocess.Popen[bytes]":
    arguments = ["--volume", str(volume.root), "--run-id", RUN_ID, "--attempt", str(attempt)]
    command = [sys.executable, "-u", str(_TRAINER / "train_lora.py"), *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def _until_killed(volume: Volume, attempt: int) -> tuple[float | None, int]:
    """Sends SIGTERM after the second step; returns how long the child took to end (None when it ended before), and its exit code."""
    with _child(volume, attempt) as child:
        sent: float | None = None
        for line in child.stdout or []:
            event = json.loads(line)
            if sent is None and event["kind"] == "step" and event["step"] >= 2:
                sent = time.monotonic()
                child.send_signal(signal.SIGTERM)
        code = child.wait()
    return (time.monotonic() - sent if sent is not None else None), code


def _to_the_end(volume: Volume, attempt: int) -> int:
    with _child(volume, attempt) as child:
        for _ in child.stdout or []:
            continue
        return child.wait()
