"""The event log of the processes that write none: all but the first of an attempt."""

from typing import Any

from run.status_manager import Event, EventLog


class QuietLog(EventLog):
    """Takes every event and keeps none; the first process records them."""

    def __init__(self, attempt: int) -> None:
        self.attempt = attempt
        self.last_seq = 0

    def emit(self, kind: str, **fields: Any) -> Event:
        """Nothing is recorded."""
        return {"kind": kind, **fields}

    def heartbeat_if_quiet(self) -> None:
        """Nothing is recorded."""

    def sync(self) -> None:
        """Nothing is to be made durable."""

    def close(self) -> None:
        """Nothing is open."""
