"""Writes safetensors files ourselves, so that a full disk is an OSError and the hash is of what was meant, not of what was read back."""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

Tensors = dict[str, torch.Tensor]
_DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
_WRITE_BYTES = 16 << 20


@dataclass(frozen=True)
class WrittenFile:
    """One line of a manifest."""

    name: str
    bytes: int
    sha256: str

    def as_json(self) -> dict[str, Any]:
        """The object as manifests hold it."""
        return {"name": self.name, "bytes": self.bytes, "sha256": self.sha256}


def write_file(path: Path, *pieces: bytes | memoryview) -> WrittenFile:
    """Writes and syncs a new file; size and hash are those of the pieces in memory."""
    digest, size = hashlib.sha256(), 0
    with open(path, "wb", buffering=0) as file:
        for piece in pieces:
            view = memoryview(piece)
            digest.update(view)
            size += len(view)
            done = 0
            while done < len(view):
                done += file.write(view[done : done + _WRITE_BYTES])
        os.fsync(file.fileno())
    return WrittenFile(path.name, size, digest.hexdigest())


def write_tensors(path: Path, tensors: Tensors, metadata: dict[str, str] | None = None) -> WrittenFile:
    """Writes and syncs a safetensors file (8 bytes of header length, JSON header, raw little-endian data)."""
    # The widest types first, so that every tensor begins at a multiple of its element size.
    names = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))
    header: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    offset = 0
    for name in names:
        tensor = tensors[name]
        end = offset + tensor.numel() * tensor.element_size()
        header[name] = {"dtype": _DTYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return write_file(path, len(text).to_bytes(8, "little") + text, *(_raw(tensors[name]) for name in names))


def byte_count(tensors: Tensors) -> int:
    """Bytes of the tensors' data."""
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())


def _raw(tensor: torch.Tensor) -> memoryview:
    flat = tensor.detach().to("cpu").contiguous().reshape(-1)
    data: memoryview = flat.view(torch.uint8).numpy().data
    return data
