"""What jobs may read of the volume: pieces, names, events; nothing beside it."""

import base64
import gzip
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from protocol import RunFailure, check_reply
from run.status_manager import EventLog
from worker.stop_mark import has_stop_mark
from worker.volume_files import MAX_LISTED, get_piece, list_files, mark_stop, read_run_events

RUN_ID = "0198c0de-0000-7000-8000-000000000001"


def _get(volume: Path, key: str, offset: int = 0, max_bytes: int = 4_000_000) -> dict[str, Any]:
    return check_reply("get", get_piece(volume, {"key": key, "offset": offset, "max_bytes": max_bytes}))


def _keys(volume: Path, prefix: str) -> list[str]:
    return [file["key"] for file in check_reply("list", list_files(volume, {"prefix": prefix}))["files"]]


def _file(volume: Path, key: str, data: bytes = b"x") -> Path:
    path = volume / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("data", [b"", b"abc" * 50_000, os.urandom(150_000)], ids=["empty", "text", "noise"])
def test_pieces_make_the_file_again(tmp_path: Path, data: bytes) -> None:
    """Would catch a piece that is cut short, shifted, or said to be of another size."""
    _file(tmp_path, "runs/a/part", data)
    read = b""
    while True:
        piece = _get(tmp_path, "runs/a/part", len(read), 40_000)
        sent = base64.b64decode(piece["data"])
        plain = gzip.decompress(sent) if piece["encoding"] == "gzip" else sent
        assert (len(plain), hashlib.sha256(plain).hexdigest(), piece["total_bytes"]) == (piece["bytes"], piece["sha256"], len(data))
        read += plain
        if piece["bytes"] == 0:
            break
    assert read == data


def test_noise_is_not_packed_and_text_is(tmp_path: Path) -> None:
    """Would catch adapters that grow on their way because they were packed for nothing."""
    _file(tmp_path, "runs/a/noise", os.urandom(10_000))
    _file(tmp_path, "runs/a/text", b"the same again " * 1000)
    assert _get(tmp_path, "runs/a/noise")["encoding"] == "identity"
    assert _get(tmp_path, "runs/a/text")["encoding"] == "gzip"


@pytest.mark.parametrize(
    "key", ["runs/../secret", "runs/./a", "runs//a", "../secret", "/etc/passwd", "runs/a\n", "runs/.hidden", "runs/a/..", "runs"]
)
def test_no_key_leads_out_of_the_volume(tmp_path: Path, key: str) -> None:
    """Would catch a key that climbs out, even past the check of the job input."""
    _file(tmp_path, "secret")
    _file(tmp_path / "volume", "runs/.hidden")
    with pytest.raises(RunFailure) as caught:
        _get(tmp_path / "volume", key)
    assert caught.value.code == "NOT_FOUND"


@pytest.mark.skipif(os.name == "nt", reason="Making links needs a privilege on Windows")
def test_no_link_leads_out_of_the_volume(tmp_path: Path) -> None:
    """Would catch a link at the end, on the way, or inside a listed folder."""
    volume = tmp_path / "volume"
    _file(tmp_path, "outside/secret")
    _file(volume, "runs/a/plain")
    (volume / "runs/a/link").symlink_to(tmp_path / "outside/secret")
    (volume / "runs/b").symlink_to(tmp_path / "outside")
    (volume / "runs/a/loop").symlink_to(volume / "runs")
    for key in ("runs/a/link", "runs/b/secret", "runs/a/loop/a/plain"):
        with pytest.raises(RunFailure, match="link") as caught:
            _get(volume, key)
        assert caught.value.code == "NOT_FOUND"
    assert _keys(volume, "runs/a") == ["runs/a/plain"]
    with pytest.raises(RunFailure, match="link"):
        _keys(volume, "runs/b")


@pytest.mark.skipif(os.name == "nt", reason="There are no named pipes in folders on Windows")
def test_a_named_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """Would catch a worker that hangs for ever on a get."""
    (tmp_path / "runs").mkdir()
    os.mkfifo(tmp_path / "runs" / "pipe")
    with pytest.raises(RunFailure, match="is not a file"):
        _get(tmp_path, "runs/pipe")
    assert _keys(tmp_path, "runs/pipe") == []


