"""Prints what this worker is, as one line of JSON; a process of its own, because asking CUDA holds its memory."""

import argparse
import importlib.metadata
import platform
from pathlib import Path
from typing import Any

from model.cached_models import list_cached
from protocol import TRAINER_VERSION
from worker.child import print_outcome

# What decides the numbers a run computes, and what reads and writes its files.
_PACKAGES = (
    "torch",
    "transformers",
    "peft",
    "accelerate",
    "safetensors",
    "tokenizers",
    "huggingface_hub",
    "bitsandbytes",
    "flash-linear-attention",
    "causal-conv1d",
    "triton",
    "gguf",
    "jsonschema",
    "runpod",
)


def describe(volume: Path) -> dict[str, Any]:
    """The reply to `hello`, less the disk."""
    import torch

    return {
        "v": 1,
        "trainer_version": TRAINER_VERSION,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "device": _device(torch),
        "packages": installed_packages(),
        "cuda": torch.version.cuda,
        "base_models": list_cached(volume),
    }


def _device(torch: Any) -> dict[str, Any]:
    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        return {"kind": "cuda", "name": properties.name, "memory_bytes": properties.total_memory, "count": torch.cuda.device_count()}
    if torch.backends.mps.is_available():
        return {"kind": "mps", "name": platform.processor() or "Apple GPU", "memory_bytes": None, "count": 1}
    return {"kind": "cpu", "name": _processor_name(), "memory_bytes": None, "count": 1}


def installed_packages() -> dict[str, str]:
    """Versions by package name; what is not installed is left out."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _processor_name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        return platform.processor() or platform.machine()
    return platform.processor() or platform.machine()


def main() -> None:
    """Command line of this file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--volume", type=Path, required=True)
    volume = parser.parse_args().volume
    print_outcome(lambda: describe(volume))


if __name__ == "__main__":
    main()
