"""Tells the process that holds something on a shared volume from every other one, on this host and on others."""

import contextlib
import os
import socket
from pathlib import Path
from typing import Any


def own_process() -> dict[str, Any]:
    """What a holder writes about itself, for `lives_on_this_host` to read."""
    return {"host": host_identity(), "pid": os.getpid(), "started": process_start(os.getpid())}


def lives_on_this_host(record: dict[str, Any]) -> bool | None:
    """Whether the holder's process runs; None when it is on another host or cannot be looked up."""
    if record.get("host") != host_identity():
        return None
    try:
        pid, started = int(record["pid"]), record["started"]
    except (KeyError, TypeError, ValueError):
        return None
    if started is not None:
        return process_start(pid) == str(started)
    return False if _is_gone(pid) else None


def host_identity() -> str:
    """Names this host and its process numbering: two containers may share a host name but not their processes."""
    name = socket.gethostname()
    with contextlib.suppress(OSError):
        name += f":{Path('/proc/self/ns/pid').stat().st_ino}"
    return name


def process_start(pid: int) -> str | None:
    """Tells a process from a later one with the same id (Linux); None when unknown or gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except (OSError, IndexError):
        return None
    return None if fields[0] == "Z" else f"{boot}:{fields[19]}"


def _is_gone(pid: int) -> bool:
    """True only when there is certainly no such process; Windows would end the process that it is asked about."""
    if os.name == "nt":
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False
