"""Whole runs in this process: what they leave on the volume, and what becomes of them when cut short."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import torch
from peft import PeftModel
from support import StopAt, Volume, assert_sequence_unbroken, chat, planet_rows
from transformers import AutoModelForCausalLM, AutoTokenizer

CONTRACT = Path(__file__).resolve().parent.parent / "contract"


def _assert_follows_contract(value: Any, name: str) -> None:
    jsonschema.validate(value, json.loads((CONTRACT / f"{name}.schema.json").read_text()))


def _base(model: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(str(model), dtype=torch.float32)


def _logits(model: Any, tokenizer: Any) -> torch.Tensor:
    ids = tokenizer.apply_chat_template(planet_rows(1)[0][:1], add_generation_prompt=True, return_dict=False)
    with torch.no_grad():
        logits: torch.Tensor = model(input_ids=torch.tensor([ids])).logits
    return logits


def test_a_finished_run_leaves_everything_the_contract_promises(volume: Volume) -> None:
    job = volume.job(planet_rows(40))
    _assert_follows_contract(job, "train-input")
    result = volume.attempt(job)
    assert result is not None
    _assert_follows_contract(result, "result")
    _assert_follows_contract(json.loads((volume.run / "manifest.json").read_text()), "manifest")
    events = volume.events()
    for event in events:
        _assert_follows_contract(event, "event")
    assert_sequence_unbroken(events)
    assert events[-1]["kind"] == "finished"
    assert result["last_seq"] == len(events)
    assert (result["status"], result["steps_done"], result["steps_total"]) == ("completed", 16, 16)
    assert result["eval_loss_best"] < result["eval_loss_base"]
    weighted = sum(base * tokens for base, _, tokens in result["eval_rows"]) / sum(tokens for _, _, tokens in result["eval_rows"])
    assert weighted == pytest.approx(result["eval_loss_base"])
    kinds = [event["kind"] for event in events]
    assert kinds.index("eval") < kinds.index("step")
    stages = [event["stage"] for event in volume.events("stage")]
    assert [stage for i, stage in enumerate(stages) if stage not in stages[:i]] == [
        "preparing",
        "loading_model",
        "evaluating_base",
        "training",
        "saving",
        "packaging",
    ]


def test_peft_itself_loads_the_adapter_and_it_changes_the_logits(volume: Volume, tmp_path: Path) -> None:
    volume.attempt(volume.job(planet_rows(20)))
    folder = volume.collect(tmp_path / "adapter")
    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    before = _logits(_base(volume.model), tokenizer)
    adapted = PeftModel.from_pretrained(_base(volume.model), str(folder))
    after = _logits(adapted, tokenizer)
    with adapted.disable_adapter():
        without = _logits(adapted, tokenizer)
    assert torch.equal(before, without)
    assert float((after - before).abs().max()) > 0.1
    config = json.loads((folder / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == volume.model.name
    assert config["target_modules"] == sorted(["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"])
    assert {"README.md", "training_summary.json", "chat_template.jinja", "tokenizer.json"} <= {path.name for path in folder.iterdir()}


def test_eight_rows_are_learned_by_heart_and_said_again_up_to_the_end_token(volume: Volume, tmp_path: Path) -> None:
    rows = [chat(f"Number {i}?", f"Answer {i * 7}.") for i in range(8)]
    job = volume.job(rows, eval_fraction=0.0, num_train_epochs=20, learning_rate=1e-2, lora_dropout=0.0, warmup_ratio=0.05)
    result = volume.attempt(job)
    assert result is not None
    assert result["loss_last"] < 0.05
    assert result["eval_rows"] is None
    folder = volume.collect(tmp_path / "adapter")
    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    model = PeftModel.from_pretrained(_base(volume.model), str(folder))
    for row in rows:
        ids = tokenizer.apply_chat_template(row[:1], add_generation_prompt=True, return_dict=False)
        output = model.generate(input_ids=torch.tensor([ids]), max_new_tokens=30, do_sample=False)
        assert tokenizer.decode(output[0][len(ids) :]) == row[1]["content"] + "<|im_end|>"


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


@pytest.mark.parametrize("step", [1, 4, 7])
def test_a_run_that_was_shut_down_continues_to_the_digit(volume: Volume, tmp_path: Path, tiny: Path, step: int) -> None:
    whole = Volume(tmp_path / "whole", tiny)
    job = whole.job(planet_rows(24), lora_dropout=0.2)
    reference = whole.attempt(job)
    assert volume.job(planet_rows(24), lora_dropout=0.2) == job
    assert volume.attempt(job, stop=StopAt("shutdown", after_step=step)) is None
    result = volume.attempt(job, number=2)
    assert result is not None
    assert reference is not None
    assert [event["step"] for event in volume.events("resumed")] == [step]
    assert volume.curve() == whole.curve()
    assert result["eval_rows"] == reference["eval_rows"]
    assert result["attempt"] == 2
    ours = volume.collect(tmp_path / "ours") / "adapter_model.safetensors"
    theirs = whole.collect(tmp_path / "theirs") / "adapter_model.safetensors"
    assert ours.read_bytes() == theirs.read_bytes()
    assert_sequence_unbroken(volume.events())


def test_a_stopped_run_leaves_an_adapter_that_loads(volume: Volume, tmp_path: Path) -> None:
    result = volume.attempt(volume.job(planet_rows(40)), stop=StopAt("user", after_step=2))
    assert result is not None
    assert (result["status"], result["steps_done"], result["error"]) == ("stopped", 2, None)
    assert volume.events("stopping")[0]["reason"] == "user"
    folder = volume.collect(tmp_path / "adapter")
    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    adapted = PeftModel.from_pretrained(_base(volume.model), str(folder))
    assert not torch.equal(_logits(adapted, tokenizer), _logits(_base(volume.model), tokenizer))


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


def test_a_time_limit_that_allows_no_step_fails_and_says_so(volume: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loop.TrainingLoop._is_out_of_time", lambda _loop: True)
    result = volume.attempt(volume.job(planet_rows(20), max_seconds=1))
    assert result is not None
    assert (result["status"], result["error"]["code"], result["manifest_sha256"]) == ("failed", "TIME_LIMIT", None)


def test_a_missing_base_model_is_a_failed_run_with_advice(volume: Volume, tmp_path: Path) -> None:
    volume.model = tmp_path / "nothing-here"
    result = volume.attempt(volume.job(planet_rows(12)))
    assert result is not None
    assert (result["status"], result["error"]["code"]) == ("failed", "MODEL_NOT_FOUND")
    _assert_follows_contract(result, "result")


def test_a_base_model_that_changed_since_the_checkpoint_is_refused(volume: Volume, tmp_path: Path) -> None:
    from tiny_model import write_tiny_model

    volume.model = write_tiny_model(tmp_path / "model")
    job = volume.job(planet_rows(20))
    assert volume.attempt(job, stop=StopAt("shutdown", after_step=2)) is None
    config = json.loads((volume.model / "config.json").read_text())
    (volume.model / "config.json").write_text(json.dumps({**config, "rope_theta": 5.0}))
    result = volume.attempt(job, number=2)
    assert result is not None
    assert result["error"]["code"] == "CONFIG_MISMATCH"


def test_a_full_disk_costs_a_checkpoint_but_not_the_run(volume: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    from checkpoint import CheckpointStore

    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(CheckpointStore, "_write", full)
    result = volume.attempt(volume.job(planet_rows(20)))
    assert result is not None
    assert result["status"] == "completed"
    assert any("disk is full" in event["message"] for event in volume.events("log"))


def test_a_large_adapter_is_cut_into_parts_that_add_up(volume: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import export

    monkeypatch.setattr(export, "PART_BYTES", 10_000)
    volume.attempt(volume.job(planet_rows(12), max_steps=1))
    parts = json.loads((volume.run / "manifest.json").read_text())["parts"]
    assert max(part["bytes"] for part in parts) <= 10_000
    assert sum(part["file"] == "adapter_model.safetensors" for part in parts) > 3
    assert (volume.collect(tmp_path / "adapter") / "adapter_model.safetensors").stat().st_size > 30_000
