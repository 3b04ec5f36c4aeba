"""Child processes of the worker: nothing they start outlives them, their log holds no secret, their answer is read."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from protocol import RunFailure
from worker import child, redaction
from worker.child import ChildProcess, run_script
from worker.redaction import Redactor

# A launcher whose process, as torch's does, starts another in a session of its own and then waits.
LAUNCHER = """
import subprocess, sys, time
rank = subprocess.Popen([sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"],
                        start_new_session=True, stdout=subprocess.PIPE)
rank.stdout.readline()
print('{"rank": %d}' % rank.pid, flush=True)
"""


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Makes a script of the trainer's folder out of its text."""
    monkeypatch.setattr(child, "_FOLDER", tmp_path)

    def written(text: str) -> str:
        (tmp_path / "script.py").write_text(text)
        return "script.py"

    return written


def _assert_dead(pid: int) -> None:
    try:
        psutil.Process(pid).wait(10)
    except psutil.NoSuchProcess:
        return


async def _first_value(process: ChildProcess) -> tuple[dict[str, Any], Awaitable[int]]:
    got: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    relay = asyncio.create_task(process.relay(got.put_nowait))
    return await asyncio.wait_for(got.get(), 30), relay


@pytest.mark.skipif(sys.platform != "linux", reason="Several GPUs, and with them several processes, are trained on under Linux only")
def test_a_kill_reaches_what_left_the_session(script: Callable[[str], str]) -> None:
    """Would catch ranks of torch's launcher that go on training, and paying, after a kill of the group."""

    async def play() -> int:
        process = await ChildProcess.start(script(LAUNCHER + "time.sleep(600)"))
        value, relay = await _first_value(process)
        process.kill()
        assert await asyncio.wait_for(relay, 10) == -9
        return int(value["rank"])

    _assert_dead(asyncio.run(play()))


@pytest.mark.skipif(sys.platform != "linux", reason="Several GPUs, and with them several processes, are trained on under Linux only")
def test_a_launcher_that_died_leaves_nothing_behind(script: Callable[[str], str]) -> None:
    """Would catch an orphan that holds the GPU's memory while the next attempt starts."""

    async def play() -> int:
        process = await ChildProcess.start(script(LAUNCHER + "import os; os._exit(3)"))
        value, relay = await _first_value(process)
        assert await asyncio.wait_for(relay, 10) == 3
        return int(value["rank"])

    _assert_dead(asyncio.run(play()))


def test_a_child_ends_when_our_end_of_its_input_closes(script: Callable[[str], str]) -> None:
    """Would catch a child that outlives a worker which was killed."""
    text = "import sys\nprint('{\"a\": 1}', flush=True)\nsys.stdin.buffer.read()\n"

    async def play() -> int:
        process = await ChildProcess.start(script(text))
        _, relay = await _first_value(process)
        assert process._process.stdin is not None
        process._process.stdin.close()
        return await asyncio.wait_for(relay, 10)

    assert asyncio.run(play()) == 0


def test_lines_that_are_no_objects_and_lines_without_end_are_passed_over(script: Callable[[str], str]) -> None:
    """Would catch a library's stray print that ends the relay, and memory eaten by one endless line."""
    text = "print('hello')\nprint('[1]')\nprint('x' * 3_000_000)\nprint('{\"a\": 1}')\n"

    async def play() -> list[dict[str, Any]]:
        got: list[dict[str, Any]] = []
        process = await ChildProcess.start(script(text))
        assert await asyncio.wait_for(process.relay(got.append), 30) == 0
        return got

    assert asyncio.run(play()) == [{"a": 1}]


def test_what_a_child_logs_is_shown_without_secrets(
    script: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Would catch a token in a traceback of the child, also one that C code prints in two pieces."""
    secret = "hf_VerySecretIndeed99"
    monkeypatch.setattr(redaction, "_process", [Redactor({"HF_TOKEN": secret})])
    text = (
        f"import os\nos.write(2, b'one {secret[:9]}')\nos.write(2, b'{secret[9:]} two\\n')\nos.write(2, b'{secret}')\nraise SystemExit(2)\n"
    )

    async def play() -> int:
        process = await ChildProcess.start(script(text))
        return await asyncio.wait_for(process.relay(lambda _: None), 30)

    assert asyncio.run(play()) == 2
    printed = capfd.readouterr().err
    assert secret not in printed
    assert "one [hidden] two\n[hidden]" in printed


def test_the_platforms_credentials_do_not_reach_a_child(script: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch an API key in the environment of a process that has no use for it."""
    monkeypatch.setenv("RUNPOD_AI_API_KEY", "secret-key")
    monkeypatch.setenv("HF_TOKEN", "hf_needed_for_downloads")
    reply = asyncio.run(run_script(script("import os, json\nprint(json.dumps({'reply': dict(os.environ)}))")))
    assert not [name for name in reply if name.startswith("RUNPOD_")]
    assert reply["HF_TOKEN"] == "hf_needed_for_downloads"
    assert reply["PATH"] == os.environ["PATH"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('print(\'{"failure": {"code": "NOT_FOUND", "message": "No run.", "advice": "Look."}}\')', "No run."),
        ("raise SystemExit(7)", "ended with code 7 and without an answer"),
        ("import time; time.sleep(600)", "did not answer within"),
    ],
    ids=["failure", "crash", "hang"],
)
def test_a_script_without_a_reply_is_a_failure_in_words(script: Callable[[str], str], text: str, message: str) -> None:
    """Would catch a job that waits for ever, or fails with a traceback only."""
    seconds = 1.0 if "sleep" in text else None
    with pytest.raises(RunFailure, match=message):
        asyncio.run(run_script(script(text), seconds=seconds))


def test_a_cancelled_script_is_ended(script: Callable[[str], str]) -> None:
    """Would catch a merge that goes on writing after its job was cancelled."""
    mark: list[int] = []

    async def play() -> None:
        real, is_started = ChildProcess.start, asyncio.Event()

        async def noted(*arguments: str) -> ChildProcess:
            process = await real(*arguments)
            mark.append(process._process.pid)
            is_started.set()
            return process

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ChildProcess, "start", noted)
            task = asyncio.create_task(run_script(script("import time; time.sleep(600)")))
            await asyncio.wait_for(is_started.wait(), 30)
            task.cancel()
            await asyncio.wait({task}, timeout=10)
            assert task.cancelled()

    asyncio.run(play())
    _assert_dead(mark[0])
