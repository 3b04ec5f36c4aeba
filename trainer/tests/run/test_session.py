"""Whole runs in this process: what they leave on the volume, and how they go on after an interruption."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from run_checks import assert_follows_contract, load_reference, logits_of
from safetensors.torch import load_file
from support import StopAt, Volume, assert_sequence_unbroken, chat, planet_rows
from transformers import AutoTokenizer


def test_a_finished_run_leaves_everything_the_contract_promises(volume: Volume) -> None:
    job = volume.job(planet_rows(40))
    assert_follows_contract(job, "train-input")
    result = volume.attempt(job)
    assert result is not None
    assert_follows_contract(result, "result")
    assert_follows_contract(json.loads((volume.run / "manifest.json").read_text()), "manifest")
    events = volume.events()
    for event in events:
        assert_follows_contract(event, "event")
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


def _base_hash(model: Path) -> str:
    return hashlib.sha256((model / "model.safetensors").read_bytes()).hexdigest()


def test_a_reloaded_adapter_is_equal_to_the_bit_changes_the_logits_and_leaves_the_base_alone(volume: Volume, tmp_path: Path) -> None:
    """Would catch an adapter that other programs load without effect, or a base that training moved."""
    before_training = _base_hash(volume.model)
    result = volume.attempt(volume.job(planet_rows(20)))
    assert result is not None
    assert _base_hash(volume.model) == before_training
    folder = volume.collect(tmp_path / "adapter")
    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    before = logits_of(load_reference(volume.model), tokenizer)
    adapted = PeftModel.from_pretrained(load_reference(volume.model), str(folder))
    saved = load_file(str(volume.run / "checkpoints" / f"step-{result['best_step']}" / "adapter.safetensors"))
    reloaded = dict(adapted.named_parameters())
    assert all(torch.equal(reloaded[name], tensor) for name, tensor in saved.items())
    after = logits_of(adapted, tokenizer)
    with adapted.disable_adapter():
        without = logits_of(adapted, tokenizer)
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
    model = PeftModel.from_pretrained(load_reference(volume.model), str(folder))
    for row in rows:
        ids = tokenizer.apply_chat_template(row[:1], add_generation_prompt=True, return_dict=False)
        output = model.generate(input_ids=torch.tensor([ids]), max_new_tokens=30, do_sample=False)
        assert tokenizer.decode(output[0][len(ids) :]) == row[1]["content"] + "<|im_end|>"


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


def test_the_same_prompts_are_answered_by_the_base_and_at_every_evaluation(volume: Volume) -> None:
    """Would catch answers of other weights than the evaluation's, and prompts that change along the way."""
    volume.attempt(volume.job(planet_rows(24)))
    evaluated = [event["step"] for event in volume.events("eval")]
    samples = volume.events("sample")
    assert evaluated[0] == 0
    assert sorted({event["step"] for event in samples}) == evaluated
    asked = [[event["prompt"] for event in samples if event["step"] == step] for step in evaluated]
    assert all(prompts == asked[0] for prompts in asked)
    assert len(asked[0]) == 3
    order = [(event["kind"], event["step"]) for event in volume.events() if event["kind"] in ("sample", "step")]
    assert order.index(("sample", 0)) < order.index(("step", 1))


def test_the_users_prompts_are_answered_where_there_are_some(volume: Volume) -> None:
    job = volume.job(planet_rows(20), max_steps=2)
    job["sample_prompts"] = ["Which planet is the largest?"]
    volume.attempt(job)
    assert {event["prompt"] for event in volume.events("sample")} == {"Which planet is the largest?"}
    assert {event["step"] for event in volume.events("sample")} == {0, 2}


def test_the_plan_and_the_mask_samples_say_how_the_run_trains(volume: Volume) -> None:
    """Would catch a report without the rows that show what is learned."""
    result = volume.attempt(volume.job(planet_rows(20), max_steps=1))
    assert result is not None
    (plan,) = volume.events("plan")
    assert (plan["processes"], plan["packing"]) == (1, True)
    assert plan["targets"] == sorted(["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"])
    assert result["processes"] == 1
    samples = [
        {name: event[name] for name in event if name not in ("seq", "attempt", "t", "kind")} for event in volume.events("mask_sample")
    ]
    assert samples == result["mask_samples"]
    assert len(samples) == 3
    for sample in samples:
        trained = "".join(part["text"] for part in sample["segments"] if part["is_trained"])
        assert trained == planet_rows(20)[sample["row"] - 1][1]["content"] + "<|im_end|>"


def test_rows_that_max_length_cuts_refuse_the_run_unless_that_was_agreed(volume: Volume) -> None:
    rows = [*planet_rows(18), *[chat(*["word " * 40] * 6) for _ in range(2)]]
    job = volume.job(rows, max_length=192, max_steps=1)
    result = volume.attempt(job)
    assert result is not None
    assert (result["status"], result["error"]["code"]) == ("failed", "ROWS_CUT")
    (volume.run / "result.json").unlink()
    job["accepts"]["rows_cut"] = True
    agreed = volume.attempt(job, number=2)
    assert agreed is not None
    assert (agreed["status"], agreed["rows_truncated"] + agreed["rows_dropped"]) == ("completed", 2)


def test_a_missing_base_model_is_a_failed_run_with_advice(volume: Volume, tmp_path: Path) -> None:
    volume.model = tmp_path / "nothing-here"
    result = volume.attempt(volume.job(planet_rows(12)))
    assert result is not None
    assert (result["status"], result["error"]["code"]) == ("failed", "MODEL_NOT_FOUND")
    assert_follows_contract(result, "result")


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

    from run.checkpoint import CheckpointStore

    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(CheckpointStore, "_write", full)
    result = volume.attempt(volume.job(planet_rows(20)))
    assert result is not None
    assert result["status"] == "completed"
    assert any("volume is full" in event["message"] for event in volume.events("log"))


def test_a_large_adapter_is_cut_into_parts_that_add_up(volume: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from run import export

    monkeypatch.setattr(export, "PART_BYTES", 10_000)
    volume.attempt(volume.job(planet_rows(12), max_steps=1))
    parts = json.loads((volume.run / "manifest.json").read_text())["parts"]
    assert max(part["bytes"] for part in parts) <= 10_000
    assert sum(part["file"] == "adapter_model.safetensors" for part in parts) > 3
    assert (volume.collect(tmp_path / "adapter") / "adapter_model.safetensors").stat().st_size > 30_000


def test_an_adapter_over_weights_that_changed_in_memory_is_not_shipped(volume: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch a base that was trained along, or faulty memory: the adapter would fit no published model."""
    seen: list[str] = []

    def changing(_model: Any) -> str:
        seen.append("")
        return f"fingerprint {len(seen)}"

    monkeypatch.setattr("run.session.weights_fingerprint", changing)
    result = volume.attempt(volume.job(planet_rows(12), max_steps=1))
    assert result is not None
    assert (result["status"], result["error"]["code"], result["manifest_sha256"]) == ("failed", "INTERNAL", None)
