"""What LoRA adapts, and wrapping a base model with it."""

from typing import Any

from model.loading import Placement
from protocol import Hyperparameters, RunFailure

_ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
DENSE_TARGETS = (*_ATTENTION, "gate_proj", "up_proj", "down_proj")
MIXER_TARGETS = (*_ATTENTION, "in_proj_qkvz", "in_proj_ba", "out_proj")
# By `model_type` of the text model. With experts, only what every token passes: peft turns the names of feed-forward layers,
# a shared expert's too, into LoRA on every routed expert.
FAMILY_TARGETS: dict[str, tuple[str, ...]] = {
    "llama": DENSE_TARGETS,
    "mistral": DENSE_TARGETS,
    "qwen2": DENSE_TARGETS,
    "qwen3": DENSE_TARGETS,
    "gemma": DENSE_TARGETS,
    "gemma2": DENSE_TARGETS,
    "gemma3_text": DENSE_TARGETS,
    "smollm3": DENSE_TARGETS,
    "olmo2": DENSE_TARGETS,
    "granite": DENSE_TARGETS,
    "phi3": ("qkv_proj", "o_proj", "gate_up_proj", "down_proj"),
    "glm4": (*_ATTENTION, "gate_up_proj", "down_proj"),
    "qwen2_moe": _ATTENTION,
    "qwen3_moe": _ATTENTION,
    "olmoe": _ATTENTION,
    "mixtral": _ATTENTION,
    "gpt_oss": _ATTENTION,
    "qwen3_next": MIXER_TARGETS,
}


def is_mixture(config: Any) -> bool:
    """Whether a configuration is that of a mixture of experts."""
    return any(getattr(config, name, None) for name in ("num_experts", "num_local_experts", "n_routed_experts"))


def lora_targets(model: Any) -> list[str]:
    """The explicit list of layers to adapt; a model whose layers are not all known is refused, never adapted by half."""
    import torch

    config, vision = model.config.get_text_config(), tuple(vision_parts(model))
    present = {
        name.rsplit(".", 1)[-1]
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and not (vision and name.startswith(vision))
    } - {"lm_head"}
    wanted = FAMILY_TARGETS.get(config.model_type)
    if wanted is None and not is_mixture(config) and present == set(DENSE_TARGETS):
        wanted = DENSE_TARGETS
    if wanted is None or not present:
        message = f"The layers of this model ({config.model_type}) are not known to the trainer."
        raise RunFailure("INVALID_INPUT", message, "Choose a model of a family in the catalogue.")
    # A model may lack a kind of layer: a few layers of a hybrid, say, have attention of one kind only.
    return [name for name in wanted if name in present]


def vision_parts(model: Any) -> list[str]:
    """Modules that see images, which text cannot train."""
    return [str(name) for name, _ in model.named_modules() if name.endswith(("vision_tower", "visual", "multi_modal_projector"))]


def add_lora(model: Any, parameters: Hyperparameters, placement: Placement) -> Any:
    """Wraps the base model with float32 LoRA adapters; what they start from depends on the seed only."""
    import torch
    from peft import LoraConfig, get_peft_model
    from peft.tuners.tuners_utils import BaseTunerLayer

    vision = vision_parts(model)
    config = LoraConfig(
        r=parameters.lora_r,
        lora_alpha=parameters.lora_alpha,
        lora_dropout=parameters.lora_dropout,
        target_modules=lora_targets(model),
        exclude_modules=rf".*({'|'.join(vision)}).*" if vision else None,
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
