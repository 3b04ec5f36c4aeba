"""Several processes for one attempt: how many, starting them with torch's launcher, ending them together."""

import os
import re
import signal
import sys
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_LAUNCHER = "TUNESMITH_LAUNCHER_PID"
_WATCH_SECONDS = 0.5
_GPU_DEVICE = re.compile(r"nvidia\d+")


@dataclass(frozen=True)
class Place:
    """Which of an attempt's processes this one is."""

    rank: int = 0
    size: int = 1


def processes_wanted() -> int:
    """One process per CUDA device; `TUNESMITH_PROCESSES` overrides it."""
    asked = os.environ.get("TUNESMITH_PROCESSES", "")
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    if os.environ.get("TUNESMITH_DEVICE", "cuda") != "cuda" or _devices_in_sight() < 2:
        return 1
    # Importing torch takes seconds, so it is asked only where there may be more than one device.
    import torch

    return max(1, torch.cuda.device_count())


def _devices_in_sight() -> int:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([name for name in visible.split(",") if name.strip() not in ("", "-1")])
    devices = Path("/dev")
    return sum(_GPU_DEVICE.fullmatch(entry.name) is not None for entry in devices.iterdir()) if devices.is_dir() else 0


def own_place() -> Place | None:
    """This process's place among those the launcher started, None when it was not started by it."""
    if _LAUNCHER not in os.environ:
        return None
    return Place(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))


def leave_with_launcher() -> None:
    """Ends this process when the launcher is gone, whatever it was doing: nobody else would."""
    launcher = int(os.environ[_LAUNCHER])

    def watch() -> None:
        while os.getppid() == launcher:
            time.sleep(_WATCH_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="launcher-watch", daemon=True).start()


def launch(processes: int, script: Path, arguments: Sequence[str]) -> int:
    """Runs the script in so many processes until all have ended; one that dies ends the others.

    Standard input and output are those of the first process. Ends the way the process ended that died first.
    """
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    os.environ[_LAUNCHER] = str(os.getpid())
    if sys.platform == "linux":
        # All processes are on this host; its name need not resolve.
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id=uuid.uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
        monitor_interval=0.1,
        local_addr="localhost",
    )
    try:
        elastic_launch(config, sys.executable)("-u", str(script), *arguments)
    except ChildFailedError as failed:
        _, first = failed.get_first_failure()
        return _ended_like(int(first.exitcode))
    return 0


def _ended_like(code: int) -> int:
    """The handler tells from the signal what happened, so this process dies of the same one."""
    if code < 0:
        signal.signal(-code, signal.SIG_DFL) if -code not in (signal.SIGKILL, signal.SIGSTOP) else None
        os.kill(os.getpid(), -code)
    return code
