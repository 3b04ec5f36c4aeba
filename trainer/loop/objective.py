"""The loss: next-token prediction at label positions only, summed so that any split adds up."""

import contextlib
from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional
from torch.utils.checkpoint import checkpoint as recompute

from data import Row
from models import Placement

# Logits of one piece stay near 256 MB in float32 whatever the vocabulary.
_LOGIT_ELEMENTS = 1 << 26


class Objective:
    """Computes losses of rows with a model whose vocabulary head runs only where labels are."""

    def __init__(self, model: Any, placement: Placement, pad_id: int) -> None:
        self._hf = model.get_base_model() if hasattr(model, "get_base_model") else model
        self._placement = placement
        self._pad_id = pad_id
        self._head = self._hf.get_output_embeddings()
        config = self._hf.config.get_text_config()
        self._softcap: float | None = getattr(config, "final_logit_softcapping", None)
        self._piece = max(64, _LOGIT_ELEMENTS // int(config.vocab_size))
        self.head_is_separate = self._agrees_with_full_forward(int(config.vocab_size))

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """bf16 matrix products where the placement asks for them."""
        if not self._placement.autocast:
            return contextlib.nullcontext()
        return torch.autocast(self._placement.device, dtype=torch.bfloat16)

    def sum_of_losses(self, rows: Sequence[Row]) -> torch.Tensor:
        """Sum over all label tokens of the rows, with a graph for the backward pass."""
        states, targets, _ = self._label_states(rows)
        total = states.new_zeros((), dtype=torch.float32)
        for start in range(0, len(targets), self._piece):
            piece = states[start : start + self._piece], targets[start : start + self._piece]
            if len(targets) > self._piece:
                total = total + recompute(self._piece_loss, *piece, use_reentrant=False)
            else:
                total = total + self._piece_loss(*piece)
        return total

    @torch.no_grad()
    def row_losses(self, rows: Sequence[Row]) -> list[float]:
        """For each row the sum of its label losses."""
        states, targets, owners = self._label_states(rows)
        sums = torch.zeros(len(rows), dtype=torch.float64)
        for start in range(0, len(targets), self._piece):
            stop = start + self._piece
            losses = self._losses(states[start:stop], targets[start:stop])
            sums.index_add_(0, owners[start:stop], losses.double().cpu())
        return [float(value) for value in sums]

    def _piece_loss(self, states: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return self._losses(states, targets).sum()

    def _losses(self, states: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        with self.autocast():
            logits = self._logits(states) if self.head_is_separate else states
        return functional.cross_entropy(logits.float(), targets, reduction="none")

    def _logits(self, states: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self._head(states)
        if self._softcap is not None:
            logits = torch.tanh(logits / self._softcap) * self._softcap
        return logits

    def _label_states(self, rows: Sequence[Row]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Hidden states (or logits) that predict each label, the label ids, and whose row each is."""
        width = max(len(row.ids) for row in rows)
        # Padding stands to the right of a causal model's text, so no token can see it.
        ids = torch.full((len(rows), width), self._pad_id, dtype=torch.long)
        places: list[int] = []
        targets: list[int] = []
        owners: list[int] = []
        for number, row in enumerate(rows):
            ids[number, : len(row.ids)] = torch.tensor(row.ids)
            places.extend(number * width + position - 1 for position in row.labels)
            targets.extend(row.ids[position] for position in row.labels)
            owners.extend([number] * len(row.labels))
        device = self._placement.device
        with self.autocast():
            output = self._forward(ids.to(device))
        flat = output.reshape(-1, output.shape[-1])
        return flat[torch.tensor(places, device=device)], torch.tensor(targets, device=device), torch.tensor(owners)

    def _forward(self, ids: torch.Tensor) -> torch.Tensor:
        if self.head_is_separate:
            hidden: torch.Tensor = self._hf.base_model(input_ids=ids, use_cache=False).last_hidden_state
            return hidden
        logits: torch.Tensor = self._hf(input_ids=ids, use_cache=False).logits
        return logits

    @torch.no_grad()
    def _agrees_with_full_forward(self, vocabulary: int) -> bool:
        """Some families scale or bend their logits; where ours differ, the model's own are used."""
        ids = (torch.arange(1, 9, device=self._placement.device) % vocabulary).unsqueeze(0)
        was_training = self._hf.training
        self._hf.eval()
        with self.autocast():
            expected = self._hf(input_ids=ids, use_cache=False).logits.float()
            own = self._logits(self._hf.base_model(input_ids=ids, use_cache=False).last_hidden_state).float()
        self._hf.train(was_training)
        return bool(torch.allclose(own, expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max())))
