"""A Python process of our own in a session of its own: its lines, its log without secrets, its end."""

import asyncio
import codecs
import contextlib
import json
import os
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from protocol import RunFailure, StopReason
from worker.process_tree import MARK_VARIABLE, end_tree
from worker.redaction import RedactedStream, redacted, redactor

_LINE_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 16
_END_POLL_SECONDS = 0.2
_FOLDER = Path(__file__).resolve().parent.parent


class ChildProcess:
    """A child that ends when our end of its input closes; everything it starts ends with it."""

    def __init__(self, process: asyncio.subprocess.Process, mark: str) -> None:
        self._process = process
        self._mark = mark
        self._log = asyncio.create_task(self._relay_log())
        self._end = asyncio.create_task(self._end_rest())

    @classmethod
    async def start(cls, script: str, *arguments: str) -> "ChildProcess":
        """Starts a script of the trainer's folder."""
        mark = uuid.uuid4().hex
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-u",
            str(_FOLDER / script),
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_LINE_BYTES,
            env={**child_environment(), MARK_VARIABLE: mark},
            **({"creationflags": 0x00000200} if os.name == "nt" else {"start_new_session": True}),
        )
        return cls(process, mark)

    def request_stop(self, reason: StopReason) -> None:
        """Asks the child to save what it has and end."""
        if self._process.stdin is not None and not self._process.stdin.is_closing():
            with contextlib.suppress(OSError):
                self._process.stdin.write(f"stop {reason}\n".encode())

    async def relay(self, on_value: Callable[[dict[str, Any]], None]) -> int:
        """Hands on every JSON object it prints until it ends; returns its exit code, once nothing of it is left."""
        stream = self._process.stdout
        while stream is not None:
            try:
                line = await stream.readline()
            except ValueError:
                # Longer than any event may be; the reader has dropped it.
                continue
            if not line:
                break
            value = _object(line)
            if value is not None:
                on_value(value)
        code = await self._end
        await self._log
        return code

    def kill(self) -> None:
        """Ends the child and everything it started, at once."""
        if os.name == "nt":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                self._process.kill()
        else:
            # Once it has ended its number may belong to another program; the mark still finds its children.
            end_tree(self._process.pid if self._process.returncode is None else None, self._mark)

    async def _end_rest(self) -> int:
        """Once the child itself has ended, ends what it left: it would hold our pipes, and the GPU's memory."""
        waiting = asyncio.create_task(self._process.wait())
        while (code := self._process.returncode) is None:
            # In some versions of Python that waits for the pipes as well, so we look again and again.
            await asyncio.wait({waiting}, timeout=_END_POLL_SECONDS)
        self.kill()
        return code

    async def _relay_log(self) -> None:
        source = self._process.stderr
        if source is None:
            return
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        target = RedactedStream(sys.stderr, redactor())
        while chunk := await source.read(_CHUNK_BYTES):
            target.write(decoder.decode(chunk))
            target.flush()
        target.finish()


async def run_script(script: str, *arguments: str, seconds: float | None = None) -> dict[str, Any]:
    """The `reply` that a script prints, or the failure it names; ended when we are cancelled or it takes too long."""
    printed: list[dict[str, Any]] = []
    child = await ChildProcess.start(script, *arguments)
    try:
        code = await asyncio.wait_for(child.relay(printed.append), seconds)
    except asyncio.TimeoutError:
        raise RunFailure("INTERNAL", f"{script} did not answer within {seconds:g} seconds.", "Try again; the worker may be busy.") from None
    finally:
        child.kill()
    last = printed[-1] if printed else {}
    if "failure" in last:
        raise RunFailure(last["failure"]["code"], last["failure"]["message"], last["failure"]["advice"])
    if "reply" not in last:
        message = f"{script} ended with code {code} and without an answer."
        raise RunFailure("INTERNAL", message, "The worker's log may say more. If this happens again, set the worker up again.")
    reply: dict[str, Any] = last["reply"]
    return reply


def print_outcome(work: Callable[[], dict[str, Any]]) -> None:
    """For such a script: prints the reply of the work, or its failure, as one line."""
    try:
        outcome: dict[str, Any] = {"reply": work()}
    except RunFailure as failure:
        outcome = {"failure": redacted(failure.as_json())}
    print(json.dumps(outcome), flush=True)


def child_environment() -> dict[str, str]:
    """Ours without the platform's credentials, which training has no use for."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RUNPOD_") and name != "TUNESMITH_EXIT_WITH_STDIN"}
    # Threads that wait asleep: spinning ones multiply a step's time as soon as the computer is used.
    defaults = {"TOKENIZERS_PARALLELISM": "false", "HF_HUB_DISABLE_TELEMETRY": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    if sys.platform == "linux":
        # Otherwise glibc gives large tensors back after every step and faults them in again.
        defaults |= {"MALLOC_MMAP_THRESHOLD_": str(64 << 20), "MALLOC_TRIM_THRESHOLD_": str(16 << 30)}
    return {**defaults, **kept}


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
