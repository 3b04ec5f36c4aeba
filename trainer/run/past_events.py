"""What the event log of a run tells its next attempt: time that was spent, the plan that was made."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from run.status_manager import Event, read_events


@dataclass(frozen=True)
class Past:
    """The part of a run's log that later attempts need."""

    seconds_before: float = 0.0
    seconds_now: float = 0.0
    plan: dict[str, Any] | None = None
    mask_samples: list[dict[str, Any]] = field(default_factory=list)


def read_past(run_directory: Path, attempt: int) -> Past:
    """Seconds of the attempts before this one and of this one, the newest plan, the mask samples."""
    return past_of(read_events(run_directory / "events"), attempt, time.time() * 1000)


def past_of(events: Iterable[Event], attempt: int, now_ms: float) -> Past:
    """The same, of events in order; an attempt lasts from its first event to its last."""
    spans: dict[int, list[float]] = {}
    plan: dict[str, Any] | None = None
    samples: dict[int, dict[str, Any]] = {}
    for event in events:
        span = spans.setdefault(int(event["attempt"]), [float(event["t"])] * 2)
        span[1] = max(span[1], float(event["t"]))
        if event["kind"] == "plan":
            plan = event
        if event["kind"] == "mask_sample":
            samples[event["row"]] = {name: event[name] for name in ("row", "tokens", "tokens_trained", "segments", "is_cut")}
    before = sum(last - first for number, (first, last) in spans.items() if number < attempt)
    began = spans.get(attempt, [now_ms])[0]
    return Past(before / 1000, max(0.0, now_ms - began) / 1000, plan, list(samples.values())[:3])
