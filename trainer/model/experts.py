"""Mixture-of-experts models with their experts in 4 bits: loaded tensor by tensor, never whole in 16 bits.

transformers keeps the experts of a layer in one three-dimensional parameter, which bitsandbytes' own loading leaves in 16
bits without a word. Here each expert parameter is packed as soon as it is put together, everything else stays as it is: the
router, the shared expert, the mixers and the head lose more by 4 bits than they weigh.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from model.checkpoint_index import CheckpointIndex
from model.nf4 import can_pack, keep_packed, pack
from protocol import RunFailure
from storage import read_json

# Families whose published files hold each expert's gate, up and down projection by itself, or both put together as here.
PACKABLE_FAMILIES = ("qwen2_moe", "qwen3_moe", "qwen3_next", "olmoe")
_EXPERT_PARAMETER = re.compile(r"(.*\.experts)\.(gate_up_proj|down_proj)")
_ADVICE = "Choose a mixture-of-experts model of the catalogue, or turn 4-bit loading off."


def expert_parameters(model: nn.Module) -> list[str]:
    """Names of the parameters that hold all experts of a layer at once."""
    return [name for name, p in model.named_parameters() if p.dim() == 3 and _EXPERT_PARAMETER.fullmatch(name)]


def empty_model(folder: Path, dtype: torch.dtype, attention: str) -> Any:
    """The model of a folder without storage for its weights."""
    from transformers import AutoConfig, AutoModelForCausalLM

    try:
        config = AutoConfig.from_pretrained(str(folder), trust_remote_code=False)
        with torch.device("meta"):
            return AutoModelForCausalLM.from_config(config, dtype=dtype, attn_implementation=attention)
    except (ValueError, KeyError, OSError) as error:
        # What transformers says when it has no such architecture, or no text model of it.
        described = read_json(folder / "config.json")
        kind = described.get("model_type") if isinstance(described, dict) else None
        message = f"This model ({kind or 'no model_type in config.json'}) is of an architecture that the trainer cannot build."
        raise RunFailure("INVALID_INPUT", message, "Choose a model of a family in the catalogue.") from error


def load_with_packed_experts(
    folder: Path, *, device: str, dtype: torch.dtype, attention: str, on_progress: Callable[[int, int], None] = lambda *_: None
) -> Any:
    """The frozen model on its device, its experts in NF4; at most one layer's experts are there in full at any time."""
    model = empty_model(folder, dtype, attention)
    index = CheckpointIndex(folder)
    packed = set(expert_parameters(model))
    if not packed:
        raise RunFailure("INVALID_INPUT", "This model has no experts that can be kept in 4 bits.", _ADVICE)
    names = [name for name, _ in model.named_parameters()] + _stored_buffers(model)
    tied = set(getattr(model, "_tied_weights_keys", None) or ())
    for number, name in enumerate(names, start=1):
        if name in packed:
            _pack_experts(model, name, index, device, dtype)
        elif name in index:
            _assign(model, name, index.read(name, device), dtype)
        elif name not in tied:
            raise RunFailure("MODEL_NOT_FOUND", f"The weights of {folder.name} lack {name}.", "Download the model again.")
        on_progress(number, len(names))
    model.tie_weights()
    _rebuild_rotary(model, device)
    for name, held in [*model.named_parameters(), *model.named_buffers()]:
        if held.is_meta:
            raise RunFailure("MODEL_NOT_FOUND", f"The weights of {folder.name} lack {name}.", "Download the model again.")
    return model.requires_grad_(False).eval()


def pack_random_experts(model: nn.Module, layer: nn.Module) -> None:
    """Packs the experts of a layer that has its weights already; for models made up of random weights."""
    for name, part in layer.named_modules():
        if name.rsplit(".", 1)[-1] == "experts":
            for parameter, value in list(part.named_parameters(recurse=False)):
                if value.dim() == 3 and parameter in ("gate_up_proj", "down_proj"):
                    keep_packed(part, parameter, pack(value), value.dtype)


def _pack_experts(model: Any, name: str, index: CheckpointIndex, device: str, dtype: torch.dtype) -> None:
    owner, parameter = _owner(model, name)
    shape = getattr(owner, parameter).shape
    if not can_pack(shape):
        raise RunFailure("INVALID_INPUT", f"{name} does not divide into blocks of 64 weights.", _ADVICE)
    weights = torch.empty(shape, dtype=dtype, device=device)
    if name in index:
        weights.copy_(index.read(name, device))
    else:
        for number, parts in enumerate(_parts_of_expert(name, shape[0])):
            offset = 0
            for part in parts:
                tensor = index.read(part, device)
                weights[number, offset : offset + tensor.shape[0]].copy_(tensor)
                offset += tensor.shape[0]
            if offset != shape[1]:
                raise RunFailure("MODEL_NOT_FOUND", f"The weights of {parts[0]} have another shape.", "Download the model again.")
    keep_packed(owner, parameter, pack(weights), dtype)


def _parts_of_expert(name: str, experts: int) -> Iterator[list[str]]:
    """What a parameter is put together from where the file holds each expert by itself."""
    found = _EXPERT_PARAMETER.fullmatch(name)
    if found is None:
        raise ValueError(f"{name} holds no experts")
    projections = ["gate_proj", "up_proj"] if found[2] == "gate_up_proj" else ["down_proj"]
    for number in range(experts):
        yield [f"{found[1]}.{number}.{projection}.weight" for projection in projections]


def _stored_buffers(model: nn.Module) -> list[str]:
    names = []
    for prefix, module in model.named_modules():
        for name, buffer in module._buffers.items():
            if buffer is not None and name not in module._non_persistent_buffers_set:
                names.append(f"{prefix}.{name}" if prefix else name)
    return names


def _assign(model: Any, name: str, tensor: torch.Tensor, dtype: torch.dtype) -> None:
    owner, leaf = _owner(model, name)
    known = getattr(owner, leaf)
    if known.shape != tensor.shape:
        raise RunFailure("MODEL_NOT_FOUND", f"{name} has another shape than the model's configuration says.", "Download the model again.")
    value = tensor.to(dtype) if tensor.is_floating_point() else tensor
    if isinstance(known, nn.Parameter):
        setattr(owner, leaf, nn.Parameter(value, requires_grad=False))
    else:
        owner._buffers[leaf] = value


def _owner(model: Any, name: str) -> tuple[Any, str]:
    path, _, leaf = name.rpartition(".")
    return (model.get_submodule(path) if path else model), leaf


def _rebuild_rotary(model: nn.Module, device: str) -> None:
    """Frequencies are computed, not stored: modules that have only those are made anew on the device."""
    for name, module in list(model.named_modules()):
        held = [buffer for buffer in module._buffers.values() if buffer is not None]
        if held and all(buffer.is_meta for buffer in held) and hasattr(module, "config"):
            owner, leaf = _owner(model, name)
            make: Any = type(module)
            with torch.device(device):
                setattr(owner, leaf, make(module.config))
