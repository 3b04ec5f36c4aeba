"""A real runpod SDK worker with a handler that does what a test tells it to."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import runpod

FOLDER = Path(os.environ["TUNESMITH_VOLUME"])


def note(name: str, text: str) -> None:
    """Leaves a mark that the test can wait for."""
    temporary = FOLDER / f"{name}.tmp"
    temporary.write_text(text)
    temporary.rename(FOLDER / name)


def leave_with_stdin() -> None:
    sys.stdin.buffer.read()
    note("stdin-closed", str(os.getpid()))


async def progress(job):
    runpod.serverless.progress_update(job, {"step": job["input"]["step"]})
    await wait_for("progress-seen")
    return {"echo": job["input"]}


async def wait_for(name: str) -> None:
    while not (FOLDER / name).exists():
        await asyncio.sleep(0.02)


async def wait(job):
    note("waiting", str(os.getpid()))
    try:
        await wait_for("go-on")
    except asyncio.CancelledError:
        note("cancelled", job["id"])
        raise
    return {"pid": os.getpid()}


async def with_child(job):
    """A child in a session of its own, as the trainer's is; it ignores the polite signal."""
    code = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up', flush=True)\ntime.sleep(600)"
    child = subprocess.Popen([sys.executable, "-c", code], start_new_session=True, stdout=subprocess.PIPE)
    child.stdout.readline()
    note("child", str(child.pid))
    await asyncio.sleep(600)


async def crash_once(job):
    """Dies like a worker that ran out of memory, the first time only."""
    marker = FOLDER / "crashed"
    if not marker.exists():
        note("crashed", str(os.getpid()))
        os.kill(os.getpid(), signal.SIGKILL)
    return {"pid": os.getpid(), "retries": job["retries"]}


async def handler(job):
    kind = job["input"]["kind"]
    if kind == "echo":
        return {"echo": job["input"]}
    if kind == "environment":
        return {"names": sorted(os.environ), "home": os.environ.get("HOME"), "argv": sys.argv}
    if kind == "raise":
        raise ValueError("the handler gave up")
    if kind == "error":
        return {"error": "no such thing", "detail": 7}
    if kind == "print":
        print("a key: rpa_ABCDEFGHIJKLMNOP and " + os.environ["RUNPOD_AI_API_KEY"])
        return {"ok": True}
    if kind == "refresh":
        return {"pid": os.getpid(), "refresh_worker": True}
    actions = {"progress": progress, "wait": wait, "with_child": with_child, "crash_once": crash_once}
    return await actions[kind](job)


async def stream(job):
    for part in job["input"]["parts"]:
        yield {"part": part}


if __name__ == "__main__":
    threading.Thread(target=leave_with_stdin, daemon=True).start()
    if os.environ.get("TUNESMITH_DTYPE") == "stream":
        runpod.serverless.start({"handler": stream, "return_aggregate_stream": True})
    else:
        runpod.serverless.start({"handler": handler})
