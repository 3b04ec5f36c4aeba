"""A run's volume that stops taking writes when it is told to: full, read-only or failing."""

import builtins
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


class SickVolume:
    """Every call that changes files below a folder fails with `errno` while that is set."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.errno: int | None = None
        self.refused = 0
        self._folder = str(folder)
        monkeypatch.setattr(builtins, "open", self._opening(builtins.open))
        for name in ("mkdir", "rename", "replace"):
            monkeypatch.setattr(os, name, self._changing(getattr(os, name)))
        monkeypatch.setattr(os, "open", self._os_opening(os.open))
        # Descriptors that were open before: of this process only the event log writes through one.
        monkeypatch.setattr(os, "write", self._writing(os.write))

    def _refuse(self, path: object) -> None:
        if self.errno is not None and str(path).startswith(self._folder):
            self.refused += 1
            raise OSError(self.errno, os.strerror(self.errno), str(path))

    def _opening(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(file: Any, mode: str = "r", *arguments: Any, **named: Any) -> Any:
            if mode.strip("bt") != "r":
                self._refuse(file)
            return real(file, mode, *arguments, **named)

        return call

    def _os_opening(self, real: Callable[..., int]) -> Callable[..., int]:
        def call(path: Any, flags: int, *arguments: Any, **named: Any) -> int:
            if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                self._refuse(path)
            return real(path, flags, *arguments, **named)

        return call

    def _changing(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *arguments: Any, **named: Any) -> Any:
            self._refuse(path)
            return real(path, *arguments, **named)

        return call

    def _writing(self, real: Callable[[int, Any], int]) -> Callable[[int, Any], int]:
        def call(descriptor: int, data: Any) -> int:
            self._refuse(_path_of(descriptor))
            return real(descriptor, data)

        return call


def _path_of(descriptor: int) -> str:
    try:
        return str(Path(f"/proc/self/fd/{descriptor}").readlink())
    except OSError:
        return ""
