"""The processes of a worker under test: finding them, waiting for their end, leaving none behind."""

import subprocess

import psutil


def descendants(pid: int) -> list[psutil.Process]:
    """Everything a process has started that still lives."""
    try:
        found: list[psutil.Process] = psutil.Process(pid).children(recursive=True)
        return found
    except psutil.NoSuchProcess:
        return []


def trainers(processes: list[psutil.Process]) -> list[psutil.Process]:
    """The training children among them."""
    return [process for process in processes if "train_lora.py" in " ".join(process.cmdline())]


def assert_gone(processes: list[psutil.Process], seconds: float) -> None:
    """They end by themselves within the time."""
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    assert not alive


def end_family(worker: "subprocess.Popen[bytes]") -> None:
    """Kills a worker and everything it started."""
    for child in descendants(worker.pid):
        child.kill()
    worker.kill()
    worker.wait()
    if worker.stdin is not None:
        worker.stdin.close()
