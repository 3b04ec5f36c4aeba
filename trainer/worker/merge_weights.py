"""Adds LoRA weights to the weights of a base model, one shard in memory at a time, and proves that it did."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from protocol import RunFailure
from run.tensor_file import Tensors, WrittenFile, write_tensors

# Sizes in bytes; a shard is what is held in memory.
SHARD_BYTES = 4 << 30
_PREFIX = "base_model.model."
_PLAIN_LAYER = (torch.float32, torch.float16, torch.bfloat16)
_USE_AS_IS = "Use the adapter together with its base model instead."


@dataclass(frozen=True)
class LoraPair:
    """What LoRA adds to one weight: scale · B·A, with A of shape (r, in) and B of shape (out, r)."""

    a: torch.Tensor
    b: torch.Tensor
    scale: float

    def delta(self, dtype: torch.dtype) -> torch.Tensor:
        """The addend of shape (out, in), computed in this precision."""
        return self.scale * (self.b.to(dtype) @ self.a.to(dtype))


class BaseWeights:
    """The safetensors files of a base model, tensor by tensor."""

    def __init__(self, folder: Path) -> None:
        self._places: dict[str, Any] = {}
        for path in sorted(folder.glob("*.safetensors")):
            file: Any = safe_open(str(path), framework="pt")
            self._places.update(dict.fromkeys(file.keys(), file))

    @property
    def names(self) -> list[str]:
        """All tensors, in the order of their files."""
        return list(self._places)

    def read(self, name: str) -> torch.Tensor:
        """One tensor on the CPU."""
        tensor: torch.Tensor = self._places[name].get_tensor(name)
        return tensor

    def shards(self, limit: int) -> Iterator[list[str]]:
        """The names in groups whose tensors have at most `limit` bytes, or one tensor."""
        group: list[str] = []
        size = 0
        for name in self._places:
            tensor_bytes = self.byte_count(name)
            if group and size + tensor_bytes > limit:
                yield group
                group, size = [], 0
            group.append(name)
            size += tensor_bytes
        yield group

    def byte_count(self, name: str) -> int:
        """Bytes of one tensor's data."""
        view = self._places[name].get_slice(name)
        bits = {"F64": 64, "I64": 64, "F32": 32, "I32": 32, "F16": 16, "BF16": 16, "I16": 16}
        return math.prod(map(int, view.get_shape())) * bits.get(view.get_dtype(), 8) // 8


def lora_pairs(adapter: Tensors, config: dict[str, Any]) -> dict[str, LoraPair]:
    """The addends by the path of the layer they belong to; refuses kinds of adapters that are more than B·A."""
    odd = [name for name in ("use_dora", "rank_pattern", "alpha_pattern", "modules_to_save", "fan_in_fan_out") if config.get(name)]
    paths = sorted({name.split(".lora_")[0] for name in adapter})
    names = {f"{path}.lora_{half}.weight" for path in paths for half in "AB"}
    if odd or set(adapter) != names or not paths:
        what = ", ".join(odd) or "layers that are not plain LoRA"
        raise RunFailure("INVALID_INPUT", f"This adapter cannot be merged: it has {what}.", _USE_AS_IS)
    pairs = {}
    for path in paths:
        a, b = adapter[f"{path}.lora_A.weight"], adapter[f"{path}.lora_B.weight"]
        rank = a.shape[0]
        scale = float(config["lora_alpha"]) / (math.sqrt(rank) if config.get("use_rslora") else rank)
        pairs[path.removeprefix(_PREFIX)] = LoraPair(a, b, scale)
    return pairs


