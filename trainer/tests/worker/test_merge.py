"""Merging: the whole model equals base plus adapter, appears whole or not at all, and is made once."""

import asyncio
import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from support import RUN_ID, Volume, planet_rows

from protocol import RunFailure, check_reply
from storage import read_json, sha256_file
from worker import merge_weights, merging
from worker.answers import answer_small
from worker.merge_weights import LoraPair, lora_pairs
from worker.merging import merge_run


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Volume:
    """A finished run with an adapter, trained once for all tests here."""
    volume = Volume(tmp_path_factory.mktemp("merge") / "volume", tiny)
    result = volume.attempt(volume.job(planet_rows(8), max_steps=3, evals_per_epoch=1))
    assert result is not None
    assert result["status"] == "completed"
    return volume


@pytest.fixture
def run(trained: Volume) -> Iterator[Volume]:
    """That run, not merged yet."""
    yield trained
    for leftover in trained.run.glob("merged*"):
        shutil.rmtree(leftover)


def _merged(volume: Volume) -> dict[str, Any]:
    return check_reply("merge", merge_run(volume.root, RUN_ID))


def test_the_merged_model_answers_as_base_and_adapter_do(run: Volume, tmp_path: Path) -> None:
    """Would catch a wrong scale, a swapped A and B, a layer left out, or a lost chat template."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    reply = _merged(run)
    folder = run.root / reply["folder_key"]
    for file in reply["files"]:
        assert (folder / file["name"]).stat().st_size == file["bytes"]
        assert sha256_file(folder / file["name"]) == file["sha256"]
    ids = torch.arange(3, 40).unsqueeze(0)
    base = AutoModelForCausalLM.from_pretrained(str(run.model)).eval()
    adapted = PeftModel.from_pretrained(base, str(run.collect(tmp_path / "adapter"))).eval()
    merged = AutoModelForCausalLM.from_pretrained(str(folder)).eval()
    with torch.no_grad():
        wanted, got = adapted(input_ids=ids).logits, merged(input_ids=ids).logits
        with adapted.disable_adapter():
            before = adapted(input_ids=ids).logits
    assert (got - wanted).abs().max() < 1e-4 * wanted.abs().max()
    assert (got - before).abs().max() > 100 * (got - wanted).abs().max()
    assert AutoTokenizer.from_pretrained(str(folder)).chat_template


def test_a_second_merge_answers_the_same_without_doing_it_again(run: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch minutes of GPU time for a job the platform dispatched twice."""
    first = _merged(run)

    def again(*_: Any) -> None:
        raise AssertionError("merged a second time")

    monkeypatch.setattr(merging, "_build", again)
    assert _merged(run) == first


def test_a_merge_that_was_torn_or_damaged_is_made_again(run: Volume) -> None:
    """Would catch a half-written model that is handed out, and one that blocks the merge for ever."""
    first = _merged(run)
    weights = run.run / "merged" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-5])
    (run.run / f"merged.tmp-{socket.gethostname()}-left").mkdir()
    assert _merged(run) == first
    assert [path.name for path in run.run.glob("merged*")] == ["merged"]


