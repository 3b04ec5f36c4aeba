"""The adapter as it leaves the worker: files, parts of at most 64 MB, manifest, all verified."""

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

from models import ResolvedModel
from protocol import TRAINER_VERSION, TrainInput
from storage import sha256_bytes, sha256_file, sync_directory, sync_file, write_json

PART_BYTES = 64_000_000


def package_adapter(
    run_directory: Path,
    *,
    model: Any,
    tokenizer: Any,
    base: ResolvedModel,
    job: TrainInput,
    config_sha256: str,
    summary: dict[str, Any],
) -> str:
    """Writes adapter files, parts and manifest.json; returns the manifest's hash."""
    files = run_directory / f"adapter-files.tmp-{os.getpid()}"
    parts = run_directory / f"adapter.tmp-{os.getpid()}"
    for leftover in [*run_directory.glob("adapter-files.tmp-*"), *run_directory.glob("adapter.tmp-*")]:
        shutil.rmtree(leftover, ignore_errors=True)
    files.mkdir(parents=True)
    parts.mkdir()
    _write_files(files, model, tokenizer, base, summary)
    described = []
    part_list: list[dict[str, Any]] = []
    for path in sorted(files.iterdir()):
        described.append({"name": path.name, "bytes": path.stat().st_size, "sha256": sha256_file(path)})
        _split(path, parts, part_list)
    _verify(files, parts, described, part_list)
    target = run_directory / "adapter"
    shutil.rmtree(target, ignore_errors=True)
    os.rename(parts, target)
    sync_directory(run_directory)
    manifest = {
        "v": 1,
        "run_id": job.run_id,
        "created_ms": time.time_ns() // 1_000_000,
        "adapter_files": described,
        "parts": part_list,
        "base_model": {"id": base.id, "revision": base.revision, "fingerprint": base.fingerprint},
        "dataset_sha256": job.dataset.sha256,
        "config_sha256": config_sha256,
        "trainer_version": TRAINER_VERSION,
    }
    write_json(run_directory / "manifest.json", manifest)
    shutil.rmtree(files, ignore_errors=True)
    return sha256_file(run_directory / "manifest.json")


def _write_files(folder: Path, model: Any, tokenizer: Any, base: ResolvedModel, summary: dict[str, Any]) -> None:
    from peft import get_peft_model_state_dict
    from safetensors.torch import save_file

    state = get_peft_model_state_dict(model)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    save_file(tensors, str(folder / "adapter_model.safetensors"), metadata={"format": "pt"})
    model.peft_config["default"].save_pretrained(str(folder))
    config_path = folder / "adapter_config.json"
    config = json.loads(config_path.read_text(encoding="utf-8"))
    config.update(base_model_name_or_path=base.id, revision=base.revision, inference_mode=True)
    config["target_modules"] = sorted(config["target_modules"])
    write_json(config_path, config)
    tokenizer.save_pretrained(str(folder))
    if tokenizer.chat_template and not (folder / "chat_template.jinja").exists():
        (folder / "chat_template.jinja").write_text(str(tokenizer.chat_template), encoding="utf-8")
    write_json(folder / "training_summary.json", summary)
    (folder / "README.md").write_text(_model_card(base, summary), encoding="utf-8")
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            sync_file(path)


def _split(path: Path, parts: Path, listed: list[dict[str, Any]]) -> None:
    offset = 0
    with open(path, "rb") as source:
        while (data := source.read(PART_BYTES)) or offset == 0:
            name = f"part-{len(listed) + 1:04d}"
            with open(parts / name, "wb") as target:
                target.write(data)
                target.flush()
                os.fsync(target.fileno())
            listed.append({"key": f"adapter/{name}", "bytes": len(data), "sha256": sha256_bytes(data), "file": path.name, "offset": offset})
            offset += len(data)
            if len(data) < PART_BYTES:
                break
    sync_directory(parts)


def _verify(files: Path, parts: Path, described: list[dict[str, Any]], listed: list[dict[str, Any]]) -> None:
    """Reads everything back from the disk before anything is said to be finished."""
    from safetensors import safe_open

    for part in listed:
        path = parts / part["key"].split("/", 1)[1]
        if path.stat().st_size != part["bytes"] or sha256_file(path) != part["sha256"]:
            raise OSError(f"{part['key']} was not written as intended")
    for file in described:
        if sum(part["bytes"] for part in listed if part["file"] == file["name"]) != file["bytes"]:
            raise OSError(f"The parts of {file['name']} do not add up to it")
    with safe_open(str(files / "adapter_model.safetensors"), framework="pt") as opened:
        names: list[str] = list(opened.keys())
        if not all(opened.get_tensor(name).isfinite().all() for name in names):
            raise OSError("The adapter holds a value that is not a finite number")


def _model_card(base: ResolvedModel, summary: dict[str, Any]) -> str:
    front = ["---"]
    if "/" in base.id:
        front.append(f"base_model: {base.id}")
    front += ["library_name: peft", "pipeline_tag: text-generation", "tags:", "- lora", "- tunesmith", "---", ""]
    rows = [
        ("Base model", base.id + (f" at revision {base.revision}" if base.revision else "")),
        ("Weights read from", summary["base_model"]["resolved"]),
        ("Optimizer steps", f"{summary['steps_done']} of {summary['steps_total']}"),
        ("Weights of step", summary["shipped_step"]),
        ("Training rows, held-out rows", f"{summary['rows_train']}, {summary['rows_eval']}"),
        ("Held-out loss, base model", _loss(summary["eval_loss_base"])),
        ("Held-out loss, this adapter", _loss(summary["eval_loss_best"])),
        ("LoRA rank, alpha", f"{summary['hyperparameters']['lora_r']}, {summary['hyperparameters']['lora_alpha']}"),
        ("Trained with", f"Tunesmith trainer {TRAINER_VERSION}"),
    ]
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    usage = (
        "```python\n"
        "from peft import PeftModel\n"
        "from transformers import AutoModelForCausalLM, AutoTokenizer\n\n"
        f'base = AutoModelForCausalLM.from_pretrained("{base.id}")\n'
        'model = PeftModel.from_pretrained(base, "path/to/this/folder")\n'
        'tokenizer = AutoTokenizer.from_pretrained("path/to/this/folder")\n'
        "```\n"
    )
    return "\n".join(front) + f"# LoRA adapter for {base.id}\n\n| | |\n|---|---|\n{table}\n\n## Use\n\n{usage}"


def _loss(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.4f}"
