"""The GPU smoke test itself: its stages run at tiny shapes, and one that hangs or fails costs only itself."""

import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import gpu_smoke
import pytest
import torch
from gpu import stage_memory, stage_nf4
from gpu.harness import Report
from gpu.shapes import dense_config, mixture_config, random_model
from gpu.stage_mixture import random_mixture

_SCRIPT = Path(gpu_smoke.__file__)


def _smoke(out: Path, *arguments: str, environment: dict[str, str] | None = None) -> list[dict[str, Any]]:
    command = [sys.executable, str(_SCRIPT), "--out", str(out), "--tiny", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=600, env={**os.environ, **(environment or {})})
    lines: list[dict[str, Any]] = [json.loads(line) for line in ended.stdout.splitlines()]
    assert ended.returncode == (0 if all(line["ok"] for line in lines) else 1)
    written = (out / "gpu-smoke.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in written] == lines
    return lines


def _said(run: Any) -> list[dict[str, Any]]:
    said = io.StringIO()
    run(Report(said, tiny=True, deadline=time.monotonic() + 300))
    return [json.loads(line) for line in said.getvalue().splitlines()]


# Without these the script has to run: a GPU host has torch, transformers, peft and what comes with them, and no network.
_ABSENT = ("jsonschema", "runpod", "gguf", "bitsandbytes", "trl", "datasets", "pytest", "hypothesis")
_BLOCKER = f"""
import sys

class Without:
    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, path=None, target=None):
        found = self.finder.find_spec(name, path, target)
        is_hidden = name.split(".")[0] in {_ABSENT!r} and found is not None and "stand_ins" not in str(found.origin)
        return None if is_hidden else found

sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
"""


def _bare_host(folder: Path) -> dict[str, str]:
    """The environment of Python processes that find none of the absent packages."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text(_BLOCKER)
    return {"PYTHONPATH": str(folder)}


def test_every_stage_can_be_imported_on_a_bare_gpu_host(tmp_path: Path) -> None:
    """An import of a package that the GPU host lacks would cost its stage, and the session on the GPU with it."""
    imports = "import importlib, gpu_smoke; [importlib.import_module(stage.module) for stage in gpu_smoke.STAGES]"
    tests = _SCRIPT.parent
    places = [str(tests / "gpu" / "stand_ins"), str(tests.parent), str(tests)]
    bare = _bare_host(tmp_path)["PYTHONPATH"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([bare, *places])}
    ended = subprocess.run([sys.executable, "-c", imports], capture_output=True, text=True, env=environment)
    assert ended.returncode == 0, ended.stderr


def test_first_stage_writes_its_line(tmp_path: Path) -> None:
    """A script that was never started would fail on the rented GPU, where every minute costs."""
    (line,) = _smoke(tmp_path, "--stages", "1")
    assert line["ok"], line
    assert (line["stage"], line["tiny"], line["device"][:3]) == (1, True, "CPU")
    assert line["versions"]["torch"]
    assert {figure["name"] for figure in line["figures"]} == {"bf16_matrix_product", "copy"}


def test_out_of_memory_stage_finds_the_same_gradient() -> None:
    """The stage must compare steps that really were cut up, or it would pass without a back-off."""
    checks = {entry["check"]["name"]: entry["check"] for entry in _said(stage_memory.run) if "check" in entry}
    assert all(check["ok"] for check in checks.values()), checks
    assert set(checks) == {"memory_ran_out_and_was_said", "pieces_equal_at_once", "squeezed_equal_at_once"}
    assert len(checks["memory_ran_out_and_was_said"]["said"]) == 2


def test_a_stage_that_hangs_is_stopped_and_keeps_its_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One hanging kernel must not take the other stages' minutes, nor the figures that were already measured."""
    (tmp_path / "hanging.py").write_text(
        "import os, sys, json, time\n"
        "print(json.dumps({'host': {'device': 'a GPU', 'versions': {}}}), flush=True)\n"
        "print(json.dumps({'figure': {'name': 'early', 'value': 1}}), flush=True)\n"
        "os.close(0)\n"
        "time.sleep(600)\n"
    )
    monkeypatch.setattr(gpu_smoke, "__file__", str(tmp_path / "hanging.py"))
    monkeypatch.setattr(gpu_smoke, "_LEAST_SECONDS", 0.0)
    monkeypatch.setattr(gpu_smoke, "STAGES", (gpu_smoke.Stage(1, "hangs", "none", 3.0), gpu_smoke.Stage(2, "never_begins", "none", 3.0)))
    lines = gpu_smoke.run_all(tmp_path / "out", 3.0, tiny=True, only=set())
    assert [line["ok"] for line in lines] == [False, False]
    assert lines[0]["problem"].startswith("stopped after")
    assert lines[0]["figures"] == [{"name": "early", "value": 1}]
    assert lines[0]["device"] == "a GPU"
    assert lines[1]["problem"] == "not run: the time is used up"


def test_a_stage_passes_only_when_it_checked_something() -> None:
    """A stage that ends early without a check would otherwise count as passed."""
    stage = gpu_smoke.STAGES[0]
    assert not gpu_smoke.describe(stage, [{"figure": {"name": "x"}}], None, 1.0, tiny=False)["ok"]
    assert not gpu_smoke.describe(stage, [{"check": {"name": "x", "ok": True}}], "stopped", 1.0, tiny=False)["ok"]
    assert not gpu_smoke.describe(stage, [{"check": {"ok": True}}, {"check": {"ok": False}}], None, 1.0, tiny=False)["ok"]
    assert gpu_smoke.describe(stage, [{"check": {"name": "x", "ok": True}}], None, 1.0, tiny=False)["ok"]


def test_the_stages_fit_into_the_budget() -> None:
    """The limits of the seven stages together must leave the last one its time."""
    assert [stage.number for stage in gpu_smoke.STAGES] == list(range(1, 8))
    assert sum(stage.seconds for stage in gpu_smoke.STAGES) <= gpu_smoke.BUDGET_SECONDS < gpu_smoke.HARD_STOP_SECONDS


def test_the_shapes_are_the_published_ones() -> None:
    """A shape with fewer weights would be measured as faster and smaller than the model that users train."""
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        dense = AutoModelForCausalLM.from_config(dense_config(False))
        mixture = AutoModelForCausalLM.from_config(mixture_config(False))
    assert round(sum(p.numel() for p in dense.parameters()) / 1e9, 2) == 8.19
    assert round(sum(p.numel() for p in mixture.parameters()) / 1e9, 2) == 79.67
    experts = sum(p.numel() for layer in mixture.model.layers for p in layer.mlp.experts.parameters())
    assert round(experts / 1e9, 2) == 77.31


def test_packing_equals_the_oracle_and_bitsandbytes() -> None:
    """A codebook with one wrong value would change every expert's weights and no loss would tell."""
    checks = {entry["check"]["name"]: entry["check"] for entry in _said(stage_nf4.run) if "check" in entry}
    assert all(check["ok"] for check in checks.values()), checks
    assert "error_is_that_of_nf4" in checks


def test_packed_experts_give_the_gradient_of_their_unpacked_weights() -> None:
    """Experts whose codes were laid out wrongly would still give a finite loss, and a speed that means nothing."""
    config = mixture_config(True)
    packed = random_mixture(config, "cpu")
    plain = random_model(config, "cpu", "float32")
    states = {name: tensor for name, tensor in packed.state_dict().items() if "parametrizations" not in name}
    plain.load_state_dict(states, strict=False)
    for one, other in zip(packed.model.layers, plain.model.layers, strict=True):
        for name in ("gate_up_proj", "down_proj"):
            getattr(other.mlp.experts, name).data.copy_(getattr(one.mlp.experts, name))
    ids = torch.arange(3, 43).reshape(2, 20)
    inputs = [model.get_input_embeddings()(ids).detach().requires_grad_(True) for model in (packed, plain)]
    losses = [model(inputs_embeds=x, labels=ids).loss for model, x in zip((packed, plain), inputs, strict=True)]
    for loss in losses:
        loss.backward()
    assert losses[0].item() == pytest.approx(losses[1].item(), rel=1e-6)
    assert inputs[0].grad is not None and inputs[1].grad is not None
    torch.testing.assert_close(inputs[0].grad, inputs[1].grad)


@pytest.mark.slow
def test_all_seven_stages_pass_at_tiny_shapes(tmp_path: Path) -> None:
    """The whole script, as it runs on a bare GPU host but for the shapes."""
    lines = _smoke(tmp_path / "out", "--budget", "580", environment=_bare_host(tmp_path / "bare"))
    assert [line["stage"] for line in lines] == list(range(1, 8))
    assert [(line["stage"], line["problem"], line["checks"]) for line in lines if not line["ok"]] == []
