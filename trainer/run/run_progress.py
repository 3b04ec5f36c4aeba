"""The counters of a run; apart from the tensors so that results can be written without torch."""

from dataclasses import dataclass, field


@dataclass
class Progress:
    """What a run has done so far; saved with every checkpoint."""

    step: int = 0
    tokens: int = 0
    label_tokens: int = 0
    loss_first: float | None = None
    loss_last: float | None = None
    eval_base: float | None = None
    eval_base_rows: list[float] = field(default_factory=list)
    eval_last: float | None = None
    eval_best: float | None = None
    eval_best_rows: list[float] = field(default_factory=list)
    best_step: int | None = None
    good_steps: int = 0
    skipped_in_row: int = 0
    eval_pending: bool = False
    micro_batch_rows: int = 0
    seconds: float = 0.0
    train_seconds: float = 0.0
    peak_memory_bytes: int = 0
    fingerprint: str = ""
