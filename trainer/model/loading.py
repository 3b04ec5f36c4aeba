"""Placing and loading the frozen base model and its tokenizer."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

_BF16_WORTH_PARAMETERS = 20_000_000
Quantization = Literal["none", "nf4", "nf4-experts"]


@dataclass(frozen=True)
class Placement:
    """Where and in which precision the model runs."""

    device: str
    weights: str
    autocast: bool
    quantization: Quantization = "none"

    @property
    def label(self) -> str:
        """The `dtype` shown to the user."""
        if self.quantization != "none":
            packed = "4-bit experts" if self.quantization == "nf4-experts" else "4-bit base"
            return f"{packed} in {self.weights}, float32 adapter"
        return f"{self.weights} base, float32 adapter" if self.weights != "float32" else "float32"


def choose_placement(parameters: int, quantization: Quantization = "none") -> Placement:
    """CUDA in bf16; a CPU in bf16 only where it multiplies bf16 matrices in hardware and it pays."""
    import torch

    device = os.environ.get("TUNESMITH_DEVICE") or _best_device(torch)
    weights = os.environ.get("TUNESMITH_DTYPE")
    if weights not in ("float32", "bfloat16"):
        fast = device == "cuda" or (device == "cpu" and parameters >= _BF16_WORTH_PARAMETERS and _cpu_multiplies_bf16(torch))
        weights = "bfloat16" if fast else "float32"
    return Placement(device, weights, autocast=weights == "bfloat16", quantization=quantization)


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
    """The frozen base model on its device, in 4 bits where the placement says so."""
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    dtype = getattr(torch, placement.weights)
    if placement.quantization == "nf4-experts":
        from model.experts import load_with_packed_experts

        return load_with_packed_experts(folder, device=placement.device, dtype=dtype, attention=attention)
    options: dict[str, Any] = {}
    if placement.quantization == "nf4":
        options["quantization_config"] = _four_bits(dtype)
    if placement.quantization == "nf4" or placement.device == "cuda":
        # Straight onto the card: a worker may have less memory beside it than on it.
        options["device_map"] = {"": placement.device}
    model = AutoModelForCausalLM.from_pretrained(
        str(folder),
        dtype=dtype,
        trust_remote_code=False,
        use_safetensors=True,
        attn_implementation=attention,
        **options,
    )
    model.requires_grad_(False)
    return model if "device_map" in options else model.to(placement.device)


def _four_bits(compute: Any) -> Any:
    """NF4 with its magnitudes quantised once more (QLoRA); the head and the embeddings stay as they are."""
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=compute,
    )


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
