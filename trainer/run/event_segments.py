"""Reading the event log: whole lines in order, and where a next attempt continues after a kill."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Event = dict[str, Any]


def read_events(directory: Path) -> Iterator[Event]:
    """Every whole event of a run in order; a torn last line is not one."""
    for segment in segments(directory):
        for line in segment.read_bytes().split(b"\n")[:-1]:
            event = parsed(line)
            if event is not None:
                yield event


def last_attempt(directory: Path) -> int:
    """The attempt of the last recorded event, 0 when there is none."""
    for segment in reversed(segments(directory)):
        for line in reversed(segment.read_bytes().split(b"\n")[:-1]):
            event = parsed(line)
            if event is not None:
                return int(event.get("attempt", 0))
    return 0


def recover(directory: Path) -> tuple[int, int, int]:
    """Last sequence number, lines in the last segment, its number; cuts off what a killed writer left of a line."""
    found = segments(directory)
    for segment in reversed(found):
        data = segment.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        while whole and parsed(whole[:-1].rsplit(b"\n", 1)[-1]) is None:
            whole = whole[: whole[:-1].rfind(b"\n") + 1]
        if len(whole) != len(data):
            with open(segment, "rb+") as file:
                file.truncate(len(whole))
                os.fsync(file.fileno())
        lines = whole.split(b"\n")[:-1]
        if lines:
            return int(json.loads(lines[-1])["seq"]), len(lines), segment_number(segment)
    return 0, 0, segment_number(found[0]) if found else 0


def segments(directory: Path) -> list[Path]:
    """The segment files in order."""
    return sorted((path for path in directory.glob("seg-*.jsonl") if path.stem[4:].isdigit()), key=segment_number)


def segment_number(path: Path) -> int:
    """The number in a segment's name."""
    return int(path.stem.split("-")[1])


def parsed(line: bytes) -> Event | None:
    """The event of a line; None for anything that is none."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) and isinstance(event.get("seq"), int) else None
