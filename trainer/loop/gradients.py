"""The gradient of one optimizer step, whatever pieces and processes it takes to compute it."""

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
from run.checkpoint import restore_rng, rng_state


@dataclass(frozen=True)
class StepGradient:
    """Mean loss over the label tokens of the whole batch, and the gradient's norm before clipping."""

    loss: float
    norm: float


class BatchGradient:
    """Leaves the gradient of the mean label loss of a batch in the parameters."""

    def __init__(
        self,
        objective: Objective,
        parameters: Sequence[torch.nn.Parameter],
        limits: MicroBatchLimits,
        ranks: Ranks,
        should_stop: Callable[[], bool],
    ) -> None:
        self._objective = objective
        self._parameters = list(parameters)
        self._limits = limits
        self._ranks = ranks
        self._should_stop = should_stop

    def compute(self, rows: Sequence[Row], max_norm: float) -> StepGradient | None:
        """Loss and norm of the batch, gradients clipped; None when the run is to end before it was done."""
        labels = sum(len(row.labels) for row in rows)
        own = self._ranks.share(rows)
        rng = rng_state()
        while True:
            self.clear()
            losses, failed, is_stopped = self._accumulate(own, labels)
            if losses is not None:
                break
            # What a failed backward pass left in the gradients is unknown, so the step starts over.
            self.clear()
            restore_rng(*rng)
            if is_stopped:
                return None
            self._limits.shrink(failed)
        self._ranks.add_up_gradients(self._parameters)
        norm = torch.nn.utils.clip_grad_norm_(self._parameters, max_norm)
        return self._read(losses, norm, labels)

    def rehearse(self, rows: Sequence[Row]) -> None:
        """Computes the largest micro-batch of these rows and throws it away: memory that is too small shows here.

        Gradients, weights and random generators are as before.
        """
        labels = sum(len(row.labels) for row in rows)
        own = self._ranks.share(rows)
        rng = rng_state()
        while not self._should_stop_anywhere():
            largest = max(self._limits.lay_out(own), key=lambda batch: batch.padded_tokens, default=None)
            # The optimizer's two moments are made in step 1 only; their room is kept free here.
            room = [parameter.new_empty(2 * parameter.numel()) for parameter in self._parameters]
            fits = largest is None or unless_out_of_memory(partial(self._backward, largest, labels)) is not None
            del room
            self.clear()
            restore_rng(*rng)
            if not self._ranks.agree(int(not fits))[0]:
                return
            self._limits.shrink(None if fits else largest)

    def clear(self) -> None:
        """Drops the gradients and their memory."""
        for parameter in self._parameters:
            parameter.grad = None

    def _accumulate(self, rows: Sequence[Row], labels: int) -> tuple[list[torch.Tensor] | None, MicroBatch | None, bool]:
        """Sums of losses, left on the device; without them, the micro-batch that did not fit or that a stop was asked."""
        batches = self._limits.lay_out(rows)
        losses: list[torch.Tensor] = []
        failed: MicroBatch | None = None
        done = 0
        while True:
            has_failed, is_left, is_stopped = self._ranks.agree(int(failed is not None), int(done < len(batches)), int(self._should_stop()))
            if has_failed:
                return None, failed, False
            if not is_left:
                break
            if is_stopped:
                return None, None, True
            if done < len(batches):
                part = unless_out_of_memory(partial(self._backward, batches[done], labels))
                failed = batches[done] if part is None else None
                losses.extend([] if part is None else [part])
            done += 1
        return losses, None, False

    def _backward(self, batch: MicroBatch, labels: int) -> torch.Tensor:
        loss = self._objective.sum_of_losses(batch)
        torch.autograd.backward(loss / labels)
        return loss.detach()

    def _read(self, losses: list[torch.Tensor], norm: torch.Tensor, labels: int) -> StepGradient:
        """The only point of a step that waits for the device."""
        parts = torch.stack(losses) if losses else norm.new_zeros(1)
        if self._ranks.size > 1:
            parts = self._ranks.total(parts.double().sum().reshape(1))
        *sums, norm_read = torch.cat([parts, norm.to(parts.dtype).reshape(1)]).tolist()
        return StepGradient(sum(sums) / labels, norm_read)

    def _should_stop_anywhere(self) -> bool:
        return bool(self._ranks.agree(int(self._should_stop()))[0])
