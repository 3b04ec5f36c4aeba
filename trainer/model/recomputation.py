"""Which layers compute their activations a second time in the backward pass instead of keeping them."""

from typing import Any


def recompute_layers(model: Any, keeping: int) -> None:
    """Saves memory in all layers but the first `keeping`, which save a third of their work instead."""
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    model.enable_input_require_grads()
    for layer in _layers(model)[:keeping]:
        layer.gradient_checkpointing = False


def recompute_all_layers(model: Any) -> bool:
    """Makes layers that keep their activations compute them twice; False when none did, or the model never recomputes."""
    layers = _layers(model)
    keeping = [layer for layer in layers if not layer.gradient_checkpointing]
    if len(keeping) == len(layers) and not any(hasattr(layer, "_gradient_checkpointing_func") for layer in layers):
        return False
    for layer in keeping:
        layer.gradient_checkpointing = True
    return bool(keeping)


def _layers(model: Any) -> list[Any]:
    from transformers.modeling_layers import GradientCheckpointingLayer

    return [module for module in model.modules() if isinstance(module, GradientCheckpointingLayer)]
