"""Keeps secrets out of everything that is printed, recorded or sent."""

import os
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any, TextIO
from urllib.parse import quote

_HIDDEN = "[hidden]"
_SECRET_NAME = re.compile(r"(?:^|_)(?:TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?|KEY|APIKEY)(?:_|$)", re.IGNORECASE)
# Variables whose name only says where a secret lies, or which service takes it.
_NO_SECRET = re.compile(r"_(?:FILE|PATH|DIR|SOCK|URL|HOST|NAME|INTERVAL|MS)$", re.IGNORECASE)
_SHORTEST_SECRET = 8
_SHAPES = (
    (re.compile(r"\b(?:hf|rpa|rps)_[A-Za-z0-9_-]{8,}"), _HIDDEN),
    (re.compile(r"(?i)\b(bearer(?:\s+|%20))(?=\S*\d)[A-Za-z0-9._~+/=-]{12,}"), rf"\1{_HIDDEN}"),
    (re.compile(r"(?i)\b((?:proxy-)?authorization['\"]?\s*[:=]\s*['\"]?(?:(?:bearer|basic|token)\s+)?)[^\s'\",;\[]{4,}"), rf"\1{_HIDDEN}"),
    (re.compile(r"(?i)([?&](?:token|api_?key|key|signature|sig|x-amz-[a-z-]+)=)[^&\s'\"]+"), rf"\1{_HIDDEN}"),
    (re.compile(r"(://)[^/\s:@]+:[^/\s@]+@"), rf"\1{_HIDDEN}@"),
)


class Redactor:
    """Knows the secrets of one environment and how secrets look in general."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        values = {value for name, value in environment.items() if _is_secret(name, value)}
        forms = {form for value in values for form in (value, quote(value, safe=""), value.replace("\\", "\\\\").replace('"', '\\"'))}
        # The longest first: a secret may begin with another.
        ordered = sorted(forms, key=lambda form: (-len(form), form))
        self._values = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def text(self, text: str) -> str:
        """The text without secrets."""
        text = self._without_own(text)
        for shape, shown in _SHAPES:
            text = shape.sub(shown, text)
        return text

    def value(self, value: Any) -> Any:
        """A JSON value without secrets in any of its texts; keys stay."""
        return _each_text(value, self.text)

    def own(self, value: Any) -> Any:
        """A JSON value without the secrets of this environment; what merely looks like a secret stays."""
        return _each_text(value, self._without_own)

    def _without_own(self, text: str) -> str:
        return text if self._values is None else self._values.sub(_HIDDEN, text)


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _each_text(entry, change) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_each_text(entry, change) for entry in value]
    return value


def _is_secret(name: str, value: str) -> bool:
    return len(value) >= _SHORTEST_SECRET and bool(_SECRET_NAME.search(name)) and not _NO_SECRET.search(name)


class RedactedStream:
    """A text stream that hides secrets; holds an unfinished line back, since a secret may be printed in pieces."""

    _LONGEST_LINE = 64 * 1024

    def __init__(self, target: TextIO, redactor: Redactor) -> None:
        self._target = target
        self._redactor = redactor
        self._held = ""

    def write(self, text: str) -> int:
        """Passes whole lines on, a line as long as a file at once."""
        self._held += text
        end = max(self._held.rfind("\n"), self._held.rfind("\r")) + 1
        if end == 0 and len(self._held) > self._LONGEST_LINE:
            end = len(self._held)
        if end:
            whole, self._held = self._held[:end], self._held[end:]
            self._target.write(self._redactor.text(whole))
        return len(text)

    def flush(self) -> None:
        """Flushes what is whole; the rest follows with its line's end, or at `finish`."""
        self._target.flush()

    def finish(self) -> None:
        """Passes on what is left without a line's end."""
        held, self._held = self._held, ""
        self._target.write(self._redactor.text(held))
        self._target.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)


_process: list[Redactor] = []


def redactor() -> Redactor:
    """The redactor of this process's environment."""
    if not _process:
        _process.append(Redactor(os.environ))
    return _process[0]


def redacted(value: Any) -> Any:
    """A text or JSON value without the secrets of this process."""
    return redactor().value(value)


def redacted_event(event: dict[str, Any]) -> dict[str, Any]:
    """An event without secrets; what the model reads and writes is changed only where it repeats one of ours."""
    if event.get("kind") in ("sample", "mask_sample"):
        return {key: redactor().own(value) for key, value in event.items()}
    return {key: redactor().value(value) for key, value in event.items()}


def guard_output() -> None:
    """From here on nothing this process prints holds a secret."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, RedactedStream):
            setattr(sys, name, RedactedStream(stream, redactor()))