def test_shards_hold_every_weight_once_with_an_index(run: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch a large model that no loader finds the parts of."""
    from transformers import AutoModelForCausalLM

    _merged(run)
    whole = load_file(str(run.run / "merged" / "model.safetensors"))
    shutil.rmtree(run.run / "merged")
    monkeypatch.setattr(merge_weights, "SHARD_BYTES", 60_000)
    monkeypatch.setattr(merge_weights.write_merged, "__defaults__", (60_000,))
    monkeypatch.setattr(merge_weights.shard_index, "__defaults__", (60_000,))
    reply = _merged(run)
    shards = [file["name"] for file in reply["files"] if file["name"].endswith(".safetensors")]
    assert len(shards) > 2
    assert "model.safetensors.index.json" in {file["name"] for file in reply["files"]}
    parts = [load_file(str(run.run / "merged" / name)) for name in shards]
    assert sum(len(part) for part in parts) == len(whole)
    assert all(torch.equal(tensor, whole[name]) for part in parts for name, tensor in part.items())
    loaded = AutoModelForCausalLM.from_pretrained(str(run.run / "merged"))
    assert sum(tensor.numel() for tensor in loaded.state_dict().values()) > 0


def test_a_wrong_sum_is_found_before_the_model_appears(run: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch a merge that forgets the scale: the files are read back and compared with α/r·B·A."""
    real = merge_weights._sum

    def doubled(name: str, weight: torch.Tensor, pair: LoraPair | None) -> torch.Tensor:
        return real(name, weight, pair if pair is None else LoraPair(pair.a, pair.b, 2 * pair.scale))

    monkeypatch.setattr(merge_weights, "_sum", doubled)
    with pytest.raises(OSError, match="is not the sum it should be"):
        _merged(run)
    assert not list(run.run.glob("merged*"))


def test_weights_that_overflow_are_refused_in_words(run: Volume) -> None:
    """Would catch a model of infinities that loads and answers nonsense."""
    pair = LoraPair(torch.full((1, 4), 1e30), torch.full((4, 1), 1e30), 1.0)
    with pytest.raises(RunFailure, match="not a finite number"):
        merge_weights._sum("w", torch.zeros(4, 4), pair)


@pytest.mark.parametrize("field", ["num_experts", "num_local_experts", "n_routed_experts"])
@pytest.mark.parametrize("level", ["", "text_config"])
def test_a_mixture_of_experts_is_refused_with_the_reason(run: Volume, monkeypatch: pytest.MonkeyPatch, field: str, level: str) -> None:
    """Would catch an adapter added to one expert's weights as if they were all."""
    real = read_json

    def as_mixture(path: Path) -> Any:
        value = real(path)
        return (
            {**value, **({level: {field: 8}} if level else {field: 8})}
            if path.name == "config.json" and "runs" not in path.parts
            else value
        )

    monkeypatch.setattr(merging, "read_json", as_mixture)
    with pytest.raises(RunFailure, match="is a mixture of experts") as caught:
        _merged(run)
    assert "adapter" in caught.value.advice


def test_a_base_model_in_few_bits_is_refused(run: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch floats added to packed integers."""
    real = read_json

    def quantised(path: Path) -> Any:
        value = real(path)
        return {**value, "quantization_config": {"quant_method": "gptq"}} if path.parent == run.model else value

    monkeypatch.setattr(merging, "read_json", quantised)
    with pytest.raises(RunFailure, match="stored in few bits"):
        _merged(run)


def test_a_run_that_has_not_ended_or_has_no_adapter_says_so(run: Volume, tmp_path: Path) -> None:
    """Would catch a traceback for a button that was pressed too early."""
    with pytest.raises(RunFailure, match="has not ended") as caught:
        merge_run(tmp_path, RUN_ID)
    assert caught.value.code == "NOT_FOUND"
    other = tmp_path / "runs" / RUN_ID
    other.mkdir(parents=True)
    result = json.loads((run.run / "result.json").read_text())
    (other / "result.json").write_text(json.dumps({**result, "manifest_sha256": None}))
    with pytest.raises(RunFailure, match="without an adapter"):
        merge_run(tmp_path, RUN_ID)


def test_a_damaged_part_of_the_adapter_is_never_merged(run: Volume) -> None:
    """Would catch a flipped bit on the volume that ends up in the whole model."""
    manifest = json.loads((run.run / "manifest.json").read_text())
    part = run.run / next(part["key"] for part in manifest["parts"] if part["file"] == "adapter_model.safetensors")
    good = part.read_bytes()
    part.write_bytes(bytes([good[0] ^ 1]) + good[1:])
    try:
        with pytest.raises(RunFailure, match="on the volume is damaged"):
            _merged(run)
    finally:
        part.write_bytes(good)


def test_a_changed_base_model_is_refused(run: Volume, tmp_path: Path) -> None:
    """Would catch an adapter added to weights it was not trained on."""
    manifest = json.loads((run.run / "manifest.json").read_text())
    manifest["base_model"]["fingerprint"] = "f" * 64
    with pytest.raises(RunFailure, match="not the ones this run was trained on") as caught:
        merging._merge(run.root, run.run, {**manifest, "sha256": "0" * 64})
    assert caught.value.code == "CONFIG_MISMATCH"


def test_pairs_of_another_kind_are_refused() -> None:
    """Would catch a magnitude vector, a pattern of ranks or a half pair that is silently left out."""
    pair = {"base_model.model.x.lora_A.weight": torch.zeros(2, 3), "base_model.model.x.lora_B.weight": torch.zeros(4, 2)}
    assert lora_pairs(pair, {"lora_alpha": 8})["x"].scale == 4
    assert lora_pairs(pair, {"lora_alpha": 8, "use_rslora": True})["x"].scale == pytest.approx(8 / 2**0.5)
    for adapter, config in (
        ({**pair, "base_model.model.x.lora_magnitude_vector": torch.zeros(4)}, {"lora_alpha": 8}),
        ({"base_model.model.x.lora_A.weight": torch.zeros(2, 3)}, {"lora_alpha": 8}),
        (pair, {"lora_alpha": 8, "rank_pattern": {"x": 4}}),
        ({}, {"lora_alpha": 8}),
    ):
        with pytest.raises(RunFailure, match="cannot be merged"):
            lora_pairs(adapter, config)


def test_a_model_that_stores_its_layers_under_another_name_is_placed(tmp_path: Path) -> None:
    """Would catch models that also see pictures: their files name the language model differently than their code does."""
    stored = {
        "language_model.model.layers.0.self_attn.q_proj.weight": torch.zeros(4, 4),
        "vision_tower.layers.0.self_attn.q_proj.weight": torch.zeros(4, 4),
    }
    save_file(stored, str(tmp_path / "model.safetensors"))
    weights = merge_weights.BaseWeights(tmp_path)
    pair = LoraPair(torch.zeros(2, 4), torch.zeros(4, 2), 1.0)
    placed = merge_weights.place_pairs({"model.language_model.layers.0.self_attn.q_proj": pair}, weights)
    assert list(placed) == ["language_model.model.layers.0.self_attn.q_proj.weight"]
    with pytest.raises(RunFailure, match="no single weight"):
        merge_weights.place_pairs({"model.language_model.layers.7.self_attn.q_proj": pair}, weights)


@pytest.mark.slow
def test_a_merge_job_runs_in_a_process_of_its_own(run: Volume, tmp_path: Path) -> None:
    """Would catch an entry point that cannot be started, or prints something else than its answer."""
    job = {"v": 1, "action": "merge", "run_id": RUN_ID.upper()}
    reply = check_reply("merge", asyncio.run(answer_small("merge", run.root, job)))
    assert {"config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"} <= {file["name"] for file in reply["files"]}
    with pytest.raises(RunFailure, match="has not ended"):
        asyncio.run(answer_small("merge", tmp_path, job))
