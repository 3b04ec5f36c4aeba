"""The counters of a run; apart from the tensors so that results can be written without torch."""

from dataclasses import dataclass, field


@dataclass
class Progress:
    """What a run has done so far and what its guards remember; saved with every checkpoint."""

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
    # Label tokens of each held-out row.
    eval_row_tokens: list[int] = field(default_factory=list)
    best_step: int | None = None
    good_steps: int = 0
    skipped_steps: int = 0
    skipped_in_row: int = 0
    eval_pending: bool = False
    samples_pending: bool = False
    # Largest micro-batch: lines and tokens of a line; 0 until the settings are known.
    micro_batch_rows: int = 0
    micro_batch_tokens: int = 0
    seconds: float = 0.0
    train_seconds: float = 0.0
    peak_memory_bytes: int = 0
    fingerprint: str = ""
    # 1, or what the learning rate is multiplied with since a checkpoint was put back.
    learning_rate_factor: float = 1.0
    # Early stopping: the held-out loss that an evaluation has to improve on, and how many did not.
    eval_reference: float | None = None
    evals_without_improvement: int = 0
    # Divergence: losses so far, their decayed sum, the level they began at, the calm ones and how many were not.
    losses_seen: int = 0
    loss_average: float = 0.0
    loss_initial: float | None = None
    calm_losses: list[float] = field(default_factory=list)
    calm_averages: list[float] = field(default_factory=list)
    steps_above: int = 0
