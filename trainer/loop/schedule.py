"""What happens at which step: batches, learning rate, evaluations. Pure functions of the seed."""

import math
import random
from collections.abc import Sequence

from data.encoder import Row
from protocol import Hyperparameters

# Rows are sorted by length only within this many batches, so that batches stay mixed.
_SORTED_BATCHES = 8


class Schedule:
    """The course of a run over a fixed set of training rows."""

    def __init__(self, parameters: Hyperparameters, rows: Sequence[Row]) -> None:
        self.parameters = parameters
        self.rows = rows
        self._epoch = -1
        self._batches: list[list[Row]] = []

    @property
    def batch_rows(self) -> int:
        """Rows of one optimizer step."""
        return self.parameters.per_device_train_batch_size * self.parameters.gradient_accumulation_steps

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps of one pass."""
        return math.ceil(len(self.rows) / self.batch_rows)

    @property
    def steps_total(self) -> int:
        """Optimizer steps of the run."""
        planned = self.steps_per_epoch * self.parameters.num_train_epochs
        return min(planned, self.parameters.max_steps or planned)

    def batch(self, step: int) -> list[Row]:
        """The rows of a step (counted from 1), longest first."""
        epoch, position = divmod(step - 1, self.steps_per_epoch)
        return self._epoch_batches(epoch)[position]

    def epoch_at(self, step: int) -> float:
        """Passes over the data after a step."""
        return step / self.steps_per_epoch

    def learning_rate(self, step: int) -> float:
        """The rate of a step: linear warm-up, then constant, linear to 0 or cosine to a tenth."""
        peak = self.parameters.learning_rate
        warmup = math.ceil(self.parameters.warmup_ratio * self.steps_total)
        if step <= warmup:
            return peak * step / warmup
        done = (step - 1 - warmup) / max(1, self.steps_total - warmup)
        if self.parameters.lr_scheduler_type == "linear":
            return peak * (1 - done)
        if self.parameters.lr_scheduler_type == "cosine":
            return peak * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * done)))
        return peak

    def is_eval_step(self, step: int) -> bool:
        """True after the last step and at even distances within each epoch."""
        if step == self.steps_total:
            return True
        position = (step - 1) % self.steps_per_epoch + 1
        count = self.parameters.evals_per_epoch
        return any(position == max(1, round(k * self.steps_per_epoch / count)) for k in range(1, count + 1))

    def _epoch_batches(self, epoch: int) -> list[list[Row]]:
        if epoch == self._epoch:
            return self._batches
        generator = random.Random(f"{self.parameters.seed}:{epoch}")
        order = list(self.rows)
        generator.shuffle(order)
        span = self.batch_rows * _SORTED_BATCHES
        batches: list[list[Row]] = []
        for start in range(0, len(order), span):
            block = sorted(order[start : start + span], key=lambda row: (-len(row.ids), row.index))
            batches.extend(block[i : i + self.batch_rows] for i in range(0, len(block), self.batch_rows))
        generator.shuffle(batches)
        self._epoch, self._batches = epoch, batches
        return batches
