"""What a job answers: the small actions, and every answer kept within what the platform takes."""

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from protocol import ACTIONS, RunFailure
from storage import volume_failure
from worker.child import run_script
from worker.redaction import redacted
from worker.uploads import put_piece
from worker.volume_files import get_piece, list_files, mark_stop, read_run_events

# The platform keeps only small answers of long jobs; 10 KB is the contract's limit.
MAX_RETURN_BYTES = 9_500
_HELLO_SECONDS = 180.0
_FILE_ACTIONS: dict[str, Callable[[Path, dict[str, Any]], dict[str, Any]]] = {
    "put": put_piece,
    "get": get_piece,
    "list": list_files,
    "read_events": read_run_events,
    "mark_stop": mark_stop,
}


async def answer_small(action: str, volume: Path, job: dict[str, Any]) -> dict[str, Any]:
    """Answers every action but `train`."""
    if action == "hello":
        return await _hello(volume)
    if action == "merge":
        return await run_script("merge_adapter.py", "--volume", str(volume), "--run-id", str(job["run_id"]).lower())
    # On a thread: a network volume may let a read wait for seconds.
    return await asyncio.to_thread(_FILE_ACTIONS[action], volume, job)


async def _hello(volume: Path) -> dict[str, Any]:
    """Asks a process of its own, so that this one never holds a GPU context."""
    described = await run_script("describe_device.py", "--volume", str(volume), seconds=_HELLO_SECONDS)
    return {**described, **await asyncio.to_thread(_disk, volume), "actions": list(ACTIONS)}


def _disk(volume: Path) -> dict[str, int]:
    volume.mkdir(parents=True, exist_ok=True)
    usage = shutil.disk_usage(volume)
    return {"disk_free_bytes": usage.free, "disk_total_bytes": usage.total}


def explained(error: Exception) -> RunFailure:
    """An unexpected error in words for the user."""
    known = volume_failure(error)
    if known is not None:
        return known
    message = f"The worker stopped on an error it does not know: {type(error).__name__}: {str(error)[:300]}"
    return RunFailure("INTERNAL", message, "Try again. If it happens again, the worker's log has the details.")


def refusal(failure: RunFailure) -> dict[str, Any]:
    """A dict whose `error` makes the platform call the job failed."""
    return {"error": _cut(redacted(f"{failure.code}: {failure.message} {failure.advice}"), MAX_RETURN_BYTES)}


def train_answer(answer: dict[str, Any]) -> dict[str, Any]:
    """A job return without secrets and within its limit; the full words are in result.json."""
    kept: dict[str, Any] = redacted(answer)
    failure = kept["failure"]
    if failure is not None:
        kept["failure"] = {**failure, "message": _cut(failure["message"], 5_000), "advice": _cut(failure["advice"], 2_000)}
    return kept


def _cut(text: str, limit: int) -> str:
    """The text within so many bytes of JSON."""
    while len(json.dumps(text).encode()) > limit:
        text = text[: max(0, len(text) * 9 // 10 - 1)].rstrip() + "…"
    return text
