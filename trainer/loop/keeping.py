"""What a run keeps: checkpoints, the best weights, and the way back to weights that were good."""

from collections.abc import Callable
from dataclasses import fields

from loop.adapter_state import AdapterState
from loop.divergence import is_calm
from loop.guards import Durations
from loop.parallel import Ranks
from run.checkpoint import Checkpoint, CheckpointNotSaved, CheckpointStore, Tensors, restore_rng, rng_state
from run.run_progress import Progress
from run.status_manager import EventLog

_ROLLED_BACK_FACTOR = 0.5
# What going back to a checkpoint does not undo: time that was spent, memory that ran out, steps that were skipped.
_NOT_UNDONE = ("seconds", "train_seconds", "peak_memory_bytes", "micro_batch_rows", "micro_batch_tokens", "skipped_steps")


class Keeper:
    """Saves and puts back the state of a run; the first rank alone touches the volume."""

    def __init__(
        self,
        state: AdapterState,
        progress: Progress,
        store: CheckpointStore,
        ranks: Ranks,
        log: EventLog,
        durations: Durations,
        now: Callable[[], float],
    ) -> None:
        self._state = state
        self._progress = progress
        self._store = store
        self._ranks = ranks
        self._log = log
        self._durations = durations
        self._now = now
        self._best: tuple[int, Tensors] | None = None

    def save(self, *, best: bool = False, quiet: bool = False) -> None:
        """Writes a checkpoint; one that the volume does not take is reported and training goes on."""
        if not self._ranks.is_first:
            return
        began = self._now()
        rng, python_rng = rng_state()
        checkpoint = Checkpoint(self._state.weights(), self._state.moments(), rng, python_rng, self._progress)
        try:
            size = self._store.save(checkpoint)
        except CheckpointNotSaved as refused:
            self._log.log("warning", refused.message)
            return
        finally:
            self._durations.save = max(self._durations.save, self._now() - began)
        if not quiet:
            self._log.emit("checkpoint", step=self._progress.step, bytes=size, best=best)
        self._log.sync()

    def remember_best(self) -> None:
        """Keeps a copy of the weights of this moment, the best there are, in memory."""
        if self._ranks.is_first:
            self._best = (self._progress.step, self._state.weights())

    def restore(self, saved: Checkpoint) -> None:
        """Weights, optimizer and random generators as they were at a checkpoint; the counters stay as they are."""
        self._state.load_weights(saved.adapter)
        self._state.load_moments(saved.optimizer)
        restore_rng(saved.rng, saved.python_rng)

    def share(self) -> None:
        """Gives every rank the first one's weights, optimizer and counters."""
        if self._ranks.size == 1:
            return
        weights, moments, counters = self._ranks.same((self._state.weights(), self._state.moments(), vars(self._progress)))
        self._state.load_weights(weights)
        self._state.load_moments(moments)
        vars(self._progress).update(counters)

    def roll_back(self) -> bool:
        """Once in a run: continues from the newest good checkpoint at half the learning rate; False when it cannot."""
        if self._progress.learning_rate_factor < 1:
            return False
        saved = self._store.newest(is_calm) if self._ranks.is_first else None
        if not self._ranks.agree(int(saved is not None))[0]:
            return False
        if saved is not None:
            self.restore(saved)
            for field in fields(Progress):
                if field.name not in _NOT_UNDONE:
                    setattr(self._progress, field.name, getattr(saved.progress, field.name))
        self.share()
        self._progress.learning_rate_factor = _ROLLED_BACK_FACTOR
        self._log.emit("rolled_back", step=self._progress.step, learning_rate_factor=_ROLLED_BACK_FACTOR)
        return True

    def load_best(self) -> int:
        """Puts the best evaluated weights in place, if there are any; returns the step they are of."""
        best = self._progress.best_step
        if best is None or best == self._progress.step:
            return self._progress.step
        tensors = self._best[1] if self._best is not None and self._best[0] == best else self._store.adapter_at(best)
        if tensors is None:
            self._log.log("warning", f"The best checkpoint (step {best}) is gone; the latest weights are used.")
            self._progress.best_step = None
            return self._progress.step
        self._state.load_weights(tensors)
        return best

    def load_last_good(self) -> int | None:
        """Puts the newest trained weights in place that were saved while the loss was calm; None when there are none."""
        saved = self._store.newest(lambda progress: is_calm(progress) and progress.good_steps > 0)
        if saved is None:
            return None
        self._state.load_weights(saved.adapter)
        return saved.progress.step
