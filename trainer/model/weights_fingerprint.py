"""A fingerprint of the frozen weights, to prove that training left the base model as it was."""

import hashlib
from typing import Any

import torch

# A large model is sampled; hashing all of it would take minutes.
SAMPLED_TENSORS = 8
_ALL_BELOW_BYTES = 64 << 20
_SAMPLED_BYTES = 1 << 20


def weights_fingerprint(model: Any) -> str:
    """SHA-256 over the weights that training must not change: all of a small model, eight tensors' beginnings of a large one.

    Names do not count, so that the value is the same before and after LoRA layers are put around the weights.
    """
    frozen = [tensor for tensor in _frozen(model) if tensor.numel() > 0]
    total = sum(tensor.numel() * tensor.element_size() for tensor in frozen)
    if total > _ALL_BELOW_BYTES and len(frozen) > SAMPLED_TENSORS:
        last = len(frozen) - 1
        frozen = [frozen[round(number * last / (SAMPLED_TENSORS - 1))] for number in range(SAMPLED_TENSORS)]
    digest = hashlib.sha256()
    for tensor in frozen:
        digest.update(f"{tensor.dtype} {tuple(tensor.shape)}\n".encode())
        flat = tensor.detach().reshape(-1).view(torch.uint8)
        digest.update(flat[: None if total <= _ALL_BELOW_BYTES else _SAMPLED_BYTES].cpu().numpy().tobytes())
    return digest.hexdigest()


def _frozen(model: Any) -> list[torch.Tensor]:
    """Parameters that take no gradient, in the model's order, and the magnitudes of packed ones."""
    parameters = [p for name, p in model.named_parameters() if not p.requires_grad and "lora_" not in name]
    magnitudes = [b for name, b in model.named_buffers() if name.endswith(".magnitudes")]
    return [*parameters, *magnitudes]
