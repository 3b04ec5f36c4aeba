"""Sends the latest events through the job API: coalesced, one request in flight, awaited at the end."""

import asyncio
import contextlib
import json
import os
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

MAX_EVENTS = 64
MAX_BYTES = 8000
_DEFAULT_INTERVAL_MS = 2000
_REQUEST_SECONDS = 10.0
Post = Callable[[dict[str, Any]], Awaitable[None]]


def build_snapshot(run_id: str, attempt: int, events: list[dict[str, Any]]) -> dict[str, Any]:
    """The last consecutive events that fit into one progress update."""
    kept: list[dict[str, Any]] = []
    size = 200
    for event in reversed(events[-MAX_EVENTS:]):
        size += len(json.dumps(event, ensure_ascii=False).encode()) + 2
        if (size > MAX_BYTES and kept) or (kept and event["seq"] != kept[-1]["seq"] - 1):
            break
        if size <= MAX_BYTES:
            kept.append(event)
    kept.reverse()
    first, last = (kept[0]["seq"], kept[-1]["seq"]) if kept else (0, 0)
    return {"v": 1, "run_id": run_id, "attempt": attempt, "from": first, "to": last, "events": kept}


class ProgressSender:
    """Keeps the newest events and posts them at a steady pace until it is closed.

    The SDK's own progress_update starts a thread per call, whose request may arrive after the
    result and overwrite it. Here every request is awaited before close() returns.
    """

    def __init__(self, run_id: str, post: Post | None, interval_seconds: float) -> None:
        self._run_id = run_id
        self._post = post
        self._interval = interval_seconds
        self._events: deque[dict[str, Any]] = deque(maxlen=MAX_EVENTS)
        self._changed = asyncio.Event()
        self._closing = asyncio.Event()
        self._task = asyncio.create_task(self._run()) if post else None

    def add(self, event: dict[str, Any]) -> None:
        """Takes an event to be sent with the next update."""
        self._events.append(event)
        self._changed.set()

    async def close(self) -> None:
        """Sends what is left and returns once no request is under way any more."""
        self._closing.set()
        self._changed.set()
        if self._task is not None:
            await asyncio.shield(self._task)

    async def _run(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            is_last = self._closing.is_set()
            if self._events:
                await self._send()
            if is_last:
                return
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._closing.wait(), self._interval)

    async def _send(self) -> None:
        events = list(self._events)
        snapshot = build_snapshot(self._run_id, int(events[-1]["attempt"]), events)
        if self._post is not None:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._post(snapshot), _REQUEST_SECONDS)


def interval_from_environment() -> float:
    """Seconds between two updates."""
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
