"""Runs that end before their last step: by their user, a limit, patience or a loss that went wrong."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from run_checks import assert_follows_contract, assert_loads
from safetensors.torch import load_file
from support import StopAt, Volume, chat, planet_rows

from protocol import parse_train_input
from run.results import RunReport, read_result
from run.status_manager import EventLog
from storage import canonical_json, sha256_bytes


def test_the_best_weights_are_shipped_when_later_ones_are_worse(volume: Volume, tmp_path: Path) -> None:
    """Rows that contradict each other cannot be generalised, so the held-out loss turns up again."""
    rows = [chat(f"Item {i}", f"code {(i * 7919) % 1000}") for i in range(30)]
    job = volume.job(rows, num_train_epochs=20, learning_rate=1e-2, lora_dropout=0.0, eval_fraction=0.3)
    result = volume.attempt(job)
    assert result is not None
    assert result["best_step"] < result["steps_done"]
    assert result["eval_loss_best"] < result["eval_loss_last"]
    shipped = json.loads((volume.collect(tmp_path / "adapter") / "training_summary.json").read_text())["shipped_step"]
    assert shipped == result["best_step"]
    assert any(f"step {shipped} are shipped" in event["message"] for event in volume.events("log"))
    evaluated = {event["step"]: event["eval_loss"] for event in volume.events("eval")}
    assert evaluated[shipped] == min(loss for step, loss in evaluated.items() if step > 0)


def test_a_stopped_run_leaves_an_adapter_that_loads(volume: Volume, tmp_path: Path) -> None:
    result = volume.attempt(volume.job(planet_rows(40)), stop=StopAt("user", after_step=2))
    assert result is not None
    assert (result["status"], result["steps_done"], result["error"]) == ("stopped", 2, None)
    assert volume.events("stopping")[0]["reason"] == "user"
    assert result["ended_by"] == "user"
    assert_loads(volume, tmp_path)


@pytest.mark.parametrize("is_marked", [True, False], ids=["mark", "thread"])
def test_a_run_whose_user_stopped_it_trains_nothing_more_and_ships_its_best_weights_without_loading_the_base(
    volume: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_marked: bool
) -> None:
    """Would catch a stop that is forgotten when the worker is lost, and one that waits for a base model of 160 GB."""
    job = volume.job(planet_rows(24), lora_dropout=0.0)
    assert volume.attempt(job, stop=StopAt("shutdown", after_step=6)) is None
    best = json.loads((volume.run / "checkpoints" / "step-6" / "state.json").read_text())["progress"]["best_step"]

    def refused(*_: Any) -> Any:
        raise AssertionError("the base model was loaded")

    monkeypatch.setattr("run.preparation.load_base", refused)
    if is_marked:
        (volume.run / "stop.json").write_text(json.dumps({"v": 1, "reason": "user"}))
        result = volume.attempt(job, number=2)
    else:
        result = _stopped_while_loading(volume, job)
    assert result is not None
    assert_follows_contract(result, "result")
    assert (result["status"], result["steps_done"], result["ended_by"], result["error"]) == ("stopped", 6, "user", None)
    assert result["steps_total"] == volume.events("plan")[0]["steps_total"]
    assert result["eval_rows"] is not None
    assert len(result["mask_samples"]) == 3
    assert volume.events("finished")[-1]["status"] == "stopped"
    summary = json.loads((volume.collect(tmp_path / "collected") / "training_summary.json").read_text())
    assert summary["shipped_step"] == best
    ours = load_file(str(tmp_path / "collected" / "adapter_model.safetensors"))
    saved = load_file(str(volume.run / "checkpoints" / f"step-{best}" / "adapter.safetensors"))
    assert len(ours) == len(saved) > 0
    assert all(torch.equal(ours[name.replace(".default.", ".")], tensor) for name, tensor in saved.items())
    assert_loads(volume, tmp_path)


def _stopped_while_loading(volume: Volume, job: dict[str, Any]) -> dict[str, Any] | None:
    """What the child's own thread does when a stop arrives while the main thread loads the base model."""
    import train_lora

    log = EventLog(volume.run, 2)
    report = RunReport(job=parse_train_input(job), attempt=2, config_sha256=sha256_bytes(canonical_json(job)))
    is_ready = threading.Event()
    is_ready.set()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("train_lora.os._exit", lambda code: None)
        train_lora._leave_early("user", volume.root, volume.run, log, report, is_ready)
    return read_result(volume.run)


def test_a_stop_mark_before_the_first_checkpoint_ends_the_run_without_an_adapter(volume: Volume) -> None:
    """Would catch a stopped run that a second dispatch trains from the beginning."""
    job = volume.job(planet_rows(20))
    volume.freeze(job)
    (volume.run / "stop.json").write_text(json.dumps({"v": 1, "reason": "user"}))
    result = volume.attempt(job)
    assert result is not None
    assert (result["status"], result["steps_done"], result["manifest_sha256"], result["ended_by"]) == ("stopped", 0, None, "user")
    assert volume.events("step") == []


