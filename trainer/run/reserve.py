"""Room kept for the last words of a run, so that a volume that others fill still takes its end."""

import contextlib
import os
from pathlib import Path

_NAME = "reserve"
# The last events, status.json and result.json, whose largest part is three figures for each of 500 held-out rows.
_RESERVE_BYTES = 256 * 1024


def keep_reserve(run_directory: Path) -> None:
    """Occupies the room; on a volume that is full already there is none to keep."""
    path = run_directory / _NAME
    with contextlib.suppress(OSError):
        if path.exists():
            return
        try:
            # Not zeros: some volumes store those for nothing.
            with open(path, "wb") as file:
                file.write(os.urandom(_RESERVE_BYTES))
        except OSError:
            path.unlink(missing_ok=True)


def free_reserve(run_directory: Path) -> None:
    """Gives the room back, for the end of the run."""
    with contextlib.suppress(OSError):
        (run_directory / _NAME).unlink(missing_ok=True)
