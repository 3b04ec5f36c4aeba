"""Finds and ends everything a training child started, also what left its session or lost its parent."""

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

# Every process of a tree inherits this variable with a value of its own.
MARK_VARIABLE = "TUNESMITH_TRAINER_MARK"
_ROUNDS = 20


def end_tree(root: int | None, mark: str) -> None:
    """Kills the session of `root` and, on Linux, every process that carries the mark.

    torch's launcher gives each rank a session of its own, so that a signal to the group misses all of them.
    """
    if root is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(root, signal.SIGKILL)
    # A process that is being forked while we look is found in the next round.
    for _ in range(_ROUNDS):
        found = marked(mark)
        if not found:
            return
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def marked(mark: str) -> list[int]:
    """Living processes of this user that carry the mark; none where the system does not show environments."""
    if sys.platform != "linux":
        return []
    wanted = f"{MARK_VARIABLE}={mark}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            # It may end, or belong to somebody else.
            with contextlib.suppress(OSError):
                if wanted in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found