def test_patience_that_runs_out_completes_the_run_with_its_best_weights(volume: Volume, tmp_path: Path) -> None:
    """Early stopping end to end: would catch a `failed` or `stopped` run, and last weights that are shipped."""
    rows = [chat(f"Item {i}", f"code {(i * 7919) % 1000}") for i in range(30)]
    job = volume.job(rows, num_train_epochs=20, learning_rate=1e-2, lora_dropout=0.0, eval_fraction=0.3, early_stopping_patience=2)
    result = volume.attempt(job)
    assert result is not None
    assert (result["status"], result["ended_by"], result["error"]) == ("completed", "early_stopping", None)
    assert result["best_step"] < result["steps_done"] < result["steps_total"]
    assert volume.events("stopping")[0]["reason"] == "early_stopping"
    shipped = json.loads((volume.collect(tmp_path / "adapter") / "training_summary.json").read_text())["shipped_step"]
    assert shipped == result["best_step"]


def test_a_run_that_diverges_fails_and_keeps_the_best_adapter(volume: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch a divergence that throws away what was good before it."""
    from loop.gradients import BatchGradient, StepGradient

    compute = BatchGradient.compute

    def poisoned(self: BatchGradient, rows: Any, max_norm: float) -> StepGradient | None:
        found = compute(self, rows, max_norm)
        return StepGradient(float("nan"), 1.0) if self._limits.progress.step >= 4 else found

    monkeypatch.setattr(BatchGradient, "compute", poisoned)
    result = volume.attempt(volume.job(planet_rows(24)))
    assert result is not None
    assert_follows_contract(result, "result")
    assert (result["status"], result["error"]["code"], result["ended_by"]) == ("failed", "DIVERGED", "diverged")
    assert len(volume.events("rolled_back")) == 1
    for event in volume.events():
        assert_follows_contract(event, "event")
    summary = json.loads((volume.collect(tmp_path / "collected") / "training_summary.json").read_text())
    assert summary["shipped_step"] == result["best_step"] < result["steps_done"]
    assert_loads(volume, tmp_path)


def test_a_continued_run_that_is_stopped_while_it_loads_still_ships_what_it_had(volume: Volume, tmp_path: Path) -> None:
    from train_lora import has_trained

    job = volume.job(planet_rows(24))
    assert not has_trained(volume.run)
    assert volume.attempt(job, stop=StopAt("shutdown", after_step=4)) is None
    assert has_trained(volume.run)
    result = volume.attempt(job, number=2, stop=StopAt("user"))
    assert result is not None
    assert (result["status"], result["steps_done"]) == ("stopped", 4)
    assert (volume.collect(tmp_path / "adapter") / "adapter_model.safetensors").exists()


def test_a_run_stopped_before_its_first_step_has_no_adapter(volume: Volume) -> None:
    result = volume.attempt(volume.job(planet_rows(20)), stop=StopAt("user"))
    assert result is not None
    assert (result["status"], result["steps_done"], result["manifest_sha256"]) == ("stopped", 0, None)


def test_a_time_limit_that_allows_no_step_fails_and_says_so(volume: Volume) -> None:
    """Would catch an adapter of untrained weights that is shipped as if something had been learned."""
    result = volume.attempt(volume.job(planet_rows(20), max_seconds=1))
    assert result is not None
    assert (result["status"], result["error"]["code"], result["manifest_sha256"]) == ("failed", "TIME_LIMIT", None)
    assert result["ended_by"] == "time_limit"
    assert "before the first step" in result["error"]["message"]


def test_a_cost_limit_ends_the_run_with_its_adapter(volume: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch money that is spent past the limit, and a limit that leaves nothing for it."""
    job = volume.job(planet_rows(20), num_train_epochs=20)
    job["limits"] = {"max_seconds": None, "max_cost_micro_usd": 1_000_000, "price_micro_usd_per_hour": 3_600_000}
    elapsed = iter(range(0, 100_000, 50))
    monkeypatch.setattr("loop.training_loop.TrainingLoop._elapsed", lambda _loop: float(next(elapsed)))
    result = volume.attempt(job)
    assert result is not None
    assert (result["status"], result["error"]["code"], result["ended_by"]) == ("stopped", "COST_LIMIT", "cost_limit")
    assert "$1.00" in result["error"]["message"]
    assert 0 < result["steps_done"] < result["steps_total"]
    assert volume.events("stopping")[0]["reason"] == "cost_limit"
    assert_loads(volume, tmp_path)
