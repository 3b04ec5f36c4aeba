"""Runs the training child with something waiting for it at a chosen point: SIGKILL, or the user's wish to stop.

Usage: python kill_point.py kill|stop WHERE N <arguments of train_lora.py>
       python kill_point.py serve

`serve` imports the libraries once and forks a child for each line of standard input, a JSON list of arguments; it
answers with the child's return code. A SIGKILL is as real there, and a start costs nothing.

WHERE is one of: event (an event is recorded), disk (a file or folder changes), torn (half a file of a checkpoint or of
the adapter is written), micro (a micro-batch is computed), time (N milliseconds after the first step), or none.
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

_CHILD_SECONDS = 120
_DISK = ("fsync", "rename", "replace", "mkdir", "unlink", "rmdir", "write")


class Trap:
    """Counts what happens at a place and acts when it has happened often enough."""

    def __init__(self, act: Callable[[], None], number: int) -> None:
        self.calls = 0
        self._act = act
        self._number = number

    def set(self, where: str) -> None:
        """Waits at a place; the point is reached when its N-th call begins."""
        if where == "event":
            from run.status_manager import EventLog

            self._before(EventLog, "_record")
        elif where == "micro":
            from loop.objective import Objective

            self._before(Objective, "sum_of_losses")
        elif where == "disk":
            for name in _DISK:
                self._before(os, name)
        elif where == "torn":
            self._tear()
        elif where == "time":
            self._after_first_step()

    def count(self) -> None:
        """One more call at the place."""
        self.calls += 1
        if self.calls == self._number:
            self._act()

    def _before(self, owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def call(*arguments: Any, **named: Any) -> Any:
            self.count()
            return real(*arguments, **named)

        mock.patch.object(owner, name, call).start()

    def _tear(self) -> None:
        from run import checkpoint, export, tensor_file

        real = tensor_file.write_file

        def torn(path: Path, *pieces: bytes | memoryview) -> Any:
            self.calls += 1
            if self.calls == self._number:
                data = b"".join(bytes(piece) for piece in pieces)
                path.write_bytes(data[: len(data) // 2])
                self._act()
            return real(path, *pieces)

        for module in (tensor_file, checkpoint, export):
            mock.patch.object(module, "write_file", torn).start()

    def _after_first_step(self) -> None:
        from run.status_manager import EventLog

        emit = EventLog.emit

        def call(log: EventLog, kind: str, **fields: Any) -> Any:
            if kind == "step" and self.calls == 0:
                self.calls = 1
                threading.Thread(target=self._later, daemon=True).start()
            return emit(log, kind, **fields)

        mock.patch.object(EventLog, "emit", call).start()

    def _later(self) -> None:
        time.sleep(self._number / 1000)
        self._act()


def kill() -> None:
    """Ends this process as an operating system does that has no memory left."""
    os.kill(os.getpid(), signal.SIGKILL)


def serve() -> int:
    """Forks a child per request until standard input ends."""
    import peft
    import torch
    import transformers.models.qwen3.modeling_qwen3
    from transformers import PreTrainedTokenizerFast

    import run.saved_adapter
    import run.session

    # A pool of threads would not survive the fork; nothing is computed in this process.
    torch.set_num_threads(1)
    assert all((peft, transformers.models.qwen3.modeling_qwen3, PreTrainedTokenizerFast, run.session, run.saved_adapter))
    print("ready", flush=True)
    for line in iter(sys.stdin.buffer.readline, b""):
        pid = os.fork()
        if pid == 0:
            _serve_one(json.loads(line))
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
    return 0


def _serve_one(arguments: list[str]) -> None:
    signal.alarm(_CHILD_SECONDS)
    # Its end stays open here, as the handler's does: the end of standard input would mean that the handler is gone.
    source, _ = os.pipe()
    os.dup2(source, 0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    code = 1
    try:
        code = run_child(arguments)
    finally:
        sys.stderr.flush()
        os._exit(code)


def run_child(arguments: list[str]) -> int:
    """The training child itself; a stop arrives on standard input, as it does from the handler."""
    what, where, number = arguments[0], arguments[1], int(arguments[2])
    sys.argv = ["train_lora.py", *arguments[3:]]
    import train_lora

    def stop() -> None:
        os.write(lever, b"stop user\n")

    if what == "stop":
        source, lever = os.pipe()
        os.dup2(source, 0)
    Trap(kill if what == "kill" else stop, number).set(where)
    return train_lora.main()


if __name__ == "__main__":
    code = serve() if sys.argv[1] == "serve" else run_child(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)
