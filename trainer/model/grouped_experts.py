"""The experts of a mixture computed together, with each token's rows gathered and added up by permutation alone.

An expert's weight is applied before its last product, which is linear, where rows are narrower than after it; and every
row goes to exactly one place, so that gathering and adding up need no scattered additions, forwards or backwards.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

_NAME = "tunesmith_grouped"


class _Gather(torch.autograd.Function):
    """Rows of [tokens, width] once for every expert that a token visits, in the order of the experts."""

    @staticmethod
    def forward(ctx: Any, rows: torch.Tensor, order: torch.Tensor, place: torch.Tensor, visits: int) -> torch.Tensor:
        ctx.save_for_backward(place)
        ctx.visits = visits
        return rows[order // visits]

    @staticmethod
    def backward(ctx: Any, *outputs: torch.Tensor) -> tuple[torch.Tensor, None, None, None]:
        (place,) = ctx.saved_tensors
        return outputs[0][place].view(-1, ctx.visits, outputs[0].shape[-1]).sum(1), None, None, None


class _AddUp(torch.autograd.Function):
    """The other way round: what the experts made of a token, added up."""

    @staticmethod
    def forward(ctx: Any, rows: torch.Tensor, order: torch.Tensor, place: torch.Tensor, visits: int) -> torch.Tensor:
        ctx.save_for_backward(order)
        ctx.visits = visits
        return rows[place].view(-1, visits, rows.shape[-1]).sum(1)

    @staticmethod
    def backward(ctx: Any, *outputs: torch.Tensor) -> tuple[torch.Tensor, None, None, None]:
        (order,) = ctx.saved_tensors
        return outputs[0][order // ctx.visits], None, None, None


def grouped_experts(self: Any, hidden_states: torch.Tensor, top_k_index: torch.Tensor, top_k_weights: torch.Tensor) -> torch.Tensor:
    """What the chosen experts make of [tokens, width], each weighted; signature and module as transformers calls it."""
    visits = top_k_index.shape[-1]
    experts, order = torch.sort(top_k_index.reshape(-1))
    place = torch.empty_like(order)
    place[order] = torch.arange(order.numel(), device=order.device)
    ends = torch.searchsorted(experts, torch.arange(self.num_experts, device=experts.device), right=True).to(torch.int32)
    gather: Callable[..., torch.Tensor] = _Gather.apply
    gathered = gather(hidden_states, order, place, visits)
    gate, up = _product(gathered, self.gate_up_proj, ends).chunk(2, dim=-1)
    weights = top_k_weights.reshape(-1)[order].unsqueeze(-1).to(gate.dtype)
    made = _product(self.act_fn(gate) * up * weights, self.down_proj, ends)
    add_up: Callable[..., torch.Tensor] = _AddUp.apply
    return add_up(made, order, place, visits).to(hidden_states.dtype)


def _product(rows: torch.Tensor, weights: torch.Tensor, ends: torch.Tensor) -> torch.Tensor:
    """Rows times the transposed weights of their expert; the expert of a row is told by where each expert's rows end."""
    multiply: Any = getattr(functional, "grouped_mm", None) or torch._grouped_mm
    product: torch.Tensor = multiply(rows.to(weights.dtype), weights.transpose(-2, -1), offs=ends)
    return product


def use_grouped_experts(model: nn.Module) -> bool:
    """Lets a mixture's experts be computed by the function above; True when the model has such experts."""
    from transformers.integrations.moe import ALL_EXPERTS_FUNCTIONS

    found: list[Any] = [
        module for module in model.modules() if type(module).__name__.endswith("Experts") and hasattr(module, "gate_up_proj")
    ]
    usable = [m for m in found if m.has_gate and not m.has_bias and not m.is_transposed and m.is_concatenated]
    if not found or len(usable) != len(found):
        return False
    ALL_EXPERTS_FUNCTIONS.register(_NAME, grouped_experts)
    for module in usable:
        module.config._experts_implementation = _NAME
    return True
