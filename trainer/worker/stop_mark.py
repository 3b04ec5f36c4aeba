"""The durable word that a user stopped a run: kept on the volume, so that no later dispatch trains on."""

from pathlib import Path

from storage import read_json, write_json

_NAME = "stop.json"


def write_stop_mark(run_directory: Path) -> None:
    """Records that the user stopped the run; it is on the disk when this returns."""
    run_directory.mkdir(parents=True, exist_ok=True)
    if not has_stop_mark(run_directory):
        write_json(run_directory / _NAME, {"v": 1, "reason": "user"})


def has_stop_mark(run_directory: Path) -> bool:
    """Whether the user stopped the run, now or at an earlier dispatch."""
    mark = read_json(run_directory / _NAME)
    return isinstance(mark, dict) and mark.get("reason") == "user"
