"""Seven checks of the trainer on one GPU in under ten minutes: `gpu_smoke.py --out FOLDER --budget 540`.

Each stage runs in a process of its own with a time limit, so that one that hangs or runs out of memory costs only
itself. A JSON line per stage goes to FOLDER/gpu-smoke.jsonl and to standard output. `--tiny` runs all seven on the CPU
with tiny shapes, which shows that the script works and says nothing about a GPU.
Needs torch, transformers, peft, safetensors, tokenizers and numpy; no network, no bitsandbytes.
"""

import argparse
import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

_TESTS = Path(__file__).resolve().parent
BUDGET_SECONDS = 540.0
HARD_STOP_SECONDS = 590.0
_LEAST_SECONDS = 5.0


@dataclass(frozen=True)
class Stage:
    """A check: the module in gpu/ whose `run` does it, and how many seconds it may take on a GPU."""

    number: int
    name: str
    module: str
    seconds: float


STAGES = (
    Stage(1, "environment", "gpu.stage_environment", 25),
    Stage(2, "tiny_families", "gpu.stage_families", 70),
    Stage(3, "nf4", "gpu.stage_nf4", 40),
    Stage(4, "dense_8b", "gpu.stage_dense", 110),
    Stage(5, "mixture_80b", "gpu.stage_mixture", 160),
    Stage(6, "out_of_memory", "gpu.stage_memory", 45),
    Stage(7, "sigterm", "gpu.stage_sigterm", 90),
)


def run_all(out: Path, budget: float, *, tiny: bool, only: set[int]) -> list[dict[str, Any]]:
    """Runs the stages one after the other within the budget (seconds); returns their lines."""
    began = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    lines = []
    with open(out / "gpu-smoke.jsonl", "w", encoding="utf-8") as file:
        for stage in STAGES:
            if only and stage.number not in only:
                continue
            left = min(budget, HARD_STOP_SECONDS) - (time.monotonic() - began)
            # Tiny shapes say nothing about time, and a busy computer may take its own.
            limit = left if tiny else min(stage.seconds, left)
            line = describe(stage, *_run_stage(stage, limit, out, tiny=tiny), tiny=tiny)
            _write(line, file)
            lines.append(line)
    return lines


def _run_stage(stage: Stage, limit: float, out: Path, *, tiny: bool) -> tuple[list[dict[str, Any]], str | None, float]:
    """What a stage's process said, why it did not finish (None when it did), and its seconds."""
    if limit < _LEAST_SECONDS:
        return [], "not run: the time is used up", 0.0
    began = time.monotonic()
    command = [sys.executable, str(Path(__file__).resolve()), "--out", str(out), "--child", str(stage.number), "--budget", str(limit)]
    environment = {**os.environ, "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1", **_stand_ins()}
    if tiny:
        command.append("--tiny")
        environment["TUNESMITH_DEVICE"] = "cpu"
    with open(out / f"stage-{stage.number}.log", "w", encoding="utf-8") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment, start_new_session=True)
        problem = None
        try:
            output, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            problem = f"stopped after {limit:.0f} s"
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
    said = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    if problem is None and process.returncode != 0:
        problem = next((str(entry["error"]) for entry in said if "error" in entry), f"ended with code {process.returncode}")
    return said, problem, time.monotonic() - began


def _stand_ins() -> dict[str, str]:
    """Where the stages and the children they start find what this host lacks."""
    try:
        importlib.import_module("jsonschema")
    except ModuleNotFoundError:
        folders = [str(_TESTS / "gpu" / "stand_ins"), os.environ.get("PYTHONPATH", "")]
        return {"PYTHONPATH": os.pathsep.join(folder for folder in folders if folder)}
    return {}


def describe(stage: Stage, said: list[dict[str, Any]], problem: str | None, seconds: float, *, tiny: bool) -> dict[str, Any]:
    """The line of a stage; figures of a stage that was stopped are kept."""
    host: dict[str, Any] = next((entry["host"] for entry in said if "host" in entry), {})
    checks = [entry["check"] for entry in said if "check" in entry]
    return {
        "stage": stage.number,
        "name": stage.name,
        "ok": problem is None and bool(checks) and all(check["ok"] for check in checks),
        "seconds": round(seconds, 1),
        "checks": checks,
        "figures": [entry["figure"] for entry in said if "figure" in entry],
        "targets": [entry["target"] for entry in said if "target" in entry],
        "problem": problem,
        "tiny": tiny,
        "device": host.get("device", "unknown"),
        "versions": host.get("versions", {}),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }


def _write(line: dict[str, Any], file: TextIO) -> None:
    text = json.dumps(line, ensure_ascii=False)
    file.write(text + "\n")
    file.flush()
    print(text, flush=True)


def _run_child(number: int, seconds: float, *, tiny: bool) -> int:
    """Runs one stage in this process; what libraries print goes to the log, what the stage says to the parent."""
    said = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    sys.path[:0] = [str(_TESTS.parent), str(_TESTS)]
    import torch
    from gpu.harness import Report

    if tiny:
        torch.set_num_threads(1)
    stage = next(stage for stage in STAGES if stage.number == number)
    try:
        report = Report(said, tiny=tiny, deadline=time.monotonic() + seconds)
        importlib.import_module(stage.module).run(report)
    except Exception as error:
        traceback.print_exc()
        said.write(json.dumps({"error": f"{type(error).__name__}: {str(error)[:400]}"}) + "\n")
        said.flush()
        return 1
    said.flush()
    return 0


def main() -> int:
    """Command line of this file; exit code 0 when every stage that was asked for passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--budget", type=float, default=BUDGET_SECONDS, help="seconds for all stages together")
    parser.add_argument("--tiny", action="store_true", help="tiny shapes on the CPU")
    parser.add_argument("--stages", type=int, nargs="*", default=[], help="numbers of the stages to run; all by default")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child is not None:
        return _run_child(arguments.child, arguments.budget, tiny=arguments.tiny)
    lines = run_all(arguments.out, arguments.budget, tiny=arguments.tiny, only=set(arguments.stages))
    return 0 if all(line["ok"] for line in lines) else 1


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # A CUDA context takes seconds to be torn down and has nothing left to say.
    os._exit(code)
