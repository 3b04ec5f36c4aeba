"""The training loop: steps, evaluation, checkpoints, and every way a run can be told to end."""

import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch

from checkpoint import Checkpoint, CheckpointStore, Tensors, restore_rng, rng_state
from control import StopSource
from data import Row
from memory import peak_memory, unless_out_of_memory
from objective import Objective
from protocol import Hyperparameters, RunFailure
from run_progress import Progress
from schedule import Schedule
from status_manager import EventLog
from storage import is_disk_full

_SKIPS_UNTIL_DIVERGED = 3
_OOM_ADVICE = "Lower max_length or lora_r, or choose a smaller base model or a GPU with more memory."
Outcome = Literal["finished", "user", "time_limit", "diverged", "shutdown"]
_OUT_OF_MEMORY = "out of memory"


@dataclass(frozen=True)
class Clock:
    """Time as the loop sees it; tests put their own in."""

    now: Callable[[], float] = time.monotonic
    deadline: float | None = None


class TrainingLoop:
    """Runs the schedule from wherever its checkpoint left off."""

    def __init__(
        self,
        *,
        model: Any,
        objective: Objective,
        schedule: Schedule,
        held_out: Sequence[Row],
        store: CheckpointStore,
        log: EventLog,
        stop: StopSource,
        clock: Clock,
        progress: Progress,
        started: float | None = None,
    ) -> None:
        self._model = model
        self._objective = objective
        self._schedule = schedule
        self._held_out = held_out
        self._store = store
        self._log = log
        self._stop = stop
        self._clock = clock
        self.progress = progress
        self._parameters: Hyperparameters = schedule.parameters
        self._trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self._optimizer = torch.optim.AdamW(
            list(self._trained.values()),
            lr=self._parameters.learning_rate,
            betas=(0.9, 0.999),
            weight_decay=self._parameters.weight_decay,
            fused=True,
        )
        self._best_adapter: Tensors | None = None
        self._recent_seconds: deque[float] = deque(maxlen=50)
        self._eval_seconds = 0.0
        self._is_ending = False
        self._started = clock.now() if started is None else started
        self._seconds_before = progress.seconds
        if progress.micro_batch_rows == 0:
            progress.micro_batch_rows = self._parameters.per_device_train_batch_size

    def restore(self, saved: Checkpoint) -> None:
        """Continues from a checkpoint as if nothing had happened in between."""
        self.load_adapter(saved.adapter)
        for name, parameter in self._trained.items():
            if f"{name}.exp_avg" in saved.optimizer:
                self._optimizer.state[parameter] = {
                    "step": saved.optimizer[f"{name}.step"].clone(),
                    "exp_avg": saved.optimizer[f"{name}.exp_avg"].to(parameter.device),
                    "exp_avg_sq": saved.optimizer[f"{name}.exp_avg_sq"].to(parameter.device),
                }
        restore_rng(saved.rng, saved.python_rng)

    def run(self) -> Outcome:
        """Trains until the schedule is done or a reason to stop appears."""
        self._model.train()
        if self.progress.eval_pending:
            self._after_step()
        while self.progress.step < self._schedule.steps_total:
            reason = self._stop.reason or ("time_limit" if self._is_out_of_time() else None)
            if reason is not None:
                return reason
            if not self._step(self.progress.step + 1):
                return self._stop.reason or "shutdown"
            if self.progress.skipped_in_row >= _SKIPS_UNTIL_DIVERGED:
                return "diverged"
            self._after_step()
        return self._stop.reason or "shutdown" if self.progress.eval_pending else "finished"

    def evaluate_base(self) -> None:
        """Measures the untouched base model on the held-out rows, before step 1."""
        self.progress.eval_pending = bool(self._held_out)
        self.evaluate()
        if not self.progress.eval_pending:
            self.save(quiet=True)

    def evaluate(self) -> bool:
        """Measures the held-out rows if that is due; True when this is the best the run has seen."""
        if not self.progress.eval_pending:
            return False
        began = self._clock.now()
        sums = self._evaluate_rows()
        if sums is None:
            return False
        self.progress.eval_pending = False
        tokens = sum(len(row.labels) for row in self._held_out)
        loss = sum(sums) / tokens
        per_row = [value / len(row.labels) for value, row in zip(sums, self._held_out, strict=True)]
        self._eval_seconds = max(self._clock.now() - began, 0.0)
        progress = self.progress
        epoch = self._schedule.epoch_at(progress.step)
        if not math.isfinite(loss):
            self._log.log("warning", f"The held-out loss after step {progress.step} is not a finite number.")
            return False
        self._log.emit("eval", step=progress.step, epoch=epoch, eval_loss=loss, eval_tokens=tokens, rows=len(sums))
        if progress.step == 0:
            progress.eval_base, progress.eval_base_rows = loss, per_row
            return False
        progress.eval_last = loss
        if progress.eval_best is not None and loss >= progress.eval_best:
            return False
        progress.eval_best, progress.eval_best_rows, progress.best_step = loss, per_row, progress.step
        self._best_adapter = self.adapter()
        return True

    def can_evaluate_within(self, seconds: float) -> bool:
        """True when one more evaluation is expected to take less than this."""
        return bool(self._held_out) and 0 < self._eval_seconds < seconds

    def save(self, *, best: bool = False, quiet: bool = False) -> None:
        """Writes a checkpoint; a full disk is reported and training goes on."""
        self.progress.seconds = self._elapsed()
        rng, python_rng = rng_state()
        checkpoint = Checkpoint(self.adapter(), self._optimizer_state(), rng, python_rng, self.progress)
        try:
            size = self._store.save(checkpoint)
        except OSError as error:
            if not is_disk_full(error):
                raise
            self._log.log("warning", f"The disk is full: the checkpoint of step {self.progress.step} was not saved.")
            return
        if not quiet:
            self._log.emit("checkpoint", step=self.progress.step, bytes=size, best=best)
        self._log.sync()

    def adapter(self) -> Tensors:
        """A copy of the adapter's weights on the CPU."""
        return {name: p.detach().to("cpu", copy=True).contiguous() for name, p in self._trained.items()}

    def load_adapter(self, tensors: Tensors) -> None:
        """Replaces the adapter's weights."""
        with torch.no_grad():
            for name, parameter in self._trained.items():
                parameter.copy_(tensors[name])

    def load_best(self) -> int:
        """Puts the best evaluated weights in place, if there are any; returns the step they are of."""
        best = self.progress.best_step
        if best is None or best == self.progress.step:
            return self.progress.step
        tensors = self._best_adapter or self._store.adapter_at(best)
        if tensors is None:
            self._log.log("warning", f"The best checkpoint (step {best}) is gone; the latest weights are used.")
            self.progress.best_step = None
            return self.progress.step
        self.load_adapter(tensors)
        return best

    def evaluate_once_more(self) -> None:
        """Measures weights that no scheduled evaluation has measured."""
        self._is_ending = True
        self.progress.eval_pending = bool(self._held_out)
        self.evaluate()
        self.progress.eval_pending = False

    def _after_step(self) -> None:
        step = self.progress.step
        is_best = self.evaluate()
        if self.progress.eval_pending:
            return
        if is_best or step % self._parameters.save_every_steps == 0 or step == self._schedule.steps_total:
            self.save(best=is_best)

    def _evaluate_rows(self) -> list[float] | None:
        order = sorted(range(len(self._held_out)), key=lambda i: -len(self._held_out[i].ids))
        sums = [0.0] * len(order)
        done, size = 0, self.progress.micro_batch_rows
        self._model.eval()
        while done < len(order):
            if self._stop.reason is not None and not self._is_ending:
                return None
            indices = order[done : done + size]
            losses = unless_out_of_memory(partial(self._objective.row_losses, [self._held_out[i] for i in indices]))
            if losses is None:
                size = self._halved(size)
                continue
            for index, loss in zip(indices, losses, strict=True):
                sums[index] = loss
            done += len(indices)
        self._model.train()
        return sums

    def _step(self, step: int) -> bool:
        """One optimizer step; False when it was abandoned because the run is to end."""
        began = self._clock.now()
        rows = self._schedule.batch(step)
        rate = self._schedule.learning_rate(step)
        rng = rng_state()
        while True:
            self._optimizer.zero_grad(set_to_none=True)
            loss = self._accumulate(rows)
            if loss is None:
                restore_rng(*rng)
                self._optimizer.zero_grad(set_to_none=True)
                return False
            if loss != _OUT_OF_MEMORY:
                break
            # What a failed backward pass left in the gradients is unknown, so the step starts over.
            restore_rng(*rng)
            self.progress.micro_batch_rows = self._halved(self.progress.micro_batch_rows)
        norm = float(torch.nn.utils.clip_grad_norm_(self._trained.values(), self._parameters.max_grad_norm))
        self.progress.step = step
        self.progress.eval_pending = bool(self._held_out) and self._schedule.is_eval_step(step)
        self._apply(float(loss), norm, rate)
        self._report(rows, float(loss), norm, rate, self._clock.now() - began)
        return True

    def _accumulate(self, rows: Sequence[Row]) -> float | str | None:
        """Gradients of the mean over all label tokens of the batch, micro-batch by micro-batch."""
        labels = sum(len(row.labels) for row in rows)
        size = self.progress.micro_batch_rows
        total = torch.zeros((), dtype=torch.float64)
        for start in range(0, len(rows), size):
            if self._stop.reason is not None:
                return None
            part = unless_out_of_memory(partial(self._backward, rows[start : start + size], labels))
            if part is None:
                return _OUT_OF_MEMORY
            total += part.double().cpu()
        return float(total) / labels

    def _backward(self, rows: Sequence[Row], labels: int) -> torch.Tensor:
        loss = self._objective.sum_of_losses(rows)
        torch.autograd.backward(loss / labels)
        return loss.detach()

    def _apply(self, loss: float, norm: float, rate: float) -> None:
        if math.isfinite(loss) and math.isfinite(norm):
            for group in self._optimizer.param_groups:
                group["lr"] = rate
            self._optimizer.step()
            self.progress.skipped_in_row = 0
            self.progress.good_steps += 1
        else:
            self.progress.skipped_in_row += 1
        self._optimizer.zero_grad(set_to_none=True)

    def _report(self, rows: Sequence[Row], loss: float, norm: float, rate: float, seconds: float) -> None:
        progress = self.progress
        tokens = sum(len(row.ids) for row in rows)
        self._recent_seconds.append(seconds)
        progress.train_seconds += seconds
        progress.peak_memory_bytes = max(progress.peak_memory_bytes, peak_memory())
        if progress.skipped_in_row:
            self._log.emit("skipped_step", step=progress.step, reason="The loss or its gradient is not a finite number.")
            return
        progress.tokens += tokens
        progress.label_tokens += sum(len(row.labels) for row in rows)
        progress.loss_first = loss if progress.loss_first is None else progress.loss_first
        progress.loss_last = loss
        self._log.emit(
            "step",
            step=progress.step,
            epoch=self._schedule.epoch_at(progress.step),
            loss=loss,
            learning_rate=rate,
            grad_norm=norm,
            tokens=progress.tokens,
            label_tokens=progress.label_tokens,
            tokens_per_s=tokens / seconds if seconds > 0 else 0.0,
            step_ms=seconds * 1000,
            memory_bytes=peak_memory(),
        )

    def _halved(self, rows: int) -> int:
        if rows <= 1:
            raise RunFailure("OUT_OF_MEMORY", "Memory ran out with a single row in the batch.", _OOM_ADVICE)
        self._log.log("warning", f"Memory ran out; going on with micro-batches of {rows // 2} rows. The result does not change.")
        return rows // 2

    def _optimizer_state(self) -> Tensors:
        tensors: Tensors = {}
        for name, parameter in self._trained.items():
            for key, value in self._optimizer.state.get(parameter, {}).items():
                tensors[f"{name}.{key}"] = value.detach().to("cpu", copy=True).contiguous()
        return tensors

    def _elapsed(self) -> float:
        return self._seconds_before + self._clock.now() - self._started

    def _is_out_of_time(self) -> bool:
        if self._clock.deadline is None:
            return False
        slow = sorted(self._recent_seconds)[int(len(self._recent_seconds) * 0.95)] if self._recent_seconds else 0.0
        return self._clock.now() + slow + self._eval_seconds > self._clock.deadline
