"""The tensors of a model folder by name, read one at a time."""

import json
from pathlib import Path
from typing import Any

import torch

from protocol import RunFailure
from storage import read_json


class CheckpointIndex:
    """Finds and reads single tensors in one or many safetensors files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opened: dict[str, Any] = {}
        index = read_json(folder / "model.safetensors.index.json")
        if isinstance(index, dict) and isinstance(index.get("weight_map"), dict):
            self._files: dict[str, str] = {str(name): str(file) for name, file in index["weight_map"].items()}
        else:
            self._files = {name: path.name for path in sorted(folder.glob("*.safetensors")) for name in _names_in(path)}

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def read(self, name: str, device: str) -> torch.Tensor:
        """One tensor on a device; the rest of its file is not read."""
        from safetensors import safe_open

        if name not in self._files:
            message = f"The weights of {self._folder.name} lack {name}."
            raise RunFailure("MODEL_NOT_FOUND", message, "Download the model again.")
        opened = self._files[name]
        if opened not in self._opened:
            # Kept open: an expert model has tens of thousands of tensors, and a file's list of them is long.
            self._opened[opened] = safe_open(str(self._folder / opened), framework="pt")
        tensor: torch.Tensor = self._opened[opened].get_tensor(name)
        # "cuda" is this process's card to torch, and always the first one to safetensors.
        return tensor.to(device)


def _names_in(path: Path) -> list[str]:
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return [name for name in header if name != "__metadata__"]
