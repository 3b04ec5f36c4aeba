"""The time and money guard: ends a run early enough that what it has learned can still be saved."""

from collections import deque
from dataclasses import dataclass, field

from protocol import StopReason

_REMEMBERED_STEPS = 50
_SLOW = 0.95
# Packaging writes the adapter twice and reads it back; network volumes manage 200 MB/s and more.
_PACKAGING_SECONDS = 2.0
_PACKAGING_BYTES_PER_SECOND = 25e6


@dataclass(frozen=True)
class Budget:
    """What a run may use up over all its attempts, in seconds, and which limit that is."""

    seconds: float | None = None
    reason: StopReason = "time_limit"

    def left(self, spent: float) -> float | None:
        """Seconds that remain after those spent, None without a limit."""
        return None if self.seconds is None else self.seconds - spent


def budget_of(max_seconds: int | None, max_cost_micro_usd: int | None, price_micro_usd_per_hour: int | None) -> Budget:
    """The tighter of the time limit and the seconds that the money buys."""
    paid = None
    if max_cost_micro_usd is not None and price_micro_usd_per_hour is not None:
        paid = max_cost_micro_usd * 3600 / price_micro_usd_per_hour
    if paid is not None and (max_seconds is None or paid < max_seconds):
        return Budget(paid, "cost_limit")
    return Budget(None if max_seconds is None else float(max_seconds))


@dataclass
class Durations:
    """How long the parts of a run take, as measured so far, in seconds."""

    steps: deque[float] = field(default_factory=lambda: deque(maxlen=_REMEMBERED_STEPS))
    step_guess: float = 0.0
    evaluation: float = 0.0
    samples: float = 0.0
    save: float = 0.0
    packaging: float = 0.0

    def slow_step(self) -> float:
        """The 95th percentile of the latest steps; before the first, the mean of earlier attempts."""
        return sorted(self.steps)[int(len(self.steps) * _SLOW)] if self.steps else self.step_guess

    def until_safe(self) -> float:
        """What one more step and then ending the run takes: step, evaluation, samples, checkpoint, packaging."""
        return self.slow_step() + self.evaluation + self.samples + self.save + self.packaging


def packaging_seconds(adapter_bytes: int) -> float:
    """How long writing and checking the packaged adapter may take on a slow volume."""
    return _PACKAGING_SECONDS + adapter_bytes / _PACKAGING_BYTES_PER_SECOND
