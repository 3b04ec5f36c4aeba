"""The packaged adapter: what is in it, that it is what was trained, and that no crash can leave half of one."""

import json
import os
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
from packable import Packable
from peft import PeftModel
from safetensors.torch import load_file
from support import StopAt, Volume, planet_rows
from transformers import AutoModelForCausalLM

from run import export
from run.tensor_file import WrittenFile, write_tensors
from storage import sha256_file


@pytest.fixture
def parts(volume: Volume) -> Packable:
    """A model ready to be packaged."""
    return Packable(volume)


def test_what_peft_reads_is_bit_for_bit_what_was_trained(parts: Packable, tmp_path: Path) -> None:
    """Would catch a renamed key, a lost layer, a rounded value."""
    manifest = parts.package()
    assert manifest == sha256_file(parts.volume.run / "manifest.json")
    folder = parts.volume.collect(tmp_path / "adapter")
    assert {name: tensor.tolist() for name, tensor in load_file(str(folder / "adapter_model.safetensors")).items()} == {
        name: tensor.tolist() for name, tensor in parts.state().items()
    }
    base = AutoModelForCausalLM.from_pretrained(str(parts.volume.model), dtype=torch.float32)
    ids = torch.tensor([[5, 6, 7, 8]])
    with torch.no_grad():
        before = base(input_ids=ids).logits
        read = PeftModel.from_pretrained(base, str(folder)).eval()
        assert torch.equal(read(input_ids=ids).logits, parts.model.eval()(input_ids=ids).logits)
        assert not torch.equal(read(input_ids=ids).logits, before)


def test_the_description_names_the_hubs_model_and_every_target_by_its_last_name(parts: Packable, tmp_path: Path) -> None:
    """Would catch a path of this worker, 'all-linear', or full module paths that other tools do not read."""
    parts.model.peft_config["default"].target_modules = {"model.layers.0.self_attn.q_proj", "k_proj", "v_proj", "o_proj", "down_proj"}
    parts.package()
    folder = parts.volume.collect(tmp_path / "adapter")
    config = json.loads((folder / "adapter_config.json").read_text())
    assert (config["base_model_name_or_path"], config["revision"]) == ("org/tiny", "abc123")
    assert config["target_modules"] == ["down_proj", "k_proj", "o_proj", "q_proj", "v_proj"]
    assert (config["peft_type"], config["r"], config["lora_alpha"], config["inference_mode"]) == ("LORA", 8, 16, True)
    assert str(parts.volume.model) not in (folder / "adapter_config.json").read_text()
    assert (folder / "chat_template.jinja").read_text() == parts.tokenizer.chat_template
    names = {path.name for path in folder.iterdir()}
    assert {"adapter_model.safetensors", "README.md", "training_summary.json", "tokenizer.json"} <= names
    assert not [name for name in names if name.endswith((".bin", ".pt", ".pth", ".pkl"))]


def test_a_pattern_for_targets_becomes_the_list_of_what_was_adapted(parts: Packable, tmp_path: Path) -> None:
    parts.model.peft_config["default"].target_modules = r".*\.(q|v)_proj"
    parts.package()
    config = json.loads((parts.volume.collect(tmp_path / "adapter") / "adapter_config.json").read_text())
    assert config["target_modules"] == ["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_an_adapter_with_a_value_that_is_no_number_is_not_shipped(parts: Packable, value: float) -> None:
    for name, parameter in parts.model.named_parameters():
        if "lora_A" in name:
            parameter.data.view(-1)[3] = value
            break
    with pytest.raises(ValueError, match="finite"):
        parts.package()
    assert not (parts.volume.run / "manifest.json").exists()


def test_bytes_that_change_on_the_way_to_the_disk_are_noticed(parts: Packable, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch a hash taken of what was read back, which blesses whatever the disk made of it."""

    def corrupting(path: Path, *arguments: Any) -> WrittenFile:
        written = write_tensors(path, *arguments)
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(bytes(data))
        return written

    monkeypatch.setattr(export, "write_tensors", corrupting)
    with pytest.raises(OSError, match="not written as intended"):
        parts.package()
    assert not (parts.volume.run / "manifest.json").exists()


def test_a_second_packaging_replaces_the_first_completely(parts: Packable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch parts of an earlier, larger packaging that stay beside the new ones."""
    monkeypatch.setattr(export, "PART_BYTES", 20_000)
    parts.package()
    count = len(list((parts.volume.run / "adapter").iterdir()))
    monkeypatch.setattr(export, "PART_BYTES", 64_000_000)
    parts.package()
    assert 0 < len(list((parts.volume.run / "adapter").iterdir())) < count
    parts.volume.collect(tmp_path / "adapter")


def test_nothing_is_written_after_the_result(volume: Volume) -> None:
    """Would catch a status, an event or a heartbeat that comes after the file which says that the run has ended."""
    job = volume.job(planet_rows(12), max_steps=2)
    order: list[str] = []
    real = os.replace

    def noting(source: Any, target: Any, **named: Any) -> None:
        order.append(Path(target).name)
        real(source, target, **named)

    with mock.patch.object(os, "replace", noting):
        result = volume.attempt(job, stop=StopAt())
    assert result is not None
    assert order[-1] == "result.json"
    written = (volume.run / "result.json").stat().st_mtime_ns
    later = [path for path in volume.run.rglob("*") if path.is_file() and path.stat().st_mtime_ns > written]
    assert later == []
    assert result["last_seq"] == volume.events()[-1]["seq"]
