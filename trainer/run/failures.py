"""In plain words: why a run ended before its last step. Needs no torch."""

from protocol import RunFailure, StopReason, TrainInput

_MORE = "The adapter trained so far is kept. Allow more to train all steps."


def limit_failure(reason: StopReason, step: int, job: TrainInput) -> RunFailure | None:
    """The failure of a run that its time or cost limit ended after a step; None for other reasons."""
    when = f"ended the run after step {step}" if step > 0 else "was reached before the first step"
    advice = _MORE if step > 0 else "Allow more time or money, or choose a smaller base model."
    if reason == "time_limit":
        return RunFailure("TIME_LIMIT", f"The time limit of {job.max_seconds} seconds {when}.", advice)
    if reason == "cost_limit":
        return RunFailure("COST_LIMIT", f"The cost limit of ${(job.max_cost_micro_usd or 0) / 1e6:.2f} {when}.", advice)
    return None


def divergence_failure(step: int, *, is_finite: bool) -> RunFailure:
    """The failure of a run whose loss went wrong."""
    what = "rose far above where it had been" if is_finite else "was not a finite number several times in a row"
    message = f"The loss {what}, at step {step}. The best weights from before are kept, if there were any."
    return RunFailure("DIVERGED", message, "Start a new run with a lower learning rate.")
