"""The gated delta rule of linear attention in plain torch, with as few steps after one another as its formula allows.

Yang et al. 2024, "Gated Delta Networks", section 3.2. Within a chunk, with the logarithms of the decays summed up as γ and
D_ij = exp(γ_i - γ_j) for j ≤ i: U = (I + L)⁻¹ βV and W = (I + L)⁻¹ β e^γ K, where L is the part of βKKᵀ ⊙ D below the
diagonal. A chunk then maps the state S it finds to e^γ_C S + K̃ᵀ (U - W S) = A S + B, with K̃ = e^(γ_C - γ) K. All A and B
are made at once, so that one matrix product per chunk is all that has to wait for the chunk before.
"""

import sys
from typing import Any

import torch
from torch.nn import functional

_CHUNK = 64


def gated_delta_rule(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    g: torch.Tensor,
    beta: torch.Tensor,
    chunk_size: int = _CHUNK,
    initial_state: torch.Tensor | None = None,
    output_final_state: bool = False,
    use_qk_l2norm_in_kernel: bool = False,
    **_: Any,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """What every position reads from the state, [rows, length, heads, value width], and the state at the end if asked for.

    `query` and `key` are [rows, length, heads, key width], `value` [rows, length, heads, value width], `g` (logarithm of the
    decay, at most 0) and `beta` (how much is written, 0 to 1) [rows, length, heads]. Computed in float32.
    """
    rows, length, heads, kind = *query.shape[:3], query.dtype
    # [chunks, rows of heads, positions, width] and [chunks, rows of heads, positions]: whatever waits for the chunk before
    # then works on memory in one piece.
    query, key, value = (_in_chunks(part, chunk_size) for part in (query, key, value))
    beta, decay = (_in_chunks(part.unsqueeze(-1), chunk_size) for part in (beta, g))
    if use_qk_l2norm_in_kernel:
        query, key = (part * torch.rsqrt(part.square().sum(-1, keepdim=True) + 1e-6) for part in (query, key))
    decay = decay.squeeze(-1).cumsum(-1)

    hidden = torch.ones(chunk_size, chunk_size, dtype=torch.bool, device=query.device).triu(1)
    between = (decay.unsqueeze(-1) - decay.unsqueeze(-2)).masked_fill_(hidden, float("-inf")).exp()
    grown, last = decay.exp().unsqueeze(-1), decay[..., -1:]
    mixing = (key * beta) @ key.mT * between
    # The solver takes the diagonal as ones and does not look above it.
    solved = torch.linalg.solve_triangular(mixing, torch.cat([value, key * grown], -1) * beta, upper=False, unitriangular=True)
    fresh, forgotten = solved.split([value.shape[-1], key.shape[-1]], -1)

    kept = (key * (last - decay).exp().unsqueeze(-1)).mT
    carried = torch.diag_embed(last.exp().expand(*last.shape[:-1], key.shape[-1])) - kept @ forgotten
    start = None if initial_state is None else initial_state.flatten(0, 1).float()
    states, final = _scan(carried, kept @ fresh, start)
    corrected = fresh - forgotten @ states
    read = (query * grown) @ states + (query @ key.mT * between) @ corrected
    read = (read * key.shape[-1] ** -0.5).to(kind).view(-1, rows, heads, chunk_size, value.shape[-1])
    read = read.permute(1, 0, 3, 2, 4).reshape(rows, -1, heads, value.shape[-1])[:, :length]
    return read, final.view(rows, heads, *final.shape[1:]) if output_final_state else None


def _in_chunks(part: torch.Tensor, size: int) -> torch.Tensor:
    """[rows, length, heads, width] as float32 [chunks, rows × heads, size, width], filled up with zeros."""
    fill = -part.shape[1] % size
    if fill:
        part = functional.pad(part, (0, 0, 0, 0, 0, fill))
    rows, length, heads, width = part.shape
    ordered = part.reshape(rows, length // size, size, heads, width).permute(1, 0, 3, 2, 4)
    return ordered.to(torch.float32, memory_format=torch.contiguous_format).contiguous().view(-1, rows * heads, size, width)


def _scan(carried: torch.Tensor, added: torch.Tensor, initial: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
    """The state each chunk finds, [chunks, rows × heads, key width, value width], and the one the last chunk leaves."""
    state = torch.zeros_like(added[0]) if initial is None else initial
    states = []
    for maps, adds in zip(carried, added, strict=True):
        states.append(state)
        state = torch.baddbmm(adds, maps, state)
    return torch.stack(states), state


def use_own_delta_rule(model: Any) -> bool:
    """Puts the function above in the place of the library's readable one; True when the model has such layers."""
    modules: set[Any] = {
        sys.modules[type(module).__module__] for module in model.modules() if type(module).__name__.endswith("GatedDeltaNet")
    }
    for module in modules:
        if hasattr(module, "torch_chunk_gated_delta_rule"):
            module.torch_chunk_gated_delta_rule = gated_delta_rule
    return bool(modules)
