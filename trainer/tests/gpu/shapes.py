"""Model shapes of the smoke test: the published sizes with random weights, and tiny ones of the same architecture."""

from pathlib import Path
from typing import Any

import torch
from tiny_model import write_tiny_model

FAMILIES = ("qwen3", "llama", "gemma3", "qwen3_next")


def dense_config(tiny: bool) -> Any:
    """Qwen3-8B (36 layers of 4096; config.json of Qwen/Qwen3-8B), or two small layers."""
    from transformers import Qwen3Config

    if tiny:
        return Qwen3Config(**_SMALL, num_hidden_layers=2)
    return Qwen3Config(
        vocab_size=151_936,
        hidden_size=4096,
        intermediate_size=12_288,
        num_hidden_layers=36,
        num_attention_heads=32,
        num_key_value_heads=8,
        head_dim=128,
        max_position_embeddings=40_960,
        tie_word_embeddings=False,
    )


def middle_config(tiny: bool) -> Any:
    """A dense model of about 0.2 billion weights, whose memory is mostly activations."""
    from transformers import Qwen3Config

    if tiny:
        return Qwen3Config(**_SMALL, num_hidden_layers=2)
    return Qwen3Config(
        vocab_size=32_000,
        hidden_size=1024,
        intermediate_size=3072,
        num_hidden_layers=12,
        num_attention_heads=16,
        num_key_value_heads=8,
        head_dim=64,
        tie_word_embeddings=True,
    )


def mixture_config(tiny: bool) -> Any:
    """Qwen3-Next-80B-A3B (48 layers, 512 experts, 10 per token; config.json of the model), or four small layers."""
    from transformers import Qwen3NextConfig

    if tiny:
        return Qwen3NextConfig(**_SMALL, **_SMALL_MIXTURE)
    return Qwen3NextConfig(
        vocab_size=151_936,
        hidden_size=2048,
        intermediate_size=5120,
        num_hidden_layers=48,
        num_attention_heads=16,
        num_key_value_heads=2,
        head_dim=256,
        linear_conv_kernel_dim=4,
        linear_key_head_dim=128,
        linear_value_head_dim=128,
        linear_num_key_heads=16,
        linear_num_value_heads=32,
        moe_intermediate_size=512,
        shared_expert_intermediate_size=512,
        num_experts=512,
        num_experts_per_tok=10,
        max_position_embeddings=262_144,
        tie_word_embeddings=False,
    )


def random_model(config: Any, device: str, dtype: str, attention: str = "sdpa") -> Any:
    """A frozen model with random weights, made on its device."""
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    with torch.device(device):
        model = AutoModelForCausalLM.from_config(config, dtype=getattr(torch, dtype), attn_implementation=attention)
    return model.requires_grad_(False)


def write_family(folder: Path, family: str) -> Path:
    """A folder with a tiny model of a family."""
    if family != "qwen3_next":
        return write_tiny_model(folder, family)
    random_model(mixture_config(True), "cpu", "float32").save_pretrained(str(folder))
    return folder


_SMALL: dict[str, Any] = {
    "vocab_size": 320,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 1024,
    # A frozen random head with a small range would cap the logits and with them what can be learned.
    "initializer_range": 0.3,
    "tie_word_embeddings": True,
    "bos_token_id": None,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
_SMALL_MIXTURE: dict[str, Any] = {
    "num_hidden_layers": 4,
    "linear_key_head_dim": 16,
    "linear_value_head_dim": 16,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "moe_intermediate_size": 32,
    "shared_expert_intermediate_size": 32,
    "num_experts": 4,
    "num_experts_per_tok": 2,
}
