"""The loss behind a frozen vocabulary head, without keeping or recomputing its logits."""

from collections.abc import Callable
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint as recompute

PieceLoss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class _FrozenHeadLoss(torch.autograd.Function):
    """Takes each piece's gradient at once: only one piece's logits ever exist, and none is computed twice."""

    @staticmethod
    def forward(ctx: Any, states: torch.Tensor, targets: torch.Tensor, piece_loss: PieceLoss, piece: int) -> torch.Tensor:
        total = states.new_zeros((), dtype=torch.float32)
        gradients = torch.empty_like(states)
        for start in range(0, len(targets), piece):
            part = slice(start, start + piece)
            leaf = states[part].detach().requires_grad_(True)
            with torch.enable_grad():
                loss = piece_loss(leaf, targets[part])
            (gradients[part],) = torch.autograd.grad(loss, leaf)
            total += loss.detach()
        ctx.save_for_backward(gradients)
        return total

    @staticmethod
    def backward(ctx: Any, *outputs: torch.Tensor) -> tuple[torch.Tensor, None, None, None]:
        (gradients,) = ctx.saved_tensors
        return gradients * outputs[0].to(gradients.dtype), None, None, None


def sum_of_piece_losses(piece_loss: PieceLoss, states: torch.Tensor, targets: torch.Tensor, piece: int, *, frozen: bool) -> torch.Tensor:
    """Sum of the losses of [labels, hidden] states, at most `piece` labels at a time; a float32 scalar.

    `frozen` says that nothing inside `piece_loss` learns, so that the gradient of the states is all there is.
    """
    if frozen and torch.is_grad_enabled() and states.requires_grad:
        apply: Callable[..., torch.Tensor] = _FrozenHeadLoss.apply
        return apply(states, targets, piece_loss, piece)
    if len(targets) <= piece:
        return piece_loss(states, targets)
    total = states.new_zeros((), dtype=torch.float32)
    for start in range(0, len(targets), piece):
        total = total + recompute(piece_loss, states[start : start + piece], targets[start : start + piece], use_reentrant=False)
    return total
