"""How a training child hears that it should end: lines on its standard input, its end, or SIGTERM."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import BinaryIO, Protocol

from protocol import StopReason


class StopSource(Protocol):
    """Says whether somebody asked the run to end."""

    @property
    def reason(self) -> StopReason | None: ...


class StopControl:
    """Remembers the first reason to stop; a user's stop outranks a shutdown that follows it."""

    def __init__(self) -> None:
        self._reason: StopReason | None = None
        self._lock = threading.RLock()
        self._on_stop: list[Callable[[StopReason], None]] = []

    @property
    def reason(self) -> StopReason | None:
        """Why the run is to end, None while it is to go on."""
        return self._reason

    def request(self, reason: StopReason) -> None:
        """Asks the run to end."""
        with self._lock:
            if self._reason is not None:
                return
            self._reason = reason
            callbacks = list(self._on_stop)
        for callback in callbacks:
            threading.Thread(target=callback, args=(reason,), daemon=True).start()

    def on_stop(self, callback: Callable[[StopReason], None]) -> None:
        """Calls back, on a thread of its own, when the run is asked to end."""
        with self._lock:
            self._on_stop.append(callback)

    def listen(self, source: BinaryIO) -> None:
        """Follows the handler's lines; the end of the stream means that the handler is gone."""
        signal.signal(signal.SIGTERM, lambda *_: self.request("shutdown"))
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        threading.Thread(target=self._read, args=(source,), name="stop-control", daemon=True).start()

    def _read(self, source: BinaryIO) -> None:
        for line in iter(source.readline, b""):
            if line.strip() == b"stop user":
                self.request("user")
            elif line.strip() == b"stop shutdown":
                self.request("shutdown")
        self.request("shutdown")


def detach_output() -> BinaryIO:
    """Keeps standard output for events alone: whatever libraries print goes to standard error."""
    sys.stdout.flush()
    relay = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return relay
