"""Attempts at a run: every number is given out once, over all workers, without file locks."""

import contextlib
import os
from pathlib import Path

_FOLDER = "attempts"


class AttemptSuperseded(Exception):
    """A later attempt at this run has begun elsewhere; this one must stop at once and write nothing more."""


def newest_attempt(run_directory: Path) -> int:
    """The highest attempt number that was ever given out, 0 when there is none."""
    try:
        names = [entry.name for entry in (run_directory / _FOLDER).iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return 0
    return max((int(name) for name in names if name.isdigit()), default=0)


def claim_attempt(run_directory: Path, number: int, note: str) -> bool:
    """Takes an attempt number; exactly one caller in the world gets True for each number.

    Needs nothing of the file system but that creating a name which exists fails (O_EXCL).
    """
    folder = run_directory / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(folder / f"{number:05d}", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    except FileExistsError:
        return False
    try:
        # Only for people who look; the name alone is the claim, so a failing write takes nothing back.
        with contextlib.suppress(OSError):
            os.write(descriptor, note.encode())
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return True


def require_newest(run_directory: Path, attempt: int) -> None:
    """Raises AttemptSuperseded when a later attempt has begun (this process was frozen, or cut off from the volume)."""
    try:
        newest = newest_attempt(run_directory)
    except OSError:
        # A volume that cannot be listed gives no reason to stop; whoever writes to it next will see.
        return
    if newest > attempt:
        raise AttemptSuperseded(f"Attempt {newest} at {run_directory.name} has begun; attempt {attempt} ends here")
