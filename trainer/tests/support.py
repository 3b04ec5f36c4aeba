"""What the tests share: a volume with jobs on it, attempts in this process, adapters put together again."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from protocol import StopReason, parse_train_input
from run.results import RunReport, read_result
from run.status_manager import EventLog, read_events
from storage import canonical_json, sha256_bytes

RUN_ID = "0198c0de-0000-7000-8000-000000000001"
PLANETS = ["Mercury", "Venus", "Earth", "Mars", "Jupiter", "Saturn", "Uranus", "Neptune"]
Messages = list[dict[str, str]]


def chat(*turns: str, system: str | None = None) -> Messages:
    """A conversation of alternating user and assistant turns."""
    head = [{"role": "system", "content": system}] if system else []
    return head + [{"role": "user" if i % 2 == 0 else "assistant", "content": text} for i, text in enumerate(turns)]


def planet_rows(count: int) -> list[Messages]:
    """Short rows of different lengths with different first turns."""
    return [
        chat(f"Question {i} about {PLANETS[i % 8]}" + " please" * (i % 5), f"{PLANETS[i % 8]} is number {i}." + " Yes." * (i % 3))
        for i in range(count)
    ]


def hyperparameters(**changes: Any) -> dict[str, Any]:
    """Settings under which a tiny model learns within seconds."""
    return {
        "learning_rate": 5e-3,
        "num_train_epochs": 2,
        "per_device_train_batch_size": 4,
        "gradient_accumulation_steps": 1,
        "max_length": 128,
        "lora_r": 8,
        "lora_alpha": 16,
        "lora_dropout": 0.1,
        "lr_scheduler_type": "cosine",
        "warmup_ratio": 0.1,
        "weight_decay": 0.01,
        "max_grad_norm": 1.0,
        "seed": 11,
        "eval_fraction": 0.2,
        "evals_per_epoch": 2,
        "save_every_steps": 3,
        "max_steps": None,
        "packing": True,
        "load_in_4bit": False,
        "early_stopping_patience": None,
        **changes,
    }


class StopAt:
    """Asks a run to end once a step was recorded."""

    def __init__(self, reason: StopReason | None = None, after_step: int = 0) -> None:
        self._wanted = reason
        self._after = after_step
        self._reason: StopReason | None = reason if reason and after_step == 0 else None

    @property
    def reason(self) -> StopReason | None:
        """As the loop asks for it."""
        return self._reason

    def see(self, event: dict[str, Any]) -> None:
        """Looks at an event as it is recorded."""
        if event["kind"] == "step" and event["step"] >= self._after > 0:
            self._reason = self._wanted


class Volume:
    """A volume directory with one run on it."""

    def __init__(self, root: Path, model: Path) -> None:
        self.root = root
        self.model = model
        self.run = root / "runs" / RUN_ID

    def job(self, rows: list[Messages], max_seconds: int | None = None, **changes: Any) -> dict[str, Any]:
        """Writes the dataset and returns the job input of a run over it."""
        data = b"".join(json.dumps({"messages": row}).encode() + b"\n" for row in rows)
        sha256 = hashlib.sha256(data).hexdigest()
        path = self.root / "datasets" / f"{sha256}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return {
            "v": 1,
            "action": "train",
            "run_id": RUN_ID,
            "dataset": {"kind": "volume", "key": f"datasets/{sha256}.jsonl", "sha256": sha256, "bytes": len(data), "rows": len(rows)},
            "base_model": {"kind": "folder", "path": str(self.model)},
            "hyperparameters": hyperparameters(**changes),
            "limits": {"max_seconds": max_seconds, "max_cost_micro_usd": None, "price_micro_usd_per_hour": None},
            "accepts": {"rows_without_answer": False, "rows_cut": False},
            "sample_prompts": [],
        }

    def freeze(self, job: dict[str, Any]) -> None:
        """Writes config.json as the handler does."""
        self.run.mkdir(parents=True, exist_ok=True)
        (self.run / "config.json").write_bytes(canonical_json(job))

    def attempt(self, job: dict[str, Any], *, number: int = 1, stop: StopAt | None = None) -> dict[str, Any] | None:
        """Runs one attempt in this process, exactly as the child does; returns its result, if it left one."""
        from train_lora import run_guarded

        self.freeze(job)
        source = stop or StopAt()
        log = EventLog(self.run, number, lambda line: source.see(json.loads(line)))
        parsed = parse_train_input(job)
        report = RunReport(job=parsed, attempt=number, config_sha256=sha256_bytes(canonical_json(job)))
        try:
            run_guarded(self.root, self.run, log, source, parsed, report)
        finally:
            log.close()
        return read_result(self.run)

    def events(self, kind: str | None = None) -> list[dict[str, Any]]:
        """The recorded events, all or of one kind."""
        return [event for event in read_events(self.run / "events") if kind in (None, event["kind"])]

    def curve(self) -> list[tuple[Any, ...]]:
        """Steps and evaluations as a client shows them: what a resume voided is gone."""
        points: dict[tuple[str, int], tuple[Any, ...]] = {}
        for event in self.events():
            if event["kind"] == "resumed":
                points = {key: point for key, point in points.items() if key[1] <= event["step"]}
            if event["kind"] == "step":
                points["step", event["step"]] = ("step", event["step"], event["loss"], event["grad_norm"], event["tokens"])
            if event["kind"] == "eval":
                points["eval", event["step"]] = ("eval", event["step"], event["eval_loss"], event["eval_tokens"])
        return sorted(points.values(), key=lambda point: (point[1], point[0]))

    def collect(self, target: Path) -> Path:
        """Puts the packaged adapter together, checking every hash on the way, as the app does."""
        manifest = json.loads((self.run / "manifest.json").read_text())
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for part in manifest["parts"]:
            data = (self.run / part["key"]).read_bytes()
            assert hashlib.sha256(data).hexdigest() == part["sha256"]
            with open(target / part["file"], "ab") as file:
                assert file.tell() == part["offset"]
                file.write(data)
        for file_info in manifest["adapter_files"]:
            assert hashlib.sha256((target / file_info["name"]).read_bytes()).hexdigest() == file_info["sha256"]
        return target


def assert_sequence_unbroken(events: list[dict[str, Any]]) -> None:
    """Every event has the number after the one before it."""
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
