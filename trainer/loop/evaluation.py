"""The held-out rows, measured row by row and shared among the ranks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch

from data.encoder import Row
from loop.limits import MicroBatchLimits
from loop.memory import unless_out_of_memory
from loop.micro_batches import MicroBatch
from loop.objective import Objective
from loop.parallel import Ranks


@dataclass(frozen=True)
class Measurement:
    """Held-out loss as a mean over all label tokens, the mean of each row, and the share of labels that came first."""

    loss: float
    per_row: list[float]
    accuracy: float
    tokens: int


class HeldOut:
    """Measures the same rows again and again."""

    def __init__(self, rows: Sequence[Row], objective: Objective, limits: MicroBatchLimits, ranks: Ranks) -> None:
        self.rows = rows
        self._objective = objective
        self._limits = limits
        self._ranks = ranks

    def measure(self, should_stop: Callable[[], bool]) -> Measurement | None:
        """The weights of this moment on every held-out row, without dropout or packing; None when stopped."""
        # Per row: sum of its label losses, labels whose likeliest token was right.
        scores = torch.zeros((len(self.rows), 2), dtype=torch.float64)
        places = {id(row): number for number, row in enumerate(self.rows)}
        waiting = self._limits.lay_out(self._ranks.share(self.rows), packed=False)
        failed: MicroBatch | None = None
        while True:
            has_failed, is_left, is_stopped = self._ranks.agree(int(failed is not None), int(bool(waiting)), int(should_stop()))
            if has_failed:
                self._limits.shrink(failed)
                waiting = self._limits.lay_out([row for batch in waiting for row in batch.rows], packed=False)
                failed = None
                continue
            if not is_left:
                break
            if is_stopped:
                return None
            if waiting:
                batch = waiting[0]
                found = unless_out_of_memory(partial(self._objective.row_scores, batch.rows))
                if found is None:
                    failed = batch
                    continue
                waiting = waiting[1:]
                for row, score in zip(batch.rows, found, strict=True):
                    scores[places[id(row)]] = torch.tensor([score.loss, score.correct], dtype=torch.float64)
        self._ranks.total(scores)
        return self._summed(scores.tolist())

    def _summed(self, scores: list[list[float]]) -> Measurement:
        counts = [len(row.labels) for row in self.rows]
        tokens = sum(counts)
        return Measurement(
            loss=sum(loss for loss, _ in scores) / tokens,
            per_row=[loss / count for (loss, _), count in zip(scores, counts, strict=True)],
            accuracy=sum(correct for _, correct in scores) / tokens,
            tokens=tokens,
        )
