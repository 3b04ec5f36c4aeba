"""Divergence: a loss that is still a number but has run away. Its memory is part of the checkpoint."""

from statistics import median

from run.run_progress import Progress

_DECAY = 0.9
_TIMES_INITIAL = 3.0
_DEVIATIONS = 5.0
_STEPS_ABOVE = 20
_INITIAL_LOSSES = 5
_ENOUGH_LOSSES = 20
_WINDOW = 100
# Nats; a learned-by-heart loss of 0.01 that becomes 0.1 has not diverged.
_LEAST_RISE = 0.5


def note_loss(progress: Progress, loss: float) -> None:
    """Takes in the loss of a step, in nats per label token."""
    progress.losses_seen += 1
    progress.loss_average = _DECAY * progress.loss_average + (1 - _DECAY) * loss
    average = smoothed_loss(progress)
    level = _level(progress)
    if level is not None and average > level:
        # Kept out of the calm losses, so that a run-away loss cannot raise its own limit.
        progress.steps_above += 1
        return
    progress.steps_above = 0
    progress.calm_losses = [*progress.calm_losses, loss][-_WINDOW:]
    progress.calm_averages = [*progress.calm_averages, average][-_WINDOW:]
    if progress.losses_seen == _INITIAL_LOSSES:
        progress.loss_initial = median(progress.calm_losses)


def has_diverged(progress: Progress) -> bool:
    """True when the smoothed loss is over 3 × where it began, or for 20 steps over its minimum + 5 MAD."""
    if progress.steps_above >= _STEPS_ABOVE:
        return True
    initial = progress.loss_initial
    return initial is not None and smoothed_loss(progress) > max(_TIMES_INITIAL * initial, initial + _LEAST_RISE)


def is_calm(progress: Progress) -> bool:
    """True when nothing was wrong with the latest steps, so that their weights can be gone back to."""
    return progress.skipped_in_row == 0 and progress.steps_above == 0 and not has_diverged(progress)


def smoothed_loss(progress: Progress) -> float:
    """Exponential mean of the losses, free of the bias of its start at 0."""
    if progress.losses_seen == 0:
        return 0.0
    return float(progress.loss_average / (1 - _DECAY**progress.losses_seen))


def _level(progress: Progress) -> float | None:
    """Rolling minimum + 5 × median absolute deviation, None while too few losses are known.

    The deviation is that from the smoothed loss, so that a loss which falls steeply does not count as noise.
    """
    if len(progress.calm_losses) < _ENOUGH_LOSSES:
        return None
    deviation = median(abs(loss - average) for loss, average in zip(progress.calm_losses, progress.calm_averages, strict=True))
    return min(progress.calm_averages) + max(_DEVIATIONS * deviation, _LEAST_RISE)
