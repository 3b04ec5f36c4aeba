"""Prints what this worker is, as one line of JSON."""

import json
import platform
from typing import Any

from protocol import TRAINER_VERSION


def describe() -> dict[str, Any]:
    """The reply to `hello`, less the disk."""
    import torch

    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        device = {"kind": "cuda", "name": properties.name, "memory_bytes": properties.total_memory, "count": torch.cuda.device_count()}
    elif torch.backends.mps.is_available():
        device = {"kind": "mps", "name": platform.processor() or "Apple GPU", "memory_bytes": None, "count": 1}
    else:
        device = {"kind": "cpu", "name": _processor_name(), "memory_bytes": None, "count": 1}
    return {
        "v": 1,
        "trainer_version": TRAINER_VERSION,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "device": device,
    }


def _processor_name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        return platform.processor() or platform.machine()
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    print(json.dumps(describe()), flush=True)
