"""The training loop: steps, evaluations, checkpoints, and every way a run can end."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from data.encoder import Row
from loop.adapter_state import AdapterState
from loop.divergence import has_diverged, note_loss
from loop.early_stopping import has_stopped_improving, note_evaluation
from loop.evaluation import HeldOut, Measurement
from loop.gradients import BatchGradient, StepGradient
from loop.guards import Budget, Durations, packaging_seconds
from loop.keeping import Keeper
from loop.limits import MicroBatchLimits
from loop.memory import peak_memory
from loop.objective import Objective
from loop.parallel import Ranks
from loop.schedule import Schedule
from protocol import StopReason
from run.checkpoint import Checkpoint, CheckpointStore, Tensors
from run.control import StopSource
from run.run_progress import Progress
from run.status_manager import EventLog

_SKIPS_UNTIL_ROLLED_BACK = 3
Outcome = Literal["finished"] | StopReason
# The order is that of a code that ranks exchange.
_REASONS: tuple[StopReason, ...] = ("early_stopping", "time_limit", "cost_limit", "diverged", "shutdown", "user")
# Answers the sample prompts with the weights of a step; False when it was interrupted.
Sampler = Callable[[int], bool]


@dataclass(frozen=True)
class Clock:
    """Time as the loop sees it, and how much of it the run may use; tests put their own in."""

    now: Callable[[], float] = time.monotonic
    budget: Budget = field(default_factory=Budget)


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
        ranks: Ranks | None = None,
        sampler: Sampler | None = None,
    ) -> None:
        self._model = model
        self._schedule = schedule
        self._parameters = schedule.parameters
        self._log = log
        self._stop = stop
        self._clock = clock
        self._ranks = ranks or Ranks()
        self._sampler = sampler
        self.progress = progress
        self.is_packing = self._parameters.packing and objective.can_pack
        self._state = AdapterState(model, self._parameters)
        self._limits = MicroBatchLimits(
            progress, self._parameters, self._ranks, log, packed=self.is_packing, costs=objective.costs, save_memory=objective.save_memory
        )
        self._gradient = BatchGradient(objective, self._state.parameters, self._limits, self._ranks, self._is_stopping)
        self._held_out = HeldOut(held_out, objective, self._limits, self._ranks)
        self._durations = Durations(packaging=packaging_seconds(self._state.bytes))
        self._keeper = Keeper(self._state, progress, store, self._ranks, log, self._durations, clock.now)
        self._is_ending = False
        self._started = clock.now() if started is None else started
        self._seconds_before = progress.seconds

    def prepare(self, saved: Checkpoint | None, *, rehearse: bool) -> None:
        """Takes up a checkpoint, tells the other ranks, and tries whether the longest rows fit into memory."""
        if saved is not None:
            self._keeper.restore(saved)
        self._keeper.share()
        steps_before = self.progress.good_steps + self.progress.skipped_steps
        self._durations.step_guess = self.progress.train_seconds / max(1, steps_before)
        if rehearse:
            self._model.train()
            longest = sorted(self._schedule.rows, key=lambda row: (-len(row.ids), row.index))
            self._gradient.rehearse(longest[: self._schedule.batch_rows])

    def run(self) -> Outcome:
        """Trains until the schedule is done or a reason to stop appears."""
        self._model.train()
        is_due = self._has_pending()
        while True:
            if is_due:
                self._finish_step()
            if self._has_pending():
                break
            is_due = False
            if self.progress.skipped_in_row >= _SKIPS_UNTIL_ROLLED_BACK:
                if not self._keeper.roll_back():
                    return "diverged"
                is_due = self._has_pending()
                continue
            is_done = self.progress.step >= self._schedule.steps_total
            reason = self._agreed(self._reason_to_end(is_done=is_done))
            if reason is not None or is_done:
                return reason or "finished"
            if not self._step(self.progress.step + 1):
                break
            is_due = True
        return self._agreed(self._stop.reason) or "shutdown"

    def evaluate_base(self) -> None:
        """Measures the untouched base model on held-out rows and prompts, before step 1."""
        self.progress.eval_pending, self.progress.samples_pending = bool(self._held_out.rows), self._sampler is not None
        self._evaluate()
        self._sample()
        if not self._has_pending():
            self.save(quiet=True)

    def evaluate_once_more(self, seconds: float) -> None:
        """Measures weights that no evaluation has measured, if that takes less than this and the budget allows it."""
        left = self._clock.budget.left(self._elapsed())
        room = seconds if left is None else min(seconds, left - self._durations.save - self._durations.packaging)
        is_new = self.progress.best_step != self.progress.step and self.progress.good_steps > 0
        is_possible = is_new and bool(self._held_out.rows) and 0 < self._durations.evaluation < room
        if self._ranks.same(is_possible):
            self._is_ending = True
            self.progress.eval_pending = True
            self._evaluate()
            self.progress.eval_pending = False

    def save(self, *, best: bool = False, quiet: bool = False) -> None:
        """Writes a checkpoint; one that the volume does not take is reported and training goes on."""
        self.progress.seconds = self._elapsed()
        self._keeper.save(best=best, quiet=quiet)

    def load_best(self) -> int:
        """Puts the best evaluated weights in place, if there are any; returns the step they are of."""
        return self._keeper.load_best()

    def load_last_good(self) -> int | None:
        """Puts the newest weights in place from before the loss went wrong; None when none were trained."""
        return self._keeper.load_last_good()

    def adapter(self) -> Tensors:
        """A copy of the adapter's weights on the CPU."""
        return self._state.weights()

    def _has_pending(self) -> bool:
        return self.progress.eval_pending or self.progress.samples_pending

    def _is_stopping(self) -> bool:
        return self._stop.reason is not None and not self._is_ending

    def _reason_to_end(self, *, is_done: bool) -> StopReason | None:
        if self._stop.reason is not None:
            return self._stop.reason
        if has_diverged(self.progress):
            return "diverged"
        if is_done:
            return None
        if has_stopped_improving(self.progress, self._parameters.early_stopping_patience):
            return "early_stopping"
        left = self._clock.budget.left(self._elapsed())
        return self._clock.budget.reason if left is not None and self._durations.until_safe() > left else None

    def _agreed(self, reason: StopReason | None) -> StopReason | None:
        """The first rank's reason: it alone hears of stops and reads the clock."""
        code = _REASONS.index(reason) + 1 if reason is not None and self._ranks.is_first else 0
        (agreed,) = self._ranks.agree(code)
        return _REASONS[agreed - 1] if agreed else None

    def _finish_step(self) -> None:
        """What is due after a step: evaluation, samples, checkpoint; an interrupted part stays pending."""
        step = self.progress.step
        is_best = self._evaluate()
        if self.progress.eval_pending:
            return
        self._sample()
        # A checkpoint amid skipped steps would be no place to go back to.
        is_due = step % self._parameters.save_every_steps == 0 and self.progress.skipped_in_row == 0
        if is_best or is_due or step == self._schedule.steps_total:
            self.save(best=is_best)

    def _evaluate(self) -> bool:
        """Measures the held-out rows if that is due; True when this is the best the run has seen."""
        progress = self.progress
        if not progress.eval_pending:
            return False
        began = self._clock.now()
        self._model.eval()
        found = self._held_out.measure(self._is_stopping)
        self._model.train()
        if found is None:
            return False
        progress.eval_pending = False
        self._durations.evaluation = max(self._clock.now() - began, 0.0)
        if not math.isfinite(found.loss):
            self._log.log("warning", f"The held-out loss after step {progress.step} is not a finite number.")
            return False
        self._report_evaluation(found)
        note_evaluation(progress, found.loss)
        if progress.step == 0:
            progress.eval_base, progress.eval_base_rows = found.loss, found.per_row
            return False
        progress.eval_last = found.loss
        if progress.eval_best is not None and found.loss >= progress.eval_best:
            return False
        progress.eval_best, progress.eval_best_rows, progress.best_step = found.loss, found.per_row, progress.step
        self._keeper.remember_best()
        return True

    def _report_evaluation(self, found: Measurement) -> None:
        step = self.progress.step
        self._log.emit(
            "eval",
            step=step,
            epoch=self._schedule.epoch_at(step),
            eval_loss=found.loss,
            eval_tokens=found.tokens,
            rows=len(found.per_row),
            accuracy=found.accuracy,
        )

    def _sample(self) -> None:
        if not self.progress.samples_pending:
            return
        began = self._clock.now()
        is_done = self._sampler is None or not self._ranks.is_first or self._sampler(self.progress.step)
        self.progress.samples_pending = self._ranks.same(not is_done)
        self._durations.samples = max(self._clock.now() - began, 0.0)

    def _step(self, step: int) -> bool:
        """One optimizer step; False when it was abandoned because the run is to end."""
        began = self._clock.now()
        rows = self._schedule.batch(step)
        rate = self._schedule.learning_rate(step) * self.progress.learning_rate_factor
        self._ranks.seed_step(self._parameters.seed, step)
        found = self._gradient.compute(rows, self._parameters.max_grad_norm)
        if found is None:
            return False
        progress = self.progress
        progress.step = step
        is_eval_step = self._schedule.is_eval_step(step)
        progress.eval_pending = is_eval_step and bool(self._held_out.rows)
        progress.samples_pending = is_eval_step and self._sampler is not None
        is_finite = math.isfinite(found.loss) and math.isfinite(found.norm)
        if is_finite:
            self._state.step(rate)
        self._gradient.clear()
        seconds = self._clock.now() - began
        self._durations.steps.append(seconds)
        progress.train_seconds += seconds
        progress.peak_memory_bytes = max(progress.peak_memory_bytes, peak_memory())
        if is_finite:
            self._report(rows, found, rate, seconds)
        else:
            self._skip()
        return True

    def _skip(self) -> None:
        self.progress.skipped_in_row += 1
        self.progress.skipped_steps += 1
        self._log.emit("skipped_step", step=self.progress.step, reason="The loss or its gradient is not a finite number.")

    def _report(self, rows: Sequence[Row], found: StepGradient, rate: float, seconds: float) -> None:
        progress = self.progress
        tokens = sum(len(row.ids) for row in rows)
        progress.skipped_in_row = 0
        progress.good_steps += 1
        progress.tokens += tokens
        progress.label_tokens += sum(len(row.labels) for row in rows)
        progress.loss_first = found.loss if progress.loss_first is None else progress.loss_first
        progress.loss_last = found.loss
        note_loss(progress, found.loss)
        self._log.emit(
            "step",
            step=progress.step,
            epoch=self._schedule.epoch_at(progress.step),
            loss=found.loss,
            learning_rate=rate,
            grad_norm=found.norm,
            tokens=progress.tokens,
            label_tokens=progress.label_tokens,
            tokens_per_s=tokens / seconds if seconds > 0 else 0.0,
            step_ms=seconds * 1000,
            memory_bytes=peak_memory(),
        )

    def _elapsed(self) -> float:
        return self._seconds_before + self._clock.now() - self._started
