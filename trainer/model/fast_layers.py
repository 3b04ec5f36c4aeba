"""Layers of a frozen model with LoRA that do the same with fewer passes over memory, for GPUs in 16 bits.

A GPU spends a third of a step on element-wise work that libraries do one kernel at a time. A replacement is used only
where it agrees with the layer it replaces, on that layer's own weights.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from model.loading import Placement

_ADAPTER = "default"
# Two ways of rounding to 16 bits differ in the last of 8 places, and sums of rounded numbers by a little more.
_TOLERANCE = 2.0**-6


class _LoraProduct(torch.autograd.Function):
    """x Wᵀ + s (x̃ Aᵀ) Bᵀ, where x̃ is x after dropout; the adapter's share is added inside the matrix product."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, dropped: torch.Tensor | None, weight: torch.Tensor, a: torch.Tensor, b: torch.Tensor, scaling: float
    ) -> torch.Tensor:
        flat = x.reshape(-1, x.shape[-1])
        seen = flat if dropped is None else dropped.reshape(-1, x.shape[-1])
        narrow = (seen @ a.to(x.dtype).t()) * scaling
        out = flat @ weight.t()
        out.addmm_(narrow, b.to(x.dtype).t())
        ctx.save_for_backward(seen, narrow, weight, a, b)
        ctx.scaling, ctx.is_dropped = scaling, dropped is not None
        return out.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, *outputs: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        seen, narrow, weight, a, b = ctx.saved_tensors
        shape = (*outputs[0].shape[:-1], weight.shape[1])
        grad = outputs[0].reshape(-1, weight.shape[0])
        narrow_grad = (grad @ b.to(grad.dtype)) * ctx.scaling
        of_a, of_b = (narrow_grad.t() @ seen).to(a.dtype), (grad.t() @ narrow).to(b.dtype)
        of_x = grad @ weight if ctx.needs_input_grad[0] else None
        of_dropped = None
        if ctx.is_dropped:
            of_dropped = (narrow_grad @ a.to(grad.dtype)).view(shape)
        elif of_x is not None:
            of_x.addmm_(narrow_grad, a.to(grad.dtype))
        return (of_x if of_x is None else of_x.view(shape)), of_dropped, None, of_a, of_b, None


def use_fast_layers(model: Any, placement: Placement) -> dict[str, int]:
    """Replaces what can be replaced; returns how many layers of each kind were."""
    if placement.device != "cuda" or placement.weights != "bfloat16":
        return {}
    return replace_layers(model)


def replace_layers(model: Any) -> dict[str, int]:
    """The same on any device."""
    from peft.tuners.lora import Linear

    counts = {"lora": 0, "norm": 0}
    for module in model.modules():
        if isinstance(module, Linear) and _replace_lora(module):
            counts["lora"] += 1
        elif type(module).__name__.endswith("RMSNorm") and _replace_norm(module):
            counts["norm"] += 1
    return counts


def _replace_lora(module: Any) -> bool:
    base, plain = module.base_layer, module.forward
    is_usual = type(base) is nn.Linear and base.bias is None and set(module.lora_A) == {_ADAPTER} and not module.lora_variant
    if not is_usual or module.lora_A[_ADAPTER].bias is not None or module.lora_B[_ADAPTER].bias is not None:
        return False
    dropout = module.lora_dropout[_ADAPTER]

    def forward(x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        if args or kwargs or module.disable_adapters or module.merged or x.dtype != base.weight.dtype:
            unchanged: torch.Tensor = plain(x, *args, **kwargs)
            return unchanged
        dropped = dropout(x) if module.training and getattr(dropout, "p", 0.0) > 0 else None
        a, b = module.lora_A[_ADAPTER].weight, module.lora_B[_ADAPTER].weight
        product: Callable[..., torch.Tensor] = _LoraProduct.apply
        return product(x, dropped, base.weight, a, b, module.scaling[_ADAPTER])

    module.forward = forward
    return True


def _replace_norm(module: Any) -> bool:
    """x / rms(x) times the weight, or one plus the weight: whichever is what this layer computes."""
    weight, epsilon = getattr(module, "weight", None), getattr(module, "variance_epsilon", getattr(module, "eps", None))
    if weight is None or epsilon is None or weight.dim() != 1 or weight.requires_grad:
        return False
    plain = module.forward
    sample = torch.linspace(-3.0, 5.0, 4 * weight.numel(), device=weight.device, dtype=torch.float32).sin().view(4, -1).to(weight.dtype)
    with torch.no_grad():
        try:
            expected = plain(sample)
        except TypeError:
            # Norms with a gate take a second argument.
            return False
        for scale in _scales(weight):
            found = functional.rms_norm(sample, (weight.numel(),), scale, epsilon)
            if torch.allclose(found.float(), expected.float(), rtol=_TOLERANCE, atol=1e-5):
                module.forward = _norm(plain, scale.detach(), epsilon)
                return True
    return False


def _scales(weight: torch.Tensor) -> list[torch.Tensor]:
    """The weight, and one plus the weight where its type can say that without rounding."""
    raised = weight.float() + 1.0
    rounded = raised.to(weight.dtype)
    return [weight, rounded] if torch.equal(rounded.float(), raised) else [weight]


def _norm(plain: Any, scale: torch.Tensor, epsilon: float) -> Any:
    def forward(x: torch.Tensor) -> torch.Tensor:
        if x.dtype != scale.dtype:
            kept: torch.Tensor = plain(x)
            return kept
        with torch.autocast(x.device.type, enabled=False):
            return functional.rms_norm(x, (scale.numel(),), scale, epsilon)

    return forward