def place_pairs(pairs: dict[str, LoraPair], weights: BaseWeights) -> dict[str, LoraPair]:
    """The addends by the name of the base weight; refuses a layer that is not there, or is there twice."""
    names = weights.names
    placed = {}
    for path, pair in pairs.items():
        found = [f"{path}.weight"] if f"{path}.weight" in names else _like(path, names)
        if len(found) != 1 or found[0] in placed:
            message = f"The base model's files have no single weight for the adapter's layer {path}."
            raise RunFailure("INVALID_INPUT", message, _USE_AS_IS)
        weight = weights.read(found[0])
        if weight.dtype not in _PLAIN_LAYER or tuple(weight.shape) != (pair.b.shape[0], pair.a.shape[1]):
            message = f"The base model's weight {found[0]} is of another shape, or stored in 4 or 8 bits."
            raise RunFailure("INVALID_INPUT", message, "Merge with a base model whose weights are in 16 or 32 bits.")
        placed[found[0]] = pair
    return placed


def _like(path: str, names: list[str]) -> list[str]:
    """Models that also see pictures are loaded under other names than they are stored; the layer's own part is the same."""
    _, mark, tail = path.partition("layers.")
    ending = f"{mark}{tail}.weight"
    return [name for name in names if mark and name.endswith(ending) and "visi" not in name and "visual" not in name]


def write_merged(weights: BaseWeights, pairs: dict[str, LoraPair], folder: Path, limit: int = SHARD_BYTES) -> list[WrittenFile]:
    """Writes the sum as safetensors shards with their index; the file names are those every loader expects."""
    groups = list(weights.shards(limit))
    written = []
    for number, group in enumerate(groups, start=1):
        shard = {name: _sum(name, weights.read(name), pairs.get(name)) for name in group}
        written.append(write_tensors(folder / shard_name(number, len(groups)), shard, {"format": "pt"}))
    return written


def shard_index(weights: BaseWeights, limit: int = SHARD_BYTES) -> dict[str, Any] | None:
    """model.safetensors.index.json; None where one file holds everything."""
    groups = list(weights.shards(limit))
    if len(groups) == 1:
        return None
    places = {name: shard_name(number, len(groups)) for number, group in enumerate(groups, start=1) for name in group}
    return {"metadata": {"total_size": sum(weights.byte_count(name) for name in places)}, "weight_map": places}


def shard_name(number: int, count: int) -> str:
    """The name of one weight file."""
    return "model.safetensors" if count == 1 else f"model-{number:05d}-of-{count:05d}.safetensors"


def _sum(name: str, weight: torch.Tensor, pair: LoraPair | None) -> torch.Tensor:
    if pair is None:
        return weight
    total = (weight.to(torch.float32) + pair.delta(torch.float32)).to(weight.dtype)
    if not total.isfinite().all():
        message = f"Merged, the weight {name} would hold a value that is not a finite number."
        raise RunFailure("DIVERGED", message, "The adapter's weights are too large to be merged. Train again with a lower learning rate.")
    return total


def verify_merged(folder: Path, weights: BaseWeights, pairs: dict[str, LoraPair]) -> None:
    """Reads the files back: nothing is missing or changed that should not be, and what was added is α/r·B·A."""
    merged = BaseWeights(folder)
    if sorted(merged.names) != sorted(weights.names):
        raise OSError("The merged files do not hold the base model's weights")
    placed = sorted(pairs)
    for name in {placed[0], placed[len(placed) // 2], placed[-1]}:
        before, after = weights.read(name).double(), merged.read(name)
        wanted = before + pairs[name].delta(torch.float64)
        # Half a unit in the last place of the stored type, and what float32 products leave.
        allowed = wanted.abs() * torch.finfo(after.dtype).eps + 1e-5 * pairs[name].delta(torch.float64).abs().max() + 1e-30
        if not ((after.double() - wanted).abs() <= allowed).all():
            raise OSError(f"The merged weight {name} is not the sum it should be")
    untouched = next((name for name in weights.names if name not in pairs), None)
    if untouched is not None and not torch.equal(merged.read(untouched), weights.read(untouched)):
        raise OSError(f"The weight {untouched} was changed although the adapter does not touch it")
