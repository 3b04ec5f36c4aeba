"""How large a micro-batch may be: the user's wish, made smaller when memory runs out. Part of the checkpoint."""

from collections.abc import Callable, Sequence

from data.encoder import Row
from loop.micro_batches import Costs, MicroBatch, lay_out, smaller_limits
from loop.parallel import Ranks
from protocol import Hyperparameters, RunFailure
from run.run_progress import Progress
from run.status_manager import EventLog

_ADVICE = "Lower max_length or lora_r, or choose a smaller base model or a GPU with more memory."
_UNLIMITED = 1 << 40


class MicroBatchLimits:
    """Lays rows out under the limits of the moment, the same ones on every rank."""

    def __init__(
        self,
        progress: Progress,
        parameters: Hyperparameters,
        ranks: Ranks,
        log: EventLog,
        *,
        packed: bool,
        costs: Costs,
        save_memory: Callable[[], bool] = lambda: False,
    ) -> None:
        """`save_memory` spends work instead of memory; it returns False when nothing is left to be saved that way."""
        self.progress = progress
        self._save_memory = save_memory
        self._parameters = parameters
        self._ranks = ranks
        self._log = log
        self._packed = packed
        self._costs = costs
        self.fill()

    def fill(self) -> None:
        """Takes the user's settings where a checkpoint knows nothing smaller."""
        self.progress.micro_batch_rows = self.progress.micro_batch_rows or self._parameters.per_device_train_batch_size
        self.progress.micro_batch_tokens = self.progress.micro_batch_tokens or self._parameters.max_length

    def lay_out(self, rows: Sequence[Row], *, packed: bool = True) -> list[MicroBatch]:
        """The micro-batches of these rows; packed only where the model keeps packed rows apart."""
        rows_limit, tokens = self.progress.micro_batch_rows, self.progress.micro_batch_tokens
        return lay_out(rows, max_rows=rows_limit, capacity_tokens=tokens, packed=packed and self._packed, costs=self._costs)

    def shrink(self, failed: MicroBatch | None) -> None:
        """Halves the limits after a micro-batch that did not fit, on any rank; fails at a single row.

        Before the first time, activations that are kept are given up.
        """
        if self._ranks.agree(int(self._save_memory()))[0]:
            self._log.log("warning", "Memory ran out; going on with activations computed twice. The result does not change.")
            return
        rows, tokens = self.progress.micro_batch_rows, self.progress.micro_batch_tokens
        smaller = (rows, tokens) if failed is None else smaller_limits(failed, rows, tokens)
        impossible, lost_rows, lost_tokens = self._ranks.agree(
            int(smaller is None), _UNLIMITED - (smaller or (rows, tokens))[0], _UNLIMITED - (smaller or (rows, tokens))[1]
        )
        if impossible:
            longest = self._ranks.agree(failed.width if failed is not None and smaller is None else 0)[0]
            raise RunFailure("OUT_OF_MEMORY", f"Memory ran out with a single row of {longest} tokens in the batch.", _ADVICE)
        self.progress.micro_batch_rows, self.progress.micro_batch_tokens = _UNLIMITED - lost_rows, _UNLIMITED - lost_tokens
        size = f"{self.progress.micro_batch_rows} × {self.progress.micro_batch_tokens} tokens"
        self._log.log("warning", f"Memory ran out; going on with micro-batches of at most {size}. The result does not change.")
