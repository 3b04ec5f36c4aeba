"""The loss: next-token prediction at label positions only, summed so that any split adds up."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch.nn import functional

from data.encoder import Row
from loop.frozen_head import sum_of_piece_losses
from loop.micro_batches import Costs, MicroBatch, as_micro_batch
from loop.model_input import ModelInput, flat_input, padded_input
from model.loading import Placement
from model.recomputation import recompute_all_layers

# Logits of one piece stay near 256 MB in float32 whatever the vocabulary.
_LOGIT_ELEMENTS = 1 << 26
# Largest difference, as a share of the largest logit, that rounding alone explains.
_ROUNDING = {torch.float32: 1e-3, torch.bfloat16: 5e-2}
# What a pass costs beside its tokens, in tokens. Measured on a CPU; on GPUs, reading the weights of a dense model or,
# for a mixture, of all its experts, takes as long as computing about this many tokens.
_CPU_PASS, _GPU_PASS, _EXPERT_PASS = 48, 256, 4096
# Lengths of the rows of the start-up check; the middle one has a neighbour on both sides.
_CHECKED_LENGTHS = (13, 17, 9)


class RowScore(NamedTuple):
    """What an evaluation knows about a row: the sum of its label losses (nats) and how many labels came first."""

    loss: float
    correct: int


class Objective:
    """Computes losses of rows with a model whose vocabulary head runs only where labels are."""

    def __init__(self, model: Any, placement: Placement, pad_id: int) -> None:
        self._hf = model.get_base_model() if hasattr(model, "get_base_model") else model
        self._placement = placement
        self._pad_id = pad_id
        self._head = self._hf.get_output_embeddings()
        config = self._hf.config.get_text_config()
        self._softcap: float | None = getattr(config, "final_logit_softcapping", None)
        self._vocabulary = int(config.vocab_size)
        self._piece = max(64, _LOGIT_ELEMENTS // self._vocabulary)
        self.costs = _costs(config, placement)
        self._is_flat = placement.device == "cuda" and "flash" in str(self._hf.config._attn_implementation)
        self.head_is_separate = self._agrees_with_full_forward()
        self.packing_difference = self._packing_difference()
        self.can_pack = self.packing_difference <= 1.0
        self._is_flat = self._is_flat and self.can_pack

    def save_memory(self) -> bool:
        """Computes every layer's activations twice from now on; False when that was so, or is never done for this model."""
        return recompute_all_layers(self._hf)

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """bf16 matrix products where the placement asks for them."""
        if not self._placement.autocast:
            return contextlib.nullcontext()
        return torch.autocast(self._placement.device, dtype=torch.bfloat16)

    def sum_of_losses(self, batch: MicroBatch | Sequence[Row]) -> torch.Tensor:
        """Sum over all label tokens of the batch, with a graph for the backward pass; a float32 scalar."""
        states, targets, _ = self._label_states(as_micro_batch(batch))
        return sum_of_piece_losses(self._piece_loss, states, targets, self._piece, frozen=self._is_head_frozen())

    def row_losses(self, rows: Sequence[Row]) -> list[float]:
        """For each row the sum of its label losses, in nats."""
        return [score.loss for score in self.row_scores(rows)]

    @torch.no_grad()
    def row_scores(self, rows: Sequence[Row]) -> list[RowScore]:
        """For each row the sum of its label losses and how many labels were the likeliest token; never packed."""
        states, targets, owners = self._label_states(MicroBatch(tuple((row,) for row in rows)))
        sums = torch.zeros(len(rows), dtype=torch.float64)
        correct = torch.zeros(len(rows), dtype=torch.int64)
        for start in range(0, len(targets), self._piece):
            part = slice(start, start + self._piece)
            logits = self._label_logits(states[part])
            losses = functional.cross_entropy(logits, targets[part], reduction="none")
            sums.index_add_(0, owners[part], losses.double().cpu())
            correct.index_add_(0, owners[part], (logits.argmax(-1) == targets[part]).long().cpu())
        return [RowScore(float(loss), int(count)) for loss, count in zip(sums, correct, strict=True)]

    def _piece_loss(self, states: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(self._label_logits(states), targets, reduction="sum")

    def _label_logits(self, states: torch.Tensor) -> torch.Tensor:
        if not self.head_is_separate:
            return states.float()
        with self.autocast():
            return self._logits(states).float()

    def _logits(self, states: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self._head(states)
        if self._softcap is not None:
            logits = torch.tanh(logits / self._softcap) * self._softcap
        return logits

    def _is_head_frozen(self) -> bool:
        return self.head_is_separate and not any(parameter.requires_grad for parameter in self._head.parameters())

    def _label_states(self, batch: MicroBatch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Hidden states (or logits) that predict each label, the label ids, and the number of the row each is of."""
        made = flat_input(batch) if self._is_flat else padded_input(batch, self._pad_id)
        targets = [row.ids[position] for row in batch.rows for position in row.labels]
        owners = [number for number, row in enumerate(batch.rows) for _ in row.labels]
        states = self._forward(made)
        device = self._placement.device
        places = torch.tensor([start + position - 1 for start, row in zip(made.starts, batch.rows, strict=True) for position in row.labels])
        flat = states.reshape(-1, states.shape[-1])
        return flat[places.to(device)], torch.tensor(targets, device=device), torch.tensor(owners)

    def _forward(self, made: ModelInput) -> torch.Tensor:
        """Hidden states after the last norm, [lines, width, hidden]; logits where the head is not separate."""
        tensors = {name: tensor.to(self._placement.device) for name, tensor in made.tensors.items()}
        with self.autocast():
            if self.head_is_separate:
                hidden: torch.Tensor = self._hf.base_model(**tensors, **made.numbers, use_cache=False).last_hidden_state
                return hidden
            logits: torch.Tensor = self._hf(**tensors, **made.numbers, use_cache=False).logits
            return logits

    @torch.no_grad()
    def _agrees_with_full_forward(self) -> bool:
        """Some families scale or bend their logits; where ours differ, the model's own are used."""
        ids = (torch.arange(1, 9, device=self._placement.device) % self._vocabulary).unsqueeze(0)
        with self._evaluating(), self.autocast():
            expected = self._hf(input_ids=ids, use_cache=False).logits.float()
            own = self._logits(self._hf.base_model(input_ids=ids, use_cache=False).last_hidden_state).float()
        # Written so that logits that are not numbers do not agree.
        return float((own - expected).abs().max()) <= 1e-3 * float(expected.abs().max())

    @torch.no_grad()
    def _packing_difference(self) -> float:
        """How far logits move when rows share a line, in units of what rounding explains; over 1 rows must not be packed.

        Rows are compared with themselves alone, and with themselves beside other neighbours: there nothing but the
        neighbours changed, so that a mixture is seen at any precision.
        """
        rows = [self._check_row(length, number) for number, length in enumerate(_CHECKED_LENGTHS)]
        others = [self._check_row(len(rows[0].ids), 7), rows[1], self._check_row(len(rows[2].ids), 8)]
        with self._evaluating():
            alone = torch.cat([self._all_logits([row]) for row in rows])
            together, beside_others = self._all_logits(rows), self._all_logits(others)
        middle = slice(len(rows[0].ids) - 1, len(rows[0].ids) + len(rows[1].ids) - 2)
        scale = float(alone.abs().max())
        rounding = _ROUNDING[torch.bfloat16 if self._placement.weights == "bfloat16" or self._placement.autocast else torch.float32]
        moved = float((together - alone).abs().max()) / (rounding * scale)
        mixed = float((together[middle] - beside_others[middle]).abs().max()) / (_ROUNDING[torch.float32] * scale)
        difference = max(moved, mixed)
        return difference if difference == difference else float("inf")

    def _all_logits(self, rows: Sequence[Row]) -> torch.Tensor:
        states, _, _ = self._label_states(MicroBatch((tuple(rows),)))
        return self._label_logits(states)

    def _check_row(self, length: int, number: int) -> Row:
        ids = [(31 * number + 7 * position + 1) % self._vocabulary for position in range(length)]
        return Row(index=number, ids=ids, labels=list(range(1, length)), prompt_messages=[])

    @contextlib.contextmanager
    def _evaluating(self) -> Iterator[None]:
        was_training = self._hf.training
        self._hf.eval()
        try:
            yield
        finally:
            self._hf.train(was_training)


def _costs(config: Any, placement: Placement) -> Costs:
    """What decides how rows are laid out for this model on this device."""
    is_mixture = any(getattr(config, name, None) for name in ("num_experts", "num_local_experts", "n_routed_experts"))
    on_gpu = _EXPERT_PASS if is_mixture else _GPU_PASS
    return Costs(on_gpu if placement.device == "cuda" else _CPU_PASS, max(2048, 6 * int(config.hidden_size)))
