"""Early stopping: ends a run whose held-out loss no longer improves. Its memory is part of the checkpoint."""

from run.run_progress import Progress

# Share of the loss that counts as an improvement.
_MIN_DELTA = 0.005


def note_evaluation(progress: Progress, loss: float) -> None:
    """Counts an evaluation as an improvement or not; the base model's is the first to improve on."""
    reference = progress.eval_reference
    if reference is None or loss < reference * (1 - _MIN_DELTA):
        progress.eval_reference = loss
        progress.evals_without_improvement = 0
    else:
        progress.evals_without_improvement += 1


def has_stopped_improving(progress: Progress, patience: int | None) -> bool:
    """True when as many evaluations in a row as the user's patience brought less than 0.5 %."""
    return patience is not None and progress.evals_without_improvement >= patience
