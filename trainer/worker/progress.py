"""Sends the latest events through the job API: coalesced, one request in flight, silent before the answer."""

import asyncio
import contextlib
import json
import os
import sys
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from worker.redaction import redacted, redacted_event

MAX_EVENTS = 64
# With the few letters around the events this stays below 8 KB.
MAX_BYTES = 8000
_ENVELOPE_BYTES = 200
_DEFAULT_INTERVAL_MS = 2000
_REQUEST_SECONDS = 10.0
Post = Callable[[dict[str, Any]], Awaitable[None]]


def build_snapshot(run_id: str, attempt: int, events: list[dict[str, Any]]) -> dict[str, Any]:
    """The last consecutive events that fit into one progress update; one too large for any is left to the event log."""
    kept: list[dict[str, Any]] = []
    size = _ENVELOPE_BYTES
    for event in reversed(events[-MAX_EVENTS:]):
        if kept and event["seq"] != kept[-1]["seq"] - 1:
            break
        length = len(json.dumps(event, ensure_ascii=False).encode()) + 2
        if size + length <= MAX_BYTES:
            size += length
            kept.append(event)
        elif kept:
            break
    kept.reverse()
    first, last = (kept[0]["seq"], kept[-1]["seq"]) if kept else (0, 0)
    return {"v": 1, "run_id": run_id, "attempt": attempt, "from": first, "to": last, "events": kept}


class ProgressSender:
    """Keeps the newest events and posts them at a steady pace until it is closed.

    The SDK's own progress_update starts a thread per call, whose request may arrive after the
    result and overwrite it. Here every request is awaited, and before an answer comes a pause.
    """

    def __init__(self, run_id: str, post: Post | None, interval_seconds: float) -> None:
        self._run_id = run_id
        self._post = post
        self._interval = interval_seconds
        self._events: deque[dict[str, Any]] = deque(maxlen=MAX_EVENTS)
        self._changed = asyncio.Event()
        self._closing = asyncio.Event()
        self._sent: tuple[int, int] = (0, 0)
        self._last_end = -interval_seconds
        self._task = asyncio.create_task(self._run()) if post else None

    def add(self, event: dict[str, Any]) -> None:
        """Takes an event to be sent with the next update."""
        self._events.append(redacted_event(event))
        self._changed.set()

    async def close(self, *, is_answered: bool = True) -> None:
        """Sends what is left; before an answer returns only once the platform has heard nothing for one interval."""
        self._closing.set()
        self._changed.set()
        if self._task is None:
            return
        await asyncio.shield(self._task)
        if is_answered:
            await asyncio.sleep(max(0.0, self._last_end + self._interval - _now()))

    async def _run(self) -> None:
        while not self._closing.is_set():
            await self._changed.wait()
            self._changed.clear()
            await self._pause()
            await self._send()
        await self._send()

    async def _pause(self) -> None:
        """Waits until the last update is one interval old; the end cuts it short."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._closing.wait(), max(0.0, self._last_end + self._interval - _now()))

    async def _send(self) -> None:
        if not self._events or self._post is None:
            return
        newest = (int(self._events[-1]["attempt"]), int(self._events[-1]["seq"]))
        snapshot = build_snapshot(self._run_id, newest[0], list(self._events))
        if newest <= self._sent or not snapshot["events"]:
            return
        self._sent = newest
        try:
            await asyncio.wait_for(self._post(snapshot), _REQUEST_SECONDS)
        except asyncio.TimeoutError:
            print("A progress update took too long and was given up; the next one repeats it.", file=sys.stderr, flush=True)
        except Exception as error:
            # Progress is a convenience: the event log on the volume has everything.
            print(redacted(f"A progress update failed: {type(error).__name__}: {error}"), file=sys.stderr, flush=True)
        finally:
            self._last_end = _now()


def _now() -> float:
    return asyncio.get_running_loop().time()


def interval_from_environment() -> float:
    """Seconds between two updates, and between the last one and the answer."""
    try:
        return max(0.05, int(os.environ.get("TUNESMITH_PROGRESS_INTERVAL_MS", "")) / 1000)
    except ValueError:
        return _DEFAULT_INTERVAL_MS / 1000


def post_for_job(job: dict[str, Any]) -> Post | None:
    """Posts to the platform this worker belongs to; None where there is no platform."""
    if not os.environ.get("RUNPOD_WEBHOOK_POST_OUTPUT"):
        return None
    from runpod.http_client import AsyncClientSession
    from runpod.serverless.modules.rp_http import send_result

    async def post(snapshot: dict[str, Any]) -> None:
        async with AsyncClientSession() as session:
            await send_result(session, {"status": "IN_PROGRESS", "output": snapshot}, job)

    return post