def test_a_list_is_in_order_within_its_prefix_and_bounded(tmp_path: Path) -> None:
    """Would catch a list of the neighbour, of hidden files, and an answer without end."""
    for number in range(MAX_LISTED + 5):
        _file(tmp_path, f"runs/a/events/seg-{number:05d}.jsonl")
    _file(tmp_path, "runs/ab/x")
    _file(tmp_path, "runs/b/c/d")
    _file(tmp_path, "runs/b/a")
    _file(tmp_path, "runs/b/.tmp")
    reply = list_files(tmp_path, {"prefix": "runs/a"})
    assert (len(reply["files"]), reply["is_truncated"]) == (MAX_LISTED, True)
    assert all(file["key"].startswith("runs/a/events/") for file in reply["files"])
    assert _keys(tmp_path, "runs/b") == ["runs/b/a", "runs/b/c/d"]
    assert _keys(tmp_path, "runs/b/a") == ["runs/b/a"]
    assert _keys(tmp_path, "runs/none") == []


def _log_events(volume: Path, count: int) -> None:
    log = EventLog(volume / "runs" / RUN_ID, 1)
    for number in range(count):
        log.log("info", f"event {number}")
    log.close()


def _page(volume: Path, after: int, most: int = 5000) -> dict[str, Any]:
    return check_reply("read_events", read_run_events(volume, {"run_id": RUN_ID, "after_seq": after, "max_events": most}))


def test_events_are_found_across_segments_and_a_torn_line_waits(tmp_path: Path) -> None:
    """Would catch an event that is lost at the border of two segments, and half a line that is taken for one."""
    _log_events(tmp_path, 1200)
    last = sorted((tmp_path / "runs" / RUN_ID / "events").glob("seg-*.jsonl"))[-1]
    with open(last, "ab") as file:
        file.write(b'{"seq":1201,"attempt":1')
    for after in (0, 511, 512, 513, 1199):
        page = _page(tmp_path, after)
        assert [event["seq"] for event in page["events"]] == list(range(after + 1, 1201))
        assert page["has_more"] is False
    assert (len(_page(tmp_path, 100, 50)["events"]), _page(tmp_path, 100, 50)["has_more"]) == (50, True)
    assert _page(tmp_path, 1200)["events"] == []


def test_events_of_another_version_are_left_out(tmp_path: Path) -> None:
    """Would catch one unknown event that makes all others unreadable."""
    _log_events(tmp_path, 2)
    segment = tmp_path / "runs" / RUN_ID / "events" / "seg-00000.jsonl"
    with open(segment, "ab") as file:
        file.write(json.dumps({"seq": 3, "attempt": 1, "t": 1, "kind": "of the future"}).encode() + b"\n")
    assert [event["seq"] for event in _page(tmp_path, 0)["events"]] == [1, 2]


def test_many_long_events_come_in_several_answers(tmp_path: Path) -> None:
    """Would catch an answer that is too large for the platform and is lost."""
    log = EventLog(tmp_path / "runs" / RUN_ID, 1)
    for _ in range(8):
        log.emit("sample", step=1, prompt="p", text="x" * 300_000)
    log.close()
    read, pages = 0, 0
    while True:
        page = _page(tmp_path, read)
        assert len(json.dumps(page)) < 1_100_000
        read, pages = read + len(page["events"]), pages + 1
        if not page["has_more"]:
            break
    assert (read, pages) == (8, 3)


def test_events_of_an_unknown_run_are_not_an_empty_list(tmp_path: Path) -> None:
    """Would catch a client that waits for ever for a run of another volume."""
    with pytest.raises(RunFailure, match="is not on the volume"):
        _page(tmp_path, 0)


def test_a_stop_mark_is_left_once_and_found_by_the_trainer(tmp_path: Path) -> None:
    """Would catch a stopped run that the next dispatch trains to its end, and a second mark that undoes the first."""
    folder = tmp_path / "runs" / RUN_ID
    for _ in range(2):
        assert check_reply("mark_stop", mark_stop(tmp_path, {"run_id": RUN_ID.upper()})) == {"v": 1, "run_id": RUN_ID}
        assert has_stop_mark(folder)


def test_a_stop_mark_never_leaves_the_volume(tmp_path: Path) -> None:
    """Would catch a link that lets a job write beside the volume."""
    outside = tmp_path / "outside"
    outside.mkdir()
    volume = tmp_path / "volume"
    (volume / "runs").mkdir(parents=True)
    (volume / "runs" / RUN_ID).symlink_to(outside)
    with pytest.raises(RunFailure):
        mark_stop(volume, {"run_id": RUN_ID})
    assert list(outside.iterdir()) == []
