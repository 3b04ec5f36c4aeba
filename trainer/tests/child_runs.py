"""Attempts in real child processes that are killed or stopped at chosen points, quickly one after the other."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from support import RUN_ID, Volume

_SCRIPT = Path(__file__).resolve().parent / "run" / "kill_point.py"
# Forking a process that has loaded the numeric libraries is safe on Linux only.
_CAN_FORK = sys.platform == "linux"


class ChildRuns:
    """Starts training children; each call returns when its child has ended."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "ChildRuns":
        if _CAN_FORK:
            environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
            command = [sys.executable, "-u", str(_SCRIPT), "serve"]
            pipe = subprocess.PIPE
            self._server = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=open(self.log, "wb"), env=environment)
            assert self._answer() == "ready", self.log.read_text()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._server is not None and self._server.stdin is not None:
            self._server.stdin.close()
            self._server.wait(30)

    def attempt(self, volume: Volume, number: int, *, what: str = "kill", where: str = "none", at: int = 0) -> int:
        """Runs one attempt; the return code, negative for the signal that ended it."""
        arguments = [what, where, str(at), "--volume", str(volume.root), "--run-id", RUN_ID, "--attempt", str(number)]
        if self._server is None or self._server.stdin is None:
            return self._spawned(arguments)
        self._server.stdin.write(json.dumps(arguments).encode() + b"\n")
        self._server.stdin.flush()
        return int(self._answer())

    def _spawned(self, arguments: list[str]) -> int:
        command = [sys.executable, str(_SCRIPT), *arguments]
        with (
            open(self.log, "ab") as log,
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log) as child,
        ):
            return child.wait(180)

    def _answer(self) -> str:
        assert self._server is not None
        assert self._server.stdout is not None
        return self._server.stdout.readline().decode().strip()
